/** Hours past their retention on the real R2 and D1: what expires, in which order, and every way to stop halfway. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf, epochMs, isoOf, plusHours } from "../../domain/hour.ts";
import type { BucketAddress } from "../../domain/ids.ts";
import { deleteRetryMs, retentionMsMin } from "../../domain/limits.ts";
import { bucketPrefix, manifestKey, successKey } from "../../domain/manifest.ts";
import { quarantineType } from "../../domain/quarantine.ts";
import { recordVerdict, requeueAudit } from "../../platform/catalog/audits.ts";
import { getBucket } from "../../platform/catalog/buckets.ts";
import { takeInDigest } from "../../platform/catalog/digests.ts";
import { addFreeze, liftFreeze } from "../../platform/catalog/freezes.ts";
import { undeletedHours } from "../../platform/catalog/expiry.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { newestSequence, readDigest } from "../../platform/digests.ts";
import { r2Objects } from "../../platform/objects.ts";
import { writeDigests } from "../../workers/flusher/audit/write-digests.ts";
import { type ExpireEnv, deleteExpired, expireDue } from "../../workers/flusher/expire/expire-due.ts";
import type { GridReply } from "../../domain/view/grid.ts";
import { stateLetters } from "../../domain/view/state.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { bucket, finding, overriding, settings } from "./helpers.ts";
import { containing, due, during, hourText, objectsOf, setClock } from "./helpers-objects.ts";
import { answer, call, eventOf, newKey, post, register, report, settled } from "./helpers-system.ts";
import { ask } from "./ops/ask.ts";

const db = env.CATALOG;
const objects = r2Objects(env.EVENTS);

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** When the hour's retention is over. */
function overAt({ hour }: BucketAddress) {
  return epochMs(endOf(hour) + retentionMsMin);
}

/** A stream with two events in its hour: sealed, balanced and listed in a digest, and asked for no later hour. */
async function sealedHour(
  name: string,
  { retentionMs = retentionMsMin, hoursLater = 0 }: { retentionMs?: number | null; hoursLater?: number } = {},
): Promise<BucketAddress> {
  const address = bucket(`expiry/${name}`, plusHours(bucket("x", hourText).hour, hoursLater));
  setClock(during(address));
  await register(address.type, { retentionMs });
  expect(
    (
      await post(
        await newKey("write:*"),
        [1, 2].map((id) => eventOf(address.type, id)),
      )
    ).status,
  ).toBe(200);
  await settled();
  await runFlusher(env, setClock(due(address)));
  expect((await getBucket(db, address))?.verdict).toBe("balanced");
  // No hour after it falls due: ten days of empty ones are not what these tests are about.
  await db.prepare("UPDATE streams SET due_at_ms = 9e15 WHERE type = ?1").bind(address.type).run();
  return address;
}

/** What a cron run does of it, in its order. */
async function expire(bindings: ExpireEnv, now: ReturnType<typeof overAt>): Promise<void> {
  await expireDue(bindings, now);
  await writeDigests(bindings.CATALOG, r2Objects(bindings.EVENTS), now);
  await deleteExpired(bindings, now);
}

/** What the newest digest that lists the hour says of it. */
async function digested(address: BucketAddress): Promise<string | undefined> {
  for (let sequence = await newestSequence(objects, 0); sequence > 0; sequence--) {
    const entries = (await readDigest(objects, sequence))?.digest?.buckets ?? [];
    const entry = entries.find(({ type, hour }) => type === address.type && hour === address.hour);
    if (entry !== undefined) return entry.verdict;
  }
  return undefined;
}

const whole: unknown = ["_SUCCESS", "_manifest.json", containing(/^part-/)];

function pathOf({ type, hour }: BucketAddress): string {
  return `${encodeURIComponent(type)}/${hour}`;
}

