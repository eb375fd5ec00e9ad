/** The flusher on the real runtime: cron seals, audits and reports; twice at once, and with something away. */
import { createScheduledController, evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, endOf, epochMs, plusHours } from "../../domain/hour.ts";
import { type BucketAddress, bucketName } from "../../domain/ids.ts";
import { auditRetryMsMin, overdueMs, sealRetryMsMax } from "../../domain/limits.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { getBucket } from "../../platform/catalog/buckets.ts";
import { sealDue } from "../../workers/flusher/seal/seal-due.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import worker from "../../workers/index.ts";
import { bucket, overriding } from "./helpers.ts";
import {
  bucketOf,
  containing,
  due,
  during,
  failing,
  hourText,
  manifestAt,
  objectsOf,
  setClock,
  shardOf,
  sql,
  upTo,
} from "./helpers-objects.ts";
import { answer, eventOf, intercept, newKey, post, register, report, settled } from "./helpers-system.ts";

const sealedObjects = ["_SUCCESS", "_manifest.json", "part-merged-0.ndjson.gz"];
const away = () => Promise.reject(new Error("it is away"));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A stream with three events in its hour; the clock stands in the hour. */
async function stream(name: string, settings: object = {}): Promise<BucketAddress> {
  const address = bucket(`flusher/${name}`, hourText);
  setClock(during(address));
  await register(address.type, settings);
  const key = await newKey(`write:${address.type}`);
  const events = upTo(3).map((id) => eventOf(address.type, id));
  expect(await answer(post(key, events))).toMatchObject({ status: 200, body: { accepted: 3 } });
  await settled();
  return address;
}

function flush(now: EpochMs, more: Partial<Env> = {}): Promise<void> {
  setClock(now);
  return runFlusher({ ...env, ...more }, now);
}

function later(address: BucketAddress, ms: number): EpochMs {
  return epochMs(due(address) + ms);
}

async function versionsOf(address: BucketAddress): Promise<string[]> {
  const { objects } = await env.EVENTS.list({ prefix: bucketPrefix(address) });
  return objects.map(({ key, version }) => `${key} ${version}`);
}

async function expectBalanced(address: BucketAddress, rows = 3): Promise<void> {
  expect(await report(address.type)).toMatchObject({
    totals: { balanced: 1, unverified: 0 },
    rows,
    notBalanced: [],
  });
}

describe("a run", () => {
  it("[BU6] [AU11] seals what is due, also where nothing came, audits it, and reports it", async () => {
    const address = await stream("whole");
    const empty = bucket("flusher/empty", hourText);
    await register(empty.type);
    await flush(epochMs(due(address) - 1));
    expect(await objectsOf(address)).toEqual([]);
    expect(await report(address.type)).toMatchObject({ totals: { open: 2, balanced: 0 } });
    await flush(due(address));
    await expectBalanced(address);
    await expectBalanced(empty, 0);
    expect(await objectsOf(address)).toEqual(sealedObjects);
    expect(await objectsOf(empty)).toEqual(["_SUCCESS", "_manifest.json"]);
  });

  it("[BU8] [AU11] beside another one, beside alarms and again: the same objects, one verdict", async () => {
    const address = await stream("at-once");
    const put = vi.spyOn(env.EVENTS, "put");
    const now = setClock(due(address));
    await Promise.all([runFlusher(env, now), runFlusher(env, now), runDurableObjectAlarm(bucketOf(address))]);
    await expectBalanced(address);
    const puts = put.mock.calls.filter(([key]) => key.startsWith(bucketPrefix(address)));
    expect(puts).toHaveLength(3);
    const versions = await versionsOf(address);
    await flush(later(address, 60_000));
    await evictDurableObject(bucketOf(address));
    await flush(later(address, 120_000));
    expect(await versionsOf(address)).toEqual(versions);
    await expectBalanced(address);
  });

  it("[BU8] cron fired twice for the same minute is cron fired once", async () => {
    const address = await stream("cron-twice");
    setClock(due(address));
    const fire = () => worker.scheduled(createScheduledController({ cron: "* * * * *" }), env);
    await Promise.all([fire(), fire()]);
    await expectBalanced(address);
    expect(await objectsOf(address)).toEqual(sealedObjects);
  });

  it("[BU7] finds what alarms sealed while cron never fired, and records it as it is", async () => {
    const address = await stream("alarms-only");
    setClock(later(address, 60_000));
    await runDurableObjectAlarm(bucketOf(address));
    const versions = await versionsOf(address);
    expect(versions).toHaveLength(3);
    const { sealedAt } = await manifestAt(address);
    await flush(later(address, 3_600_000 - 60_000));
    await expectBalanced(address);
    expect(await versionsOf(address)).toEqual(versions);
    const catalogued = await getBucket(env.CATALOG, address);
    expect(new Date(catalogued?.seal?.sealedAtMs ?? 0).toISOString()).toBe(sealedAt);
  });

  it("[BU10] lets the payloads go only after its balanced verdict", async () => {
    const address = await stream("payloads");
    const kept = () => sql(shardOf(address), "SELECT count(payload) AS kept FROM batch");
    const now = setClock(due(address));
    await sealDue(env, now);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await kept()).toEqual([{ kept: 1 }]);
    await flush(now);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await kept()).toEqual([{ kept: 0 }]);
  });

  it("[BU1] waits for a bucket that opened with a longer grace than its stream has now", async () => {
    const address = await stream("longer-grace", { graceMs: 1_800_000 });
    await register(address.type, { graceMs: 0 });
    await flush(epochMs(endOf(address.hour) + 1_799_999));
    expect(await objectsOf(address)).toEqual([]);
    expect((await getBucket(env.CATALOG, address))?.attempts).toBe(0);
    await flush(epochMs(endOf(address.hour) + 1_800_000));
    await expectBalanced(address);
  });
});

