import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { bucketsPerStreamPerRunMax, detailCharsMax, findingsPerBucketMax } from "../../../domain/limits.ts";
import {
  clearPartChecks,
  readPartChecks,
  recordVerdict,
  unverifiedBuckets,
  writePartCheck,
} from "../../../platform/catalog/audits.ts";
import { getBucket } from "../../../platform/catalog/buckets.ts";
import { recordSealed } from "../../../platform/catalog/sealed.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { at, bucket, finding, sealed, settings, type } from "../helpers.ts";

const db = env.CATALOG;
const sealedAt = "2026-11-23T11:10:05Z";

beforeEach(async () => {
  await db.batch([db.prepare("DELETE FROM buckets"), db.prepare("DELETE FROM streams")]);
});

async function seal(name: string, hourText: string, given: Parameters<typeof settings>[0] = {}) {
  await putStream(db, type(name), settings(given), at("2026-11-01T00:00:00Z"));
  const address = bucket(name, hourText);
  await recordSealed(db, [{ address, dueAtMs: at(sealedAt), summary: sealed(sealedAt) }]);
  return address;
}

const names = (waiting: Awaited<ReturnType<typeof unverifiedBuckets>>): string[] =>
  waiting.map(({ address }) => `${address.hour}/${address.type}`);

it("a sealed bucket waits for its audit with what its seal said", async () => {
  const address = await seal("waits", "2026-11-23T10");
  expect(await unverifiedBuckets(db, at(sealedAt), 10)).toEqual([
    { address, settings: settings(), summary: sealed(sealedAt), verdict: null, attempts: 0, faultAtMs: null },
  ]);
});

it("[AU9] balanced is the end of it; anything else is looked at again, ever less often", async () => {
  const address = await seal("again", "2026-11-23T10");
  let clock: number = at(sealedAt);
  const waits: number[] = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    const [waiting] = await unverifiedBuckets(db, at(new Date(clock).toISOString()), 10);
    expect(waiting?.attempts).toBe(attempt);
    const now = at(new Date(clock).toISOString());
    const findings = [finding("unaudited", "a ledger did not answer"), finding("missing")];
    expect(await recordVerdict(db, { address, findings, attempts: attempt, at: now })).toBe("missing");
    const retryAt = await db
      .prepare("SELECT audit_retry_at_ms FROM buckets")
      .first<number>("audit_retry_at_ms");
    waits.push((retryAt ?? 0) - clock);
    expect(await unverifiedBuckets(db, at(new Date((retryAt ?? 0) - 1).toISOString()), 10)).toEqual([]);
    clock = retryAt ?? 0;
  }
  expect(waits.toSorted((a, b) => a - b)).toEqual(waits);
  expect(waits.at(-1)).toBe(3_600_000);
  expect(await getBucket(db, address)).toMatchObject({ verdict: "missing", firstFaultAtMs: at(sealedAt) });

  const now = at(new Date(clock).toISOString());
  expect(await recordVerdict(db, { address, findings: [], attempts: 10, at: now })).toBe("balanced");
  expect(await getBucket(db, address)).toMatchObject({
    verdict: "balanced",
    findings: [],
    firstFaultAtMs: null,
    verifiedAtMs: now,
  });
  expect(await unverifiedBuckets(db, at("2027-11-23T00:00:00Z"), 10)).toEqual([]);
});

it("[AU11] of two auditors the later look stays, whoever records first", async () => {
  const address = await seal("two", "2026-11-23T10");
  const later = { address, findings: [], attempts: 0, at: at("2026-11-23T11:12:00Z") };
  const earlier = { address, findings: [finding("missing")], attempts: 0, at: at("2026-11-23T11:11:00Z") };
  await recordVerdict(db, later);
  await recordVerdict(db, earlier);
  expect((await getBucket(db, address))?.verdict).toBe("balanced");
});

it("new hours come before old faults, important streams before others, and no stream takes all", async () => {
  for (let index = 0; index < 30; index++) {
    const address = await seal("many", `2026-11-${String(index + 1).padStart(2, "0")}T10`, {
      priority: "high",
    });
    if (index < 2) {
      await recordVerdict(db, { address, findings: [finding("corrupt")], attempts: 0, at: at(sealedAt) });
    }
  }
  await seal("few", "2026-11-23T10", { priority: "low" });
  const waiting = names(await unverifiedBuckets(db, at("2026-12-23T00:00:00Z"), 600));
  expect(waiting).toHaveLength(bucketsPerStreamPerRunMax + 1);
  expect(waiting[0]).toBe("2026-11-03T10/many");
  expect(waiting.at(-1)).toBe("2026-11-23T10/few");
});

it("what is kept of findings is bounded, the worst kind first", async () => {
  const address = await seal("bounded", "2026-11-23T10");
  const mild = Array.from({ length: findingsPerBucketMax }, () => finding("unaudited", "x".repeat(5_000)));
  const findings = [...mild, finding("corrupt", "the worst")];
  await recordVerdict(db, { address, findings, attempts: 0, at: at(sealedAt) });
  const row = await getBucket(db, address);
  expect(row?.findingCount).toBe(findingsPerBucketMax + 1);
  expect(row?.findings).toHaveLength(findingsPerBucketMax);
  expect(row?.findings[0]?.detail).toBe("the worst");
  expect(row?.findings[1]?.detail).toHaveLength(detailCharsMax);
});

it("a bucket that is not sealed gets no verdict", async () => {
  await putStream(db, type("unsealed"), settings(), at("2026-11-23T10:00:00Z"));
  await db
    .prepare(
      "INSERT INTO buckets (type, hour, state, due_at_ms, retry_at_ms) VALUES ('unsealed', '2026-11-23T10', 'due', 0, 0)",
    )
    .run();
  const address = bucket("unsealed", "2026-11-23T10");
  await recordVerdict(db, { address, findings: [], attempts: 0, at: at(sealedAt) });
  expect((await getBucket(db, address))?.verdict).toBeNull();
});

describe("progress of an audit", () => {
  const Outcome = z.strictObject({ rows: z.number() });

  it("is kept per part until the verdict, and only of this bucket", async () => {
    const address = await seal("progress", "2026-11-23T10");
    const other = await seal("progress", "2026-11-23T11");
    const check = (key: string, rows: number) => ({ key, outcome: { rows }, at: at(sealedAt) });
    await writePartCheck(db, address, check("part-0-0", 1));
    await writePartCheck(db, address, check("part-0-0", 2));
    await writePartCheck(db, address, check("part-1-0", 3));
    await writePartCheck(db, other, check("part-0-0", 4));
    const expected = new Map([
      ["part-0-0", { rows: 2 }],
      ["part-1-0", { rows: 3 }],
    ]);
    expect(await readPartChecks(db, address, Outcome)).toEqual(expected);
    await recordVerdict(db, { address, findings: [], attempts: 0, at: at(sealedAt) });
    expect(await readPartChecks(db, address, Outcome)).toEqual(new Map());
    expect((await readPartChecks(db, other, Outcome)).size).toBe(1);
    await clearPartChecks(db, other);
    expect((await readPartChecks(db, other, Outcome)).size).toBe(0);
  });

  it("a note in another form than today's is as good as none", async () => {
    const address = await seal("form", "2026-11-23T10");
    await writePartCheck(db, address, { key: "old", outcome: { lines: 1 }, at: at(sealedAt) });
    await writePartCheck(db, address, { key: "new", outcome: { rows: 1 }, at: at(sealedAt) });
    expect([...(await readPartChecks(db, address, Outcome)).keys()]).toEqual(["new"]);
  });
});