describe("[EX1] an hour", () => {
  it("expires when its retention is over, and not before", async () => {
    const address = await sealedHour("when");
    await expire(env, epochMs(overAt(address) - 1));
    expect(await objectsOf(address)).toEqual(whole);
    expect(await getBucket(db, address)).toMatchObject({ verdict: "balanced", expiredAtMs: null });
    await expire(env, overAt(address));
    expect(await objectsOf(address)).toEqual(["_manifest.json"]);
    expect(await getBucket(db, address)).toMatchObject({
      verdict: "expired",
      expiredAtMs: overAt(address),
      deleteAtMs: null,
      findings: [],
    });
    expect(await digested(address)).toBe("expired");
  });

  it("is kept for ever if its stream says nothing else", async () => {
    const address = await sealedHour("forever", { retentionMs: null });
    await expire(env, epochMs(overAt(address) * 2));
    expect(await objectsOf(address)).toEqual(whole);
  });

  it("stays expired if its stream is kept longer afterwards", async () => {
    const address = await sealedHour("longer");
    await expireDue(env, overAt(address));
    await putStream(db, address.type, settings({ retentionMs: null }), overAt(address));
    await expire(env, overAt(address));
    expect((await getBucket(db, address))?.verdict).toBe("expired");
    expect(await objectsOf(address)).toEqual(["_manifest.json"]);
  });

  it.each([
    [
      "not balanced",
      (address: BucketAddress) =>
        recordVerdict(db, { address, findings: [finding("missing")], attempts: 0, at: due(address) }),
    ],
    ["to be audited", (address: BucketAddress) => requeueAudit(db, address, overAt(address))],
    [
      "in no digest as balanced",
      ({ type }: BucketAddress) =>
        db.prepare("UPDATE buckets SET digest_sequence = NULL WHERE type = ?1").bind(type).run(),
    ],
  ] as const)("that is %s is kept", async (why, spoil) => {
    const address = await sealedHour(why);
    await spoil(address);
    await expireDue(env, overAt(address));
    await deleteExpired(env, overAt(address));
    expect((await getBucket(db, address))?.expiredAtMs).toBe(null);
    expect(await objectsOf(address)).toEqual(whole);
  });
});

describe("[EX2] nothing is deleted", () => {
  it("before a digest lists the hour as expired", async () => {
    const address = await sealedHour("undigested");
    await expireDue(env, overAt(address));
    await deleteExpired(env, overAt(address));
    expect(await objectsOf(address)).toEqual(whole);
    expect(await digested(address)).toBe("balanced");
  });

  it("in a run whose digest could not be written", async () => {
    const address = await sealedHour("no digest");
    const EVENTS = overriding(env.EVENTS, { put: () => Promise.reject(new Error("R2 is away")) });
    await runFlusher({ ...env, EVENTS }, setClock(overAt(address)));
    expect((await getBucket(db, address))?.verdict).toBe("expired");
    expect(await objectsOf(address)).toEqual(whole);
    await runFlusher(env, setClock(overAt(address)));
    expect(await objectsOf(address)).toEqual(["_manifest.json"]);
  });

  it.each([
    ["its stream", ({ type }: BucketAddress) => type],
    ["everything", () => null],
  ] as const)(
    "[OP13] while %s is frozen, before it is recorded or after, and others are in no way held up",
    async (what, of) => {
      const [early, late] = [await sealedHour(`early ${what}`), await sealedHour(`late ${what}`)];
      const other = await sealedHour(`beside ${what}`);
      const now = overAt(early);
      const by = { author: "me", note: "" };
      await addFreeze(db, { type: of(early), ...by }, now);
      await expireDue(env, now);
      expect((await getBucket(db, early))?.expiredAtMs).toBe(null);
      await liftFreeze(db, of(early));
      await expireDue(env, now);
      await writeDigests(db, objects, now);
      await addFreeze(db, { type: of(late), ...by }, now);
      await deleteExpired(env, now);
      expect(await objectsOf(late)).toEqual(whole);
      expect(await objectsOf(other)).toEqual(of(late) === null ? whole : ["_manifest.json"]);
      await liftFreeze(db, of(late));
      await deleteExpired(env, now);
      expect(await objectsOf(late)).toEqual(["_manifest.json"]);
    },
  );

  it("of an hour whose manifest is not the one that was sealed", async () => {
    const address = await sealedHour("other manifest");
    await env.EVENTS.put(manifestKey(address), "{}");
    await expire(env, overAt(address));
    expect(await objectsOf(address)).toEqual(whole);
    expect((await getBucket(db, address))?.deleteAtMs).toBe(overAt(address) + deleteRetryMs);
  });
});