describe("with something away", () => {
  it("D1 for one run: nothing throws, the bucket seals by itself, the next run records it", async () => {
    const address = await stream("catalog-away");
    const broken = () => {
      throw new Error("D1 is away");
    };
    const CATALOG = overriding(env.CATALOG, { prepare: broken, batch: broken });
    await flush(due(address), { CATALOG });
    expect(await objectsOf(address)).toEqual([]);
    setClock(later(address, 30_000));
    await runDurableObjectAlarm(bucketOf(address));
    const versions = await versionsOf(address);
    await flush(later(address, 60_000), { CATALOG });
    await flush(later(address, 120_000));
    await expectBalanced(address);
    expect(await versionsOf(address)).toEqual(versions);
  });

  it("D1 just when a seal is to be recorded: the next run records the same", async () => {
    const address = await stream("record-lost");
    setClock(due(address));
    let batches = 0;
    // The first batch takes up the hour; the second records the seal.
    const batch = (statements: D1PreparedStatement[]) =>
      ++batches === 2 ? away() : env.CATALOG.batch(statements);
    await expect(
      sealDue({ ...env, CATALOG: overriding(env.CATALOG, { batch }) }, due(address)),
    ).rejects.toThrow("away");
    expect(await objectsOf(address)).toEqual(sealedObjects);
    expect(await getBucket(env.CATALOG, address)).toMatchObject({ state: "due", seal: null });
    const versions = await versionsOf(address);
    await flush(later(address, 60_000));
    await expectBalanced(address);
    expect(await versionsOf(address)).toEqual(versions);
  });

  it("[BU9] a bucket: others are sealed, the report names it with its error, and it recovers", async () => {
    const address = await stream("bucket-away");
    const other = await stream("beside-a-bucket-away");
    intercept(env.HOUR_BUCKET, "seal", (act, name) => (name === bucketName(address) ? away() : act()));
    await flush(due(address));
    await expectBalanced(other);
    expect(await report(address.type)).toMatchObject({ totals: { due: 1, overdue: 0 }, notBalanced: [] });
    await flush(later(address, overdueMs));
    expect(await report(address.type)).toMatchObject({
      totals: { overdue: 1 },
      notBalanced: [
        {
          ...address,
          verdict: "overdue",
          why: containing("2 attempts failed, the last one at ask: Error: it is away"),
        },
      ],
    });
    vi.restoreAllMocks();
    await flush(later(address, overdueMs + sealRetryMsMax));
    await expectBalanced(address);
  });

  it("[BU9] a shard: the report names the step and the shard", async () => {
    const address = await stream("shard-away");
    const disk = await failing(() => shardOf(address), "UPDATE ON shard");
    await flush(due(address));
    await flush(later(address, overdueMs));
    expect(await report(address.type)).toMatchObject({
      notBalanced: [
        {
          verdict: "overdue",
          why: containing(`collect_receipts: Error: shard ${address.hour}/0: Error: the disk is broken`),
        },
      ],
    });
    await disk.restore();
    await flush(later(address, overdueMs + sealRetryMsMax * 1.25));
    await expectBalanced(address);
  });

  it("[AU8] a ledger: the bucket is sealed and unaudited, and balanced once it can be asked", async () => {
    const address = await stream("ledger-away");
    intercept(env.EDGE_LEDGER, "account", away);
    await flush(due(address));
    expect(await objectsOf(address)).toEqual(sealedObjects);
    expect(await report(address.type)).toMatchObject({
      totals: { unaudited: 1 },
      notBalanced: [
        {
          verdict: "unaudited",
          findings: expect.arrayContaining([
            expect.objectContaining({ kind: "unaudited", hop: "edge" }),
          ]) as unknown,
        },
      ],
    });
    await runDurableObjectAlarm(bucketOf(address));
    expect(await sql(shardOf(address), "SELECT count(payload) AS kept FROM batch")).toEqual([{ kept: 1 }]);
    vi.restoreAllMocks();
    await flush(later(address, 30 * auditRetryMsMin));
    await expectBalanced(address);
  });

  it("[AU8] R2 while it re-reads: no verdict, and no payload goes", async () => {
    const address = await stream("reread-away");
    await sealDue(env, setClock(due(address)));
    const get = vi.spyOn(env.EVENTS, "get").mockRejectedValue(new Error("R2 is away"));
    await flush(due(address));
    expect(get).toHaveBeenCalled();
    expect((await getBucket(env.CATALOG, address))?.verdict).toBeNull();
    get.mockRestore();
    expect(await report(address.type)).toMatchObject({ totals: { unverified: 1 } });
    await flush(later(address, 60_000));
    await expectBalanced(address);
  });
});

// The last one: it moves on to later hours, in which the streams above are due too.
it("[BU6] makes up for hours in which no cron ran, each in a bucket of its own", async () => {
  const address = await stream("behind");
  const third = { ...address, hour: plusHours(address.hour, 2) };
  await flush(due(third));
  expect(await report(address.type)).toMatchObject({
    totals: { balanced: 3 },
    rows: 3,
    notBalanced: [],
    notTakenUp: [],
  });
  for (const hours of upTo(3)) {
    const at = { ...address, hour: plusHours(address.hour, hours) };
    expect(await manifestAt(at)).toMatchObject({ hour: at.hour, rows: hours === 0 ? 3 : 0 });
  }
});
