import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { bucketsPerStreamPerRunMax, graceMsDefault } from "../../../domain/limits.ts";
import { listBuckets } from "../../../platform/catalog/buckets.ts";
import { dueBuckets, enumerateDue, hoursDue, postponeDue } from "../../../platform/catalog/due.ts";
import { recordSealFailure, recordSealed } from "../../../platform/catalog/sealed.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { getStream } from "../../../platform/catalog/streams.ts";
import { at, bucket, hour, overriding, sealed, settings, type } from "../helpers.ts";

const db = env.CATALOG;

/** The queue is one for all streams, so these tests begin with an empty one. */
beforeEach(async () => {
  await db.batch([db.prepare("DELETE FROM buckets"), db.prepare("DELETE FROM streams")]);
});

const names = (due: Awaited<ReturnType<typeof dueBuckets>>): string[] =>
  due.map(({ address }) => `${address.hour}/${address.type}`);

it("an hour is due at its end and grace, and not a millisecond earlier", () => {
  const grace = graceMsDefault;
  expect(hoursDue(hour("2026-11-23T10"), grace, at("2026-11-23T11:09:59.999Z")).hours).toEqual([]);
  expect(hoursDue(hour("2026-11-23T10"), grace, at("2026-11-23T11:10:00Z"))).toEqual({
    hours: [{ hour: "2026-11-23T10", dueAtMs: at("2026-11-23T11:10:00Z") }],
    next: "2026-11-23T11",
  });
});

describe("taking up hours", () => {
  it("takes up every due hour once, and none that is not", async () => {
    await putStream(db, type("take"), settings(), at("2026-11-23T10:30:00Z"));
    expect(await enumerateDue(db, at("2026-11-23T11:09:59.999Z"), 10)).toEqual({ streams: 0, buckets: 0 });
    expect(await enumerateDue(db, at("2026-11-23T13:10:00Z"), 10)).toEqual({ streams: 1, buckets: 3 });
    expect(await enumerateDue(db, at("2026-11-23T13:10:00Z"), 10)).toEqual({ streams: 0, buckets: 0 });
    expect((await getStream(db, type("take")))?.nextHour).toBe("2026-11-23T13");
    expect(await dueBuckets(db, at("2026-11-23T13:10:00Z"), 10)).toEqual(
      ["2026-11-23T10", "2026-11-23T11", "2026-11-23T12"].map((text, index) => ({
        address: bucket("take", text),
        settings: settings(),
        dueAtMs: at("2026-11-23T11:10:00Z") + index * 3_600_000,
        attempts: 0,
      })),
    );
  });

  it("[BU6] catches up on a stream far behind, a bounded number of hours a run", async () => {
    await putStream(db, type("behind"), settings(), at("2026-11-01T00:00:00Z"));
    const now = at("2026-11-03T02:10:00Z");
    const taken: number[] = [];
    for (let run = 0; run < 4; run++) taken.push((await enumerateDue(db, now, 10)).buckets);
    expect(taken).toEqual([bucketsPerStreamPerRunMax, bucketsPerStreamPerRunMax, 2, 0]);
  });

  it("two flushers at once take up each hour once and lose none", async () => {
    const streams = Array.from({ length: 150 }, (_, index) => `race-${index}`);
    for (const name of streams) await putStream(db, type(name), settings(), at("2026-11-23T00:00:00Z"));
    const now = at("2026-11-23T05:10:00Z");
    const runs = await Promise.all([1, 2, 3].map(() => enumerateDue(db, now, 200)));
    expect(runs.reduce((sum, { buckets }) => sum + buckets, 0)).toBe(150 * 5);
    expect((await listBuckets(db, {}, null, 1_000)).items).toHaveLength(750);
    for (const name of ["race-0", "race-99", "race-100", "race-149"]) {
      expect((await getStream(db, type(name)))?.nextHour).toBe("2026-11-23T05");
    }
  });

  it("a slow flusher does not move a stream back behind a faster one", async () => {
    await putStream(db, type("slow"), settings(), at("2026-11-23T10:00:00Z"));
    const overtaken = overriding(db, {
      async batch<T>(statements: D1PreparedStatement[]) {
        await enumerateDue(db, at("2026-11-23T14:10:00Z"), 10);
        return db.batch<T>(statements);
      },
    });
    expect((await enumerateDue(overtaken, at("2026-11-23T11:10:00Z"), 10)).buckets).toBe(0);
    expect((await getStream(db, type("slow")))?.nextHour).toBe("2026-11-23T14");
    expect((await listBuckets(db, {}, null, 10)).items).toHaveLength(4);
  });

  it("a stream whose settings change in between is left for the next run", async () => {
    await putStream(db, type("changed"), settings(), at("2026-11-23T10:00:00Z"));
    const now = at("2026-11-23T11:10:00Z");
    const changing = overriding(db, {
      async batch<T>(statements: D1PreparedStatement[]) {
        await putStream(db, type("changed"), settings({ graceMs: 3_600_000 }), at("2026-11-23T11:00:00Z"));
        return db.batch<T>(statements);
      },
    });
    expect((await enumerateDue(changing, now, 10)).buckets).toBe(0);
    expect((await getStream(db, type("changed")))?.nextHour).toBe("2026-11-23T10");
    expect((await enumerateDue(db, now, 10)).buckets).toBe(0);
    expect((await enumerateDue(db, at("2026-11-23T12:00:00Z"), 10)).buckets).toBe(1);
  });
});