describe("[EX3] deleting", () => {
  it("begins with the mark, so that nobody takes a part of an hour for the whole", async () => {
    const address = await sealedHour("mark");
    const keys: unknown[] = [];
    const EVENTS = overriding(env.EVENTS, {
      delete: (given: string | string[]) => (keys.push(given), env.EVENTS.delete(given)),
    });
    await expire({ ...env, EVENTS }, overAt(address));
    expect(keys).toEqual([successKey(address), [containing(/part-/)]]);
  });

  it("waits for R2 to let go, and holds up nothing else", async () => {
    const locked = await sealedHour("locked");
    const other = await sealedHour("unlocked");
    const EVENTS = overriding(env.EVENTS, {
      delete: (keys: string | string[]) =>
        [keys].flat().some((key) => key.startsWith(bucketPrefix(locked)))
          ? Promise.reject(new Error("a bucket lock holds it"))
          : env.EVENTS.delete(keys),
    });
    await expire({ ...env, EVENTS }, overAt(locked));
    expect(await objectsOf(locked)).toEqual(whole);
    expect(await objectsOf(other)).toEqual(["_manifest.json"]);
    expect((await report(locked.type)).totals).toMatchObject({ expired: 1, balanced: 0, missing: 0 });
    await deleteExpired(env, epochMs(overAt(locked) + deleteRetryMs - 1));
    expect(await objectsOf(locked)).toEqual(whole);
    await deleteExpired(env, epochMs(overAt(locked) + deleteRetryMs));
    expect(await objectsOf(locked)).toEqual(["_manifest.json"]);
  });
});

/** A failure of one outside call: before its effect, or after it with the reply lost; of a crash, all later ones too. */
interface Failure {
  readonly no: number;
  readonly after: boolean;
  readonly crash: boolean;
}

/** The bindings, with one call failing; `calls` counts them. */
function failing({ no, after, crash }: Failure): {
  readonly bindings: ExpireEnv;
  readonly calls: () => number;
} {
  let calls = 0;
  const around = async <Reply>(effect: () => Promise<Reply>): Promise<Reply> => {
    const mine = calls++;
    const fails = mine === no || (crash && mine > no);
    if (fails && !(after && mine === no)) throw new Error("it is away");
    const reply = await effect();
    if (fails) throw new Error("the reply is lost");
    return reply;
  };
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const statement = (real: D1PreparedStatement): D1PreparedStatement => {
    const outer = overriding(real, {
      bind: (...values: unknown[]) => statement(real.bind(...values)),
      all: () => around(() => real.all()),
      run: () => around(() => real.run()),
    });
    inner.set(outer, real);
    return outer;
  };
  const CATALOG = overriding(db, {
    prepare: (query: string) => statement(db.prepare(query)),
    batch: (all: D1PreparedStatement[]) => around(() => db.batch(all.map((one) => inner.get(one) ?? one))),
  });
  const r2 = env.EVENTS;
  const EVENTS = overriding(r2, {
    get: (...given: Parameters<R2Bucket["get"]>) => around(() => r2.get(...given)),
    head: (key: string) => around(() => r2.head(key)),
    put: (...given: Parameters<R2Bucket["put"]>) => around(() => r2.put(...given)),
    delete: (keys: string | string[]) => around(() => r2.delete(keys)),
  });
  return { bindings: { CATALOG, EVENTS }, calls: () => calls };
}

