/** A bucket on the real runtime, with real shards and R2: enrolment, the seal, and what comes after it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf, epochMs } from "../../domain/hour.ts";
import { ShardIndex } from "../../domain/ids.ts";
import {
  graceMsMax,
  partBytesMax,
  partBytesTarget,
  retireAfterWindowMs,
  sealJitterMsMax,
  sealRetryMsMax,
  sealRetryMsMin,
} from "../../domain/limits.ts";
import { bucketPrefix, manifestKey, successKey } from "../../domain/manifest.ts";
import type { Plan } from "../../domain/plan.ts";
import { sha256Hex } from "../../platform/objects.ts";
import { bucket } from "./helpers.ts";
import {
  alarmOf,
  append,
  bucketOf,
  close,
  closeIntoParts,
  containing,
  due,
  during,
  failing,
  fatesOf,
  gzipOf,
  hourText,
  incompressible,
  linesOf,
  manifestAt,
  objectsOf,
  plan,
  rowOf,
  rowsOf,
  seal,
  setClock,
  shardOf,
  sql,
  tablesOf,
  two,
  upTo,
} from "./helpers-objects.ts";

type Address = ReturnType<typeof bucket>;

const MiB = 1024 * 1024;
const sealedObjects = ["_SUCCESS", "_manifest.json", "part-merged-0.ndjson.gz"];

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function fresh(name: string): Address {
  const address = bucket(`bucket/${name}`, hourText);
  setClock(during(address));
  return address;
}

/** Two home shards with two rows each. */
async function filled(name: string, data = ""): Promise<Address> {
  const address = fresh(name);
  for (const index of [0, 1]) {
    const rows = [0, 1].map((no) => rowOf(address, `${index}-${no}`, data, index));
    expect(fatesOf(await append(address, rows, { index, plan: two }))).toBe("aa");
  }
  return address;
}

function enrol(address: Address, index = 0, asked: Plan = plan, protocol = 1) {
  return bucketOf(address).enrol({
    protocol,
    hour: address.hour,
    index: ShardIndex.parse(index),
    plan: asked,
  });
}

/** Everything under the prefix, with its bytes' digest. */
async function stateOf(address: Address): Promise<string[]> {
  const { objects } = await env.EVENTS.list({ prefix: bucketPrefix(address) });
  return objects.map(({ key, etag, version }) => `${key} ${etag} ${version}`);
}

describe("enrolment", () => {
  it("[BU1] fixes the plan at the first one, also across an eviction", async () => {
    const address = fresh("plan");
    expect(await enrol(address, 0, two)).toEqual({ enrolled: true, plan: two });
    expect(await enrol(address, 1, plan)).toEqual({ enrolled: false, why: "wrong_plan", plan: two });
    await evictDurableObject(bucketOf(address));
    expect(await enrol(address, 1, plan)).toMatchObject({ why: "wrong_plan" });
    expect(await enrol(address, 1, two)).toEqual({ enrolled: true, plan: two });
  });

  it("[BU1] by two at once with different plans confirms one of them", async () => {
    const address = fresh("two-plans");
    const replies = await Promise.all([enrol(address, 0, plan), enrol(address, 1, two)]);
    expect(replies.filter(({ enrolled }) => enrolled)).toHaveLength(1);
  });

  it("[BU3] ends when the hour and its grace do, open or blank", async () => {
    const open = fresh("after-due");
    await enrol(open);
    const blank = fresh("blank-after-due");
    setClock(due(open) - 1);
    expect(await enrol(open, 1)).toMatchObject({ enrolled: true });
    setClock(due(open));
    expect(await enrol(open, 2)).toEqual({ enrolled: false, why: "closed" });
    expect(await enrol(blank)).toEqual({ enrolled: false, why: "closed" });
    expect(await tablesOf(bucketOf(blank))).toEqual([]);
  });

  it("[BU2] of a blank bucket past the longest grace is refused, whatever grace is asked for", async () => {
    const address = fresh("long-grace");
    setClock(endOf(address.hour) + graceMsMax);
    expect(await enrol(address, 0, { ...plan, graceMs: graceMsMax })).toEqual({
      enrolled: false,
      why: "closed",
    });
  });

  it("[BU3] ends with the start of the seal, even by a clock that is still in the hour", async () => {
    const address = await filled("sealing");
    expect(await seal(address)).toMatchObject({ state: "sealed" });
    expect(await enrol(address, 0, two)).toEqual({ enrolled: false, why: "closed" });
    const foreign = await append(address, [rowOf(address, "new", "", 2)], {
      index: 2,
      plan: { ...plan, shards: 3 },
    });
    expect(foreign).toEqual({ refused: "closed" });
    expect(await append(address, [rowOf(address, "new")], { plan: two })).toEqual({ refused: "closed" });
    expect(await manifestAt(address)).toMatchObject({ rows: 4 });
  });

  it("under another protocol is refused with its own", async () => {
    const address = fresh("protocol");
    expect(await enrol(address, 0, plan, 99)).toEqual({
      enrolled: false,
      why: "unknown_protocol",
      protocol: 1,
    });
    expect(await tablesOf(bucketOf(address))).toEqual([]);
  });
});