describe("the queue", () => {
  it("gives important streams first, then old hours, then by type", async () => {
    await putStream(db, type("b"), settings(), at("2026-11-23T10:00:00Z"));
    await putStream(db, type("a"), settings(), at("2026-11-23T10:00:00Z"));
    await putStream(db, type("low"), settings({ priority: "low" }), at("2026-11-23T09:00:00Z"));
    await putStream(db, type("top"), settings({ priority: "high" }), at("2026-11-23T11:00:00Z"));
    const now = at("2026-11-23T12:10:00Z");
    await enumerateDue(db, now, 10);
    expect(names(await dueBuckets(db, now, 4))).toEqual([
      "2026-11-23T11/top",
      "2026-11-23T10/a",
      "2026-11-23T10/b",
      "2026-11-23T11/a",
    ]);
    expect(names(await dueBuckets(db, now, 100)).at(-1)).toBe("2026-11-23T11/low");
  });

  it("[IS2] gives what has not failed before what has, of every stream and whatever its priority", async () => {
    await putStream(db, type("fails"), settings({ priority: "high" }), at("2026-11-23T10:00:00Z"));
    await putStream(db, type("fine"), settings({ priority: "low" }), at("2026-11-23T10:00:00Z"));
    const now = at("2026-11-23T13:10:00Z");
    await enumerateDue(db, now, 10);
    const failure = {
      address: bucket("fails", "2026-11-23T10"),
      attempts: 0,
      step: "ask",
      error: "",
    } as const;
    await recordSealFailure(db, failure, at("2026-11-23T12:10:00Z"));
    expect(names(await dueBuckets(db, now, 4))).toEqual([
      "2026-11-23T11/fails",
      "2026-11-23T12/fails",
      "2026-11-23T10/fine",
      "2026-11-23T11/fine",
    ]);
    expect(names(await dueBuckets(db, now, 100)).at(-1)).toBe("2026-11-23T10/fails");
  });

  it("[BU9] leaves room for the others beside a stream far behind", async () => {
    await putStream(db, type("far"), settings({ priority: "high" }), at("2026-11-20T00:00:00Z"));
    await putStream(db, type("near"), settings({ priority: "low" }), at("2026-11-23T00:00:00Z"));
    const now = at("2026-11-23T01:10:00Z");
    for (let run = 0; run < 4; run++) await enumerateDue(db, now, 10);
    const due = names(await dueBuckets(db, now, 100));
    expect(due).toHaveLength(bucketsPerStreamPerRunMax + 1);
    expect(due.at(-1)).toBe("2026-11-23T00/near");
  });

  it("[BU9] gives a failed bucket back later and later, and no other bucket with it", async () => {
    await putStream(db, type("fails"), settings(), at("2026-11-23T10:00:00Z"));
    const now = at("2026-11-23T12:10:00Z");
    await enumerateDue(db, now, 10);
    const waits: number[] = [];
    let clock = now;
    for (let attempt = 0; attempt < 12; attempt++) {
      const failed = (await dueBuckets(db, clock, 10)).find(
        ({ address }) => address.hour === "2026-11-23T10",
      );
      expect(failed?.attempts).toBe(attempt);
      const failure = { address: bucket("fails", "2026-11-23T10"), attempts: attempt, step: "ask" as const };
      await recordSealFailure(db, { ...failure, error: "💥".repeat(2_000) }, clock);
      expect(names(await dueBuckets(db, clock, 10))).toEqual(["2026-11-23T11/fails"]);
      const retryAt = await db
        .prepare("SELECT retry_at_ms FROM buckets WHERE hour = '2026-11-23T10'")
        .first<number>("retry_at_ms");
      waits.push((retryAt ?? 0) - clock);
      clock = at(new Date(retryAt ?? 0).toISOString());
    }
    expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
    expect(waits[0]).toBeGreaterThan(1_000);
    expect(waits.at(-1)).toBeLessThan(10 * 60_000);
  });

  it("two flushers that fail together count as one attempt", async () => {
    await putStream(db, type("both"), settings(), at("2026-11-23T10:00:00Z"));
    const now = at("2026-11-23T11:10:00Z");
    await enumerateDue(db, now, 10);
    const failure = {
      address: bucket("both", "2026-11-23T10"),
      attempts: 0,
      step: "ask" as const,
      error: "away",
    };
    await Promise.all([recordSealFailure(db, failure, now), recordSealFailure(db, failure, now)]);
    expect((await dueBuckets(db, at("2026-11-23T12:10:00Z"), 10))[0]?.attempts).toBe(1);
  });

  it("a bucket that says that it is due later waits until then", async () => {
    await putStream(db, type("later"), settings(), at("2026-11-23T10:00:00Z"));
    await enumerateDue(db, at("2026-11-23T11:10:00Z"), 10);
    await postponeDue(db, bucket("later", "2026-11-23T10"), at("2026-11-23T11:30:00Z"));
    expect(await dueBuckets(db, at("2026-11-23T11:29:59.999Z"), 10)).toEqual([]);
    expect(names(await dueBuckets(db, at("2026-11-23T11:30:00Z"), 10))).toEqual(["2026-11-23T10/later"]);
  });

  it("a broken row holds up nobody else", async () => {
    await putStream(db, type("whole"), settings(), at("2026-11-23T10:00:00Z"));
    await putStream(db, type("broken"), settings(), at("2026-11-23T10:00:00Z"));
    const now = at("2026-11-23T11:10:00Z");
    await enumerateDue(db, now, 10);
    await db.prepare(`UPDATE streams SET settings = '{"graceMs":"soon"}' WHERE type = 'broken'`).run();
    expect(names(await dueBuckets(db, now, 10))).toEqual(["2026-11-23T10/whole"]);
  });
});