it("[EX5] safe to stop at every call, before its effect or after, and to go on", async () => {
  const address = await sealedHour("crash");
  const kept = await Promise.all(
    (await objectsOf(address)).map(async (name) => {
      const key = bucketPrefix(address) + name;
      return [key, await (await env.EVENTS.get(key))?.arrayBuffer()] as const;
    }),
  );
  const before = (await db.prepare("SELECT * FROM buckets WHERE type = ?1").bind(address.type).all())
    .results[0];
  const balancedAgain = async (): Promise<void> => {
    for (const [key, bytes] of kept) await env.EVENTS.put(key, bytes ?? "");
    await db
      .prepare(
        "UPDATE buckets SET expired_at_ms = NULL, delete_at_ms = NULL, digest_sequence = ?2 WHERE type = ?1",
      )
      .bind(address.type, before?.["digest_sequence"])
      .run();
  };
  const now = overAt(address);
  let failures = 0;
  for (const crash of [true, false]) {
    for (const after of [false, true]) {
      for (let no = 0; ; no++) {
        await balancedAgain();
        const first = await newestSequence(objects, 0);
        const { bindings, calls } = failing({ no, after, crash });
        for (const step of [
          () => expireDue(bindings, now),
          () => writeDigests(bindings.CATALOG, r2Objects(bindings.EVENTS), now),
          () => deleteExpired(bindings, now),
        ])
          await step().catch(() => undefined);
        const names = await objectsOf(address);
        const row = await getBucket(db, address);
        const newest = await newestSequence(objects, 0);
        const listed =
          newest === first ? null : (await readDigest(objects, newest))?.digest?.buckets[0]?.verdict;
        // What is not there any more is recorded as expired, in the catalog and in R2; and its manifest is there.
        if (names.length < kept.length) expect([row?.verdict, listed]).toEqual(["expired", "expired"]);
        expect(names).toContain("_manifest.json");
        expect(["balanced", "expired"]).toContain(row?.verdict);
        // Going on: two runs at once, and late enough for what was postponed.
        const later = epochMs(now + deleteRetryMs);
        await Promise.all([expire(env, later), expire(env, later)]);
        await deleteExpired(env, later);
        expect(await objectsOf(address)).toEqual(["_manifest.json"]);
        expect(await getBucket(db, address)).toMatchObject({ verdict: "expired", deleteAtMs: null });
        expect(await digested(address)).toBe("expired");
        if (calls() <= no) break;
        failures++;
      }
    }
  }
  expect(failures).toBeGreaterThan(30);
});