describe("the seal", () => {
  it("[PA5] [BU4] makes one part of two shards' rows, with a manifest of both", async () => {
    const address = await filled("whole");
    const put = vi.spyOn(env.EVENTS, "put");
    const reply = await seal(address);
    expect(await objectsOf(address)).toEqual(sealedObjects);
    // [BU5] `_SUCCESS` comes last, and each object is put once.
    expect(put.mock.calls.map(([key]) => key.slice(bucketPrefix(address).length))).toEqual([
      "part-merged-0.ndjson.gz",
      "_manifest.json",
      "_SUCCESS",
    ]);
    for (const [, , options] of put.mock.calls) {
      expect(options).toMatchObject({
        onlyIf: { etagDoesNotMatch: "*" },
        sha256: containing(/^[0-9a-f]{64}$/),
      });
    }
    const manifest = await manifestAt(address);
    const [part] = manifest.parts;
    expect(manifest).toMatchObject({
      ...address,
      rows: 4,
      plan: two,
      sealedAt: "2031-11-23T11:10:00.000Z",
      shards: [{ accepted: { rows: 2 } }, { accepted: { rows: 2 } }],
      parts: [{ origin: "merged", homeHours: { [address.hour]: 4 } }],
      strays: [],
    });
    const ids = (await linesOf(part?.key ?? "")).map(
      (line) => (JSON.parse(line) as { event: { id: string } }).event.id,
    );
    expect(ids).toEqual(["0-0", "0-1", "1-0", "1-1"]);
    const text = await (await env.EVENTS.get(manifestKey(address)))?.bytes();
    expect(reply).toMatchObject({
      state: "sealed",
      summary: {
        manifestSha256: await sha256Hex(new Uint8Array(text ?? [])),
        tally: { rows: 4, sum: manifest.identitySum },
        bytes: part?.bytes,
        sealedAtMs: due(address),
      },
    });
  });

  it("[BU6] of an hour in which nothing came makes a manifest and its marker", async () => {
    const address = fresh("empty");
    expect(await seal(address)).toEqual({ state: "blank" });
    expect(await seal(address, { nowMs: epochMs(due(address) - 1), plan })).toEqual({
      state: "not_due",
      dueAtMs: due(address),
    });
    expect(await tablesOf(bucketOf(address))).toEqual([]);
    expect(await seal(address, { plan })).toMatchObject({ state: "sealed", summary: { tally: { rows: 0 } } });
    expect(await objectsOf(address)).toEqual(["_SUCCESS", "_manifest.json"]);
    expect(await manifestAt(address)).toMatchObject({ rows: 0, plan: null, parts: [], shards: [] });
    expect(await append(address, rowsOf(address, [1]))).toEqual({ refused: "closed" });
  });

  it("[BU7] is done by the bucket's own alarm alone, a little after the grace", async () => {
    const address = await filled("alarm");
    const alarm = (await alarmOf(bucketOf(address))) ?? 0;
    expect(alarm).toBeGreaterThanOrEqual(due(address));
    expect(alarm).toBeLessThan(due(address) + sealJitterMsMax);
    setClock(due(address) - 1);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await objectsOf(address)).toEqual([]);
    expect(await alarmOf(bucketOf(address))).toBe(due(address));
    setClock(alarm);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await objectsOf(address)).toEqual(sealedObjects);
  });

  it("[BU8] by many at once, and again later, gives the same objects and the same answer", async () => {
    const address = await filled("at-once");
    const put = vi.spyOn(env.EVENTS, "put");
    const [first, ...others] = await Promise.all([
      ...upTo(5).map((late) => seal(address, { nowMs: epochMs(due(address) + late) })),
      runDurableObjectAlarm(bucketOf(address)).then(() => seal(address)),
    ]);
    expect(first).toMatchObject({ state: "sealed" });
    for (const other of others) expect(other).toEqual(first);
    expect(put).toHaveBeenCalledTimes(3);
    const state = await stateOf(address);
    await evictDurableObject(bucketOf(address));
    expect(await seal(address, { nowMs: epochMs(due(address) + 3_600_000), plan })).toEqual(first);
    expect(await stateOf(address)).toEqual(state);
  });

  it.each(["before", "after"] as const)(
    "[BU7] goes on after each put that fails %s its effect, with the bytes of its first time",
    async (when) => {
      const address = await filled(`resume-${when}`);
      const put = env.EVENTS.put.bind(env.EVENTS);
      const failed = new Set<string>();
      vi.spyOn(env.EVENTS, "put").mockImplementation(async (key: string, value, options) => {
        const first = !failed.has(key);
        failed.add(key);
        if (first && when === "before") throw new Error("R2 is away");
        const object = await put(key, value as string, options);
        if (first && when === "after") throw new Error("the reply was lost");
        return object;
      });
      const states: string[] = [];
      for (let late = 0; late < 5; late++) {
        const reply = await seal(address, { nowMs: epochMs(due(address) + late * 60_000) });
        states.push(reply.state === "failed" ? reply.step : reply.state);
        if (reply.state === "sealed") break;
        await evictDurableObject(bucketOf(address));
      }
      // A reply that was lost is looked up, and fails nothing.
      const steps = when === "before" ? ["put_merged", "create_manifest", "mark_success"] : [];
      expect(states).toEqual([...steps, "sealed"]);
      expect(failed.size).toBe(3);
      const late = when === "before" ? "11" : "10";
      expect((await manifestAt(address)).sealedAt).toBe(`2031-11-23T11:${late}:00.000Z`);
      expect(await objectsOf(address)).toEqual(sealedObjects);
    },
  );

  /** Rows of about a mebibyte, as many as said of each shard, by one append each. */
  async function filledWith(
    name: string,
    rowsOfShard: readonly number[],
    data: (no: number) => string,
  ): Promise<Address> {
    const address = fresh(name);
    const planned = { ...plan, shards: rowsOfShard.length };
    for (const [index, rows] of rowsOfShard.entries()) {
      for (const no of upTo(rows, index * 100))
        await append(address, [rowOf(address, no, data(no), index)], { index, plan: planned });
    }
    return address;
  }
  const compressible = () => "x".repeat(MiB - 1_000);

  it("[PA6] of more tails than a part may hold makes several parts, of any shards' rows", async () => {
    const address = await filledWith("many-tails", [8, 8, 8, 8], incompressible);
    await seal(address);
    const { parts, rows } = await manifestAt(address);
    expect(rows).toBe(32);
    expect(parts.map(({ origin }) => origin)).toEqual(["merged", "merged"]);
    expect(parts[0]?.bytes).toBeGreaterThan(partBytesTarget * 0.75);
    for (const { bytes } of parts) expect(bytes).toBeLessThanOrEqual(partBytesMax);
    const ids = await Promise.all(parts.map(({ key }) => linesOf(key)));
    const numbers = ids
      .flat()
      .map((line) => Number((JSON.parse(line) as { event: { id: string } }).event.id));
    expect(numbers).toEqual([0, 100, 200, 300].flatMap((from) => upTo(8, from)));
  });

  it.each([
    ["shards of like size", [9, 9, 9]],
    ["one large shard and small ones", [25, 1, 2]],
    ["a small shard and a large one", [1, 14]],
  ])("[PA5] of %s makes one object of what compresses into one", async (name, rowsOfShard) => {
    const address = await filledWith(`compressible ${name}`, rowsOfShard, compressible);
    await seal(address);
    const { parts } = await manifestAt(address);
    const rows = rowsOfShard.reduce((sum, count) => sum + count, 0);
    expect(parts.map(({ origin, tally }) => [origin, tally.rows])).toEqual([["merged", rows]]);
    expect(parts[0]?.plainBytes).toBeGreaterThan((rows - 1) * MiB);
  });

  const olderTables = [
    "DROP TABLE tail_page",
    "ALTER TABLE merged DROP COLUMN first_page",
    "ALTER TABLE merged DROP COLUMN last_page",
    "DELETE FROM schema_version",
    "INSERT INTO schema_version (version) VALUES (4)",
  ];

  it.each([
    ["on its own tables", olderTables],
    ["on tables of newer code", ["DELETE FROM tail_page", "UPDATE merged SET first_page = 0, last_page = 0"]],
  ])("[PA5] whose merge older code planned %s, by whole tails, is made as planned", async (name, made) => {
    const address = await filled(`older-plan ${name}`);
    vi.spyOn(env.EVENTS, "put").mockRejectedValue(new Error("R2 is away"));
    expect(await seal(address)).toMatchObject({ state: "failed", step: "put_merged" });
    const shards = [0, 1].map((index) => ({ hour: address.hour, index }));
    await runInDurableObject(bucketOf(address), (_object, { storage: { sql: db } }) => {
      for (const statement of made) db.exec(statement);
      db.exec("UPDATE merged SET shards = ?", JSON.stringify(shards.slice(0, 1)));
      db.exec(
        "INSERT INTO merged (no, shards, key_no, encoder) VALUES (1, ?, 1, 1)",
        JSON.stringify(shards.slice(1)),
      );
    });
    await evictDurableObject(bucketOf(address));
    vi.restoreAllMocks();
    expect(await seal(address)).toMatchObject({ state: "sealed", summary: { tally: { rows: 4 } } });
    const { parts } = await manifestAt(address);
    expect(parts.map(({ key, tally }) => [key.slice(bucketPrefix(address).length), tally.rows])).toEqual([
      ["part-merged-0.ndjson.gz", 2],
      ["part-merged-1.ndjson.gz", 2],
    ]);
    const stored = await bucketOf(address).storedPart(parts[1]?.key ?? "");
    expect(stored).toMatchObject({ stored: true, sha256: parts[1]?.sha256 });
  });

  it("[PA3] leaves foreign objects under a merged part's key alone, and names them", async () => {
    const address = await filled("merged-stray");
    const stray = `${bucketPrefix(address)}part-merged-0.ndjson.gz`;
    await env.EVENTS.put(stray, await gzipOf("{}\n"));
    await seal(address);
    expect(await manifestAt(address)).toMatchObject({
      strays: [stray],
      parts: [{ key: `${bucketPrefix(address)}part-merged-1.ndjson.gz`, tally: { rows: 4 } }],
    });
    expect(await linesOf(stray)).toEqual(["{}"]);
  });
});