describe("recording seals", () => {
  it("records each once; the same again changes nothing; another manifest is told and not recorded", async () => {
    await putStream(db, type("seal"), settings(), at("2026-11-23T10:00:00Z"));
    const now = at("2026-11-23T11:10:00Z");
    await enumerateDue(db, now, 10);
    const entry = {
      address: bucket("seal", "2026-11-23T10"),
      dueAtMs: now,
      summary: sealed("2026-11-23T11:10:05Z"),
    };
    expect(await recordSealed(db, [entry])).toEqual([]);
    expect(await recordSealed(db, [entry])).toEqual([]);
    expect(await dueBuckets(db, now, 10)).toEqual([]);
    const forged = { ...entry, summary: sealed("2026-11-23T11:10:06Z", "b", 7) };
    expect(await recordSealed(db, [forged])).toEqual([
      { address: entry.address, recordedSha256: "a".repeat(64), givenSha256: "b".repeat(64) },
    ]);
    const [row] = (await listBuckets(db, { type: type("seal") }, null, 10)).items;
    expect(row).toMatchObject({ state: "sealed", seal: { rows: 3, manifestSha256: "a".repeat(64) } });
  });

  it("records hundreds at once, also of hours that nobody took up", async () => {
    const entries = Array.from({ length: 450 }, (_, index) => ({
      address: bucket(`bulk-${index}`, "2026-11-23T10"),
      dueAtMs: at("2026-11-23T11:10:00Z"),
      summary: sealed("2026-11-23T11:10:05Z"),
    }));
    expect(await recordSealed(db, entries)).toEqual([]);
    expect((await listBuckets(db, { state: "sealed" }, null, 1_000)).items).toHaveLength(450);
  });

  it("a failure that comes after the seal changes nothing", async () => {
    const address = bucket("after", "2026-11-23T10");
    const dueAtMs = at("2026-11-23T11:10:00Z");
    await recordSealed(db, [{ address, dueAtMs, summary: sealed("2026-11-23T11:10:05Z") }]);
    await recordSealFailure(db, { address, attempts: 0, step: "ask", error: "late" }, dueAtMs);
    expect((await listBuckets(db, {}, null, 10)).items[0]).toMatchObject({ attempts: 0, lastError: null });
  });
});