describe("[EX6] of an hour that has expired", () => {
  it("the manifest is served as ever; parts, links and quarantine say 410, since when, and that it is kept", async () => {
    const address = await sealedHour("routes");
    const path = `/v1/buckets/${pathOf(address)}`;
    const [, , part = ""] = await objectsOf(address);
    const now = overAt(address);
    const shared = (await (
      await ask(`POST ${path}/links`, { now: during(address), body: { expiresInMs: 60_000 } })
    ).json()) as { parts: { url: string }[] };
    const link = new URL(shared.parts[0]?.url ?? "");
    await expire(env, now);
    expect((await ask(`GET ${path}`, { now })).status).toBe(200);
    const gone = {
      status: 410,
      type: "urn:hourseal:problem:expired",
      expiredAt: isoOf(now),
      detail: containing("manifest is kept"),
    };
    expect(await (await ask(`GET ${path}/parts/${part}`, { now })).json()).toMatchObject(gone);
    expect(await (await ask(`POST ${path}/links`, { now, body: {} })).json()).toMatchObject(gone);
    const opened = await ask(`GET ${link.pathname}${link.search}`, { now: during(address), key: null });
    expect(await opened.json()).toMatchObject(gone);
    const anew = await ask(`POST ${path}/audit`, { now, body: {} });
    expect(await anew.json()).toMatchObject(gone);
    const by = await ask(`POST /v1/ops/reaudit/${pathOf(address)}`, { now, body: { dryRun: false } });
    expect(await by.json()).toMatchObject(gone);
  });

  it("the page of what was in quarantine is gone, and says so", async () => {
    const address = bucket(quarantineType, plusHours(bucket("x", hourText).hour, 2));
    setClock(during(address));
    const strict = "expiry/strict";
    await register(strict, {
      schema: { type: "object", properties: { n: { type: "integer" } } },
      onInvalid: "quarantine",
    });
    await register(quarantineType, { formats: ["ndjson.gz"], retentionMs: retentionMsMin });
    expect(
      await answer(post(await newKey("write:*"), [eventOf(strict, 1, { data: { n: "no" } })])),
    ).toMatchObject({
      body: { quarantined: 1 },
    });
    await settled();
    await runFlusher(env, setClock(due(address)));
    const path = `GET /v1/streams/${encodeURIComponent(strict)}/quarantine?hour=${address.hour}`;
    expect(await (await ask(path)).json()).toMatchObject({ events: [{ id: "1" }] });
    await db.prepare("UPDATE streams SET due_at_ms = 9e15").run();
    await expire(env, overAt(address));
    expect(await (await ask(path)).json()).toMatchObject({ status: 410, expiredAt: isoOf(overAt(address)) });
  });

  it("listings, the report, the grid and explain say so, and none of them calls it loss", async () => {
    const address = await sealedHour("told");
    const now = overAt(address);
    await expire(env, now);
    const type = encodeURIComponent(address.type);
    const list = await ask(`GET /v1/buckets?type=${type}&verdict=expired`, { now });
    expect(await list.json()).toMatchObject({
      buckets: [{ hour: address.hour, verdict: "expired", expiredAt: isoOf(now) }],
    });
    expect(await (await ask(`GET /v1/buckets?type=${type}&verdict=balanced`, { now })).json()).toMatchObject({
      buckets: [],
    });
    expect(await report(address.type)).toMatchObject({
      totals: { expired: 1, balanced: 0 },
      notBalanced: [],
    });
    const explained = await ask(`GET /v1/ops/explain/${pathOf(address)}`, { now });
    expect(await explained.json()).toMatchObject({ state: "expired", todo: [] });
    const grid = await ask(`GET /v1/audit/grid?to=${plusHours(address.hour, 1)}&hours=1`, { now });
    const lines: GridReply = await grid.json();
    expect(lines.streams.find(({ type: name }) => name === address.type)?.states).toBe(stateLetters.expired);
  });

  it("an audit that ends late changes nothing", async () => {
    const address = await sealedHour("late audit");
    await expire(env, overAt(address));
    await recordVerdict(db, { address, findings: [finding("missing")], attempts: 0, at: overAt(address) });
    expect(await requeueAudit(db, address, overAt(address))).toBe(false);
    expect((await getBucket(db, address))?.verdict).toBe("expired");
  });

  it("a catalog that is lost has it back as expired, whatever was found meanwhile", async () => {
    const address = await sealedHour("lost catalog");
    const now = overAt(address);
    await expire(env, now);
    await db.prepare("DELETE FROM buckets WHERE type = ?1").bind(address.type).run();
    const body = { dryRun: false };
    const range = { from: address.hour, to: plusHours(address.hour, 1) };
    const type = encodeURIComponent(address.type);
    await ask(`POST /v1/ops/rebuild-buckets/${type}`, { now, body: { ...body, ...range } });
    // An audit in between waits: it would find the parts missing, and alert somebody.
    await runFlusher(env, setClock(now));
    expect((await getBucket(db, address))?.verdict).toBe(null);
    const found = { address, findings: [finding("missing")], attempts: 0, at: now };
    await recordVerdict(db, found);
    await ask("POST /v1/ops/rebuild-verdicts", { now, body: { ...body, from: 1 } });
    expect(await getBucket(db, address)).toMatchObject({
      verdict: "expired",
      findings: [],
      firstFaultAtMs: null,
    });
    await expire(env, now);
    expect(await undeletedHours(db, now, 10)).toEqual([]);
    expect(await digested(address)).toBe("expired");
  });

  it("a catalog put back to before hears of it from the digests that follow", async () => {
    const address = await sealedHour("copy");
    const now = overAt(address);
    const first = await newestSequence(objects, 0);
    await expire(env, now);
    await db
      .prepare("UPDATE buckets SET expired_at_ms = NULL, delete_at_ms = NULL WHERE type = ?1")
      .bind(address.type)
      .run();
    const digest = await readDigest(objects, first);
    await db.prepare("UPDATE digest_head SET sequence = ?1, sha256 = ?2").bind(first, digest?.sha256).run();
    const next = await readDigest(objects, first + 1);
    if (next !== null) await takeInDigest(db, next);
    expect((await getBucket(db, address))?.verdict).toBe("expired");
  });
});

it("[EX7] the cron does it all, and an hour that stays is not touched", async () => {
  const address = await sealedHour("cron");
  const stays = await sealedHour("stays", { hoursLater: 1 });
  await runFlusher(env, setClock(overAt(address)));
  expect(await objectsOf(address)).toEqual(["_manifest.json"]);
  expect(await objectsOf(stays)).toEqual(whole);
  expect((await call(`GET /v1/buckets/${pathOf(stays)}`)).status).toBe(200);
});