describe("a seal that cannot go on", () => {
  it("[BU9] says at which step and since when, keeps the receipts it has, tries again later, and recovers", async () => {
    const address = await filled("broken-shard");
    const other = await filled("beside-a-broken-shard");
    const disk = await failing(() => shardOf(address, 1), "UPDATE ON shard");
    setClock(due(address));
    const first = await seal(address);
    expect(first).toMatchObject({ state: "failed", step: "collect_receipts", sinceMs: due(address) });
    expect(first).toMatchObject({ error: containing(`shard ${address.hour}/1: Error: the disk is broken`) });
    expect(await seal(other)).toMatchObject({ state: "sealed" });
    expect(await objectsOf(address)).toEqual([]);

    const retryAt = (await alarmOf(bucketOf(address))) ?? 0;
    expect(retryAt).toBeGreaterThanOrEqual(due(address) + sealRetryMsMin * 0.75);
    expect(retryAt).toBeLessThanOrEqual(due(address) + sealRetryMsMin * 1.25);
    const closes: string[] = [];
    const getByName = env.EVENT_SHARD.getByName.bind(env.EVENT_SHARD);
    vi.spyOn(env.EVENT_SHARD, "getByName").mockImplementation((name) => {
      closes.push(name);
      return getByName(name);
    });
    let now = retryAt;
    for (let attempt = 0; attempt < 10; attempt++) {
      setClock(now);
      await runDurableObjectAlarm(bucketOf(address));
      const next = (await alarmOf(bucketOf(address))) ?? 0;
      expect(next - now).toBeGreaterThan(sealRetryMsMin);
      expect(next - now).toBeLessThanOrEqual(sealRetryMsMax * 1.25);
      now = next;
    }
    expect(new Set(closes)).toEqual(new Set([`${address.hour}/1/${address.type}`]));
    expect(JSON.parse(await bucketOf(address).describe())).toMatchObject({
      phase: "sealing",
      attempts: 11,
      failed_step: "collect_receipts",
      failing_since_ms: due(address),
      missingReceipts: [`${address.hour}/1`],
    });
    await disk.restore();
    setClock(now);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await manifestAt(address)).toMatchObject({ rows: 4 });
    expect(JSON.parse(await bucketOf(address).describe())).toMatchObject({
      phase: "sealed",
      attempts: 11,
      failed_step: "collect_receipts",
    });
    // Why it was late is told with the seal, for the catalog that may have been away meanwhile.
    expect(await seal(address)).toMatchObject({
      state: "sealed",
      trouble: { attempts: 11, step: "collect_receipts", error: containing("the disk is broken") },
    });
  });

  it.each([
    ["is not in R2", (key: string) => env.EVENTS.delete(key)],
    ["is another object", async (key: string) => void (await env.EVENTS.put(key, "other bytes"))],
  ])("[BU4] because a part %s makes no manifest until it is back", async (fault, spoil) => {
    const address = await filled(`part ${fault}`, "x".repeat(MiB));
    const key = (await closeIntoParts(address)).parts[0]?.key ?? "";
    const bytes = await (await env.EVENTS.get(key))?.arrayBuffer();
    await spoil(key);
    const reply = await seal(address);
    expect(reply).toMatchObject({
      state: "failed",
      step: "check_parts",
      error: containing(fault),
    });
    expect(await objectsOf(address)).not.toContain("_manifest.json");
    const sha256 = await sha256Hex(new Uint8Array(bytes ?? new ArrayBuffer()));
    await env.EVENTS.put(key, bytes ?? "", { sha256 });
    expect(await seal(address)).toMatchObject({ state: "sealed", summary: { tally: { rows: 4 } } });
  });

  it("[BU4] because a shard would deliver other rows than it accepted keeps its data and makes no manifest", async () => {
    const address = await filled("accepted-not-delivered", "x".repeat(MiB));
    await closeIntoParts(address);
    await sql(shardOf(address), "UPDATE part SET content = json_set(content, '$.tally.rows', 1)");
    const reply = await seal(address);
    expect(reply).toMatchObject({
      state: "failed",
      step: "collect_receipts",
      error: containing("took 2 rows and let 1 go"),
    });
    expect(await objectsOf(address)).not.toContain("_manifest.json");
    const kept = await sql(
      shardOf(address),
      "SELECT count(*) AS batches FROM batch WHERE payload IS NOT NULL",
    );
    expect(kept).toEqual([{ batches: 2 }]);
  });

  it("[BU5] because other bytes lie under the manifest's key leaves them alone, and marks no success", async () => {
    const address = await filled("foreign-manifest");
    await env.EVENTS.put(manifestKey(address), "{}");
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await seal(address)).toMatchObject({ state: "failed", step: "create_manifest" });
    }
    expect(await (await env.EVENTS.get(manifestKey(address)))?.text()).toBe("{}");
    expect(await env.EVENTS.head(successKey(address))).toBeNull();
  });
});

describe("after the seal", () => {
  const payloads = (address: Address, index: number) =>
    sql(shardOf(address, index), "SELECT count(payload) AS payloads FROM batch");

  it("[BU10] payloads stay until the bucket is told that it is balanced, and go then", async () => {
    const address = await filled("drop");
    await bucketOf(address).verified({ nowMs: due(address), verdict: "balanced" });
    await seal(address);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await payloads(address, 0)).toEqual([{ payloads: 1 }]);
    const receipt = await close(address);
    setClock(due(address));
    await bucketOf(address).verified({ nowMs: due(address), verdict: "balanced" });
    expect(await alarmOf(bucketOf(address))).toBe(due(address));
    await runDurableObjectAlarm(bucketOf(address));
    for (const index of [0, 1]) expect(await payloads(address, index)).toEqual([{ payloads: 0 }]);
    // [SH4] Identities and figures stay.
    expect(await close(address)).toEqual(receipt);
    expect(await append(address, [rowOf(address, "0-0")], { plan: two })).toEqual({ refused: "closed" });
  });

  it("[BU10] a shard that is away keeps its payloads until it can be reached", async () => {
    const address = await filled("drop-later");
    await seal(address);
    setClock(due(address));
    const disk = await failing(() => shardOf(address, 1), "UPDATE ON delivery");
    await bucketOf(address).verified({ nowMs: due(address), verdict: "balanced" });
    await runDurableObjectAlarm(bucketOf(address));
    expect(await payloads(address, 0)).toEqual([{ payloads: 0 }]);
    expect(await payloads(address, 1)).toEqual([{ payloads: 1 }]);
    await disk.restore();
    setClock((await alarmOf(bucketOf(address))) ?? 0);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await payloads(address, 1)).toEqual([{ payloads: 0 }]);
  });

  it("[BU11] objects delete themselves after the window and a day, and blank they take nothing", async () => {
    const address = await filled("retire");
    await seal(address);
    setClock(due(address));
    await bucketOf(address).verified({ nowMs: due(address), verdict: "balanced" });
    for (let slice = 0; slice < 3; slice++) {
      await runDurableObjectAlarm(bucketOf(address));
    }
    const retireAt = endOf(address.hour) + plan.windowMs + retireAfterWindowMs;
    const all = [() => bucketOf(address), () => shardOf(address, 0), () => shardOf(address, 1)];
    for (const stub of all) expect(await alarmOf(stub())).toBe(retireAt);
    setClock(retireAt - 1);
    for (const stub of all) await runDurableObjectAlarm(stub());
    for (const stub of all) expect(await tablesOf(stub())).not.toEqual([]);
    setClock(retireAt);
    for (const stub of all) {
      await runDurableObjectAlarm(stub()).catch(() => false);
      await vi.waitFor(async () => {
        expect(await tablesOf(stub())).toEqual([]);
      });
    }
    expect(await append(address, [rowOf(address, "0-0")], { plan: two })).toEqual({ refused: "closed" });
    expect(await enrol(address, 0, { ...two, graceMs: graceMsMax })).toEqual({
      enrolled: false,
      why: "closed",
    });
    for (const stub of all) expect(await tablesOf(stub())).toEqual([]);
    expect(await objectsOf(address)).toEqual(sealedObjects);
  });

  it("[BU11] without a balanced verdict nothing retires", async () => {
    const address = await filled("never-retires");
    await seal(address);
    setClock(endOf(address.hour) + plan.windowMs + 30 * retireAfterWindowMs);
    await runDurableObjectAlarm(bucketOf(address));
    await runDurableObjectAlarm(shardOf(address));
    expect(await payloads(address, 0)).toEqual([{ payloads: 1 }]);
    expect(await tablesOf(bucketOf(address))).not.toEqual([]);
  });
});
