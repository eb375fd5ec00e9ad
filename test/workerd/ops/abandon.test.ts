/** Giving up a shard on the real runtime: its object does not answer, and one day is back with its rows. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, epochMs, isoOf, plusHours, startOf } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { abandonAfterMs } from "../../../domain/limits.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket } from "../helpers.ts";
import {
  append,
  bucketOf,
  containing,
  due,
  during,
  hourText,
  manifestAt,
  objectsOf,
  plan,
  rowsOf,
  setClock,
  shardOf,
  sql,
} from "../helpers-objects.ts";
import { answer, eventOf, intercept, newKey, post, register, report, settled } from "../helpers-system.ts";
import { ask } from "./ask.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const given = { author: "Ann", note: "its storage is broken", dryRun: false };

function abandon(
  { type, hour }: BucketAddress,
  now: EpochMs,
  body: Record<string, unknown> = given,
): Promise<Response> {
  const path = `POST /v1/ops/abandon/${encodeURIComponent(type)}/${hour}`;
  return ask(path, { now, body: { shard: `${hour}/0`, ...body } });
}

/** Nobody reaches shard 0 of this bucket, whatever is asked. */
function away({ type, hour }: BucketAddress): void {
  const getByName = env.EVENT_SHARD.getByName.bind(env.EVENT_SHARD);
  vi.spyOn(env.EVENT_SHARD, "getByName").mockImplementation((name) => {
    const stub = getByName(name);
    if (name !== `${hour}/0/${type}`) return stub;
    return new Proxy(stub, { get: () => () => Promise.reject(new Error("it is broken")) });
  });
}

/** Two shards with rows, the first of which is away; the bucket has failed to seal for long enough. */
async function stuck(
  name: string,
  hoursLater: number,
): Promise<{ address: BucketAddress; now: EpochMs; held: number }> {
  const address = bucket(`abandon/${name}`, plusHours(bucket("x", hourText).hour, hoursLater));
  setClock(during(address));
  await register(address.type, { shards: 2 });
  const key = await newKey("write:*");
  const time = isoOf(during(address));
  const events = Array.from({ length: 20 }, (_, id) =>
    eventOf(address.type, id, { source: `s-${id}`, time }),
  );
  expect(await answer(post(key, events))).toMatchObject({ body: { accepted: 20 } });
  await settled();
  const held = await heldBy(address);
  expect(held).toBeGreaterThan(0);
  const first = setClock(due(address));
  away(address);
  await runFlusher(env, first);
  return { address, now: setClock(first + abandonAfterMs), held };
}

async function heldBy(address: BucketAddress): Promise<number> {
  const batches = await sql<{ content: string }>(shardOf(address), "SELECT content FROM batch");
  return batches
    .map(({ content }) => JSON.parse(content) as { tally: { rows: number } })
    .reduce((sum, { tally }) => sum + tally.rows, 0);
}

describe("[OP15] a shard that never answers", () => {
  it("is given up after an hour, by who says why: the bucket seals, and its rows are missing for good", async () => {
    const { address, now, held } = await stuck("sealed", 0);
    const early = await abandon(address, epochMs(now - 1));
    expect([early.status, await early.json()]).toMatchObject([
      409,
      { detail: containing(`not before ${isoOf(now)}`) },
    ]);
    expect((await abandon(address, now, { ...given, note: "" })).status).toBe(422);
    const dry = await abandon(address, now, { ...given, dryRun: true });
    expect(await dry.json()).toMatchObject({ dryRun: true, answers: false, why: containing("it is broken") });
    expect((await bucketOf(address).describe()).includes('"phase":"sealing"')).toBe(true);

    const done = await abandon(address, now);
    expect(await done.json()).toMatchObject({ abandoned: true, reply: { state: "sealed" } });
    const again = await abandon(address, now, { ...given, note: "another reason" });
    expect(await again.json()).toMatchObject({ before: true, reply: { state: "sealed" } });
    const manifest = await manifestAt(address);
    const { hour } = address;
    expect(manifest.abandoned).toEqual([{ hour, index: 0, at: isoOf(now), author: "Ann", note: given.note }]);
    expect(manifest.shards.map(({ index }) => index)).toEqual([1]);
    expect(held + manifest.rows).toBe(20);

    await runFlusher(env, now);
    const [fault] = (await report(address.type)).notBalanced;
    expect(fault).toMatchObject({ verdict: "missing" });
    expect(fault?.findings).toContainEqual(
      expect.objectContaining({
        where: `shard ${hour}/0`,
        detail: containing("by Ann: its storage is broken"),
      }),
    );
    expect(fault?.findings).toContainEqual(
      expect.objectContaining({ kind: "missing", hop: "enrolment", rows: held }),
    );
  });

  it("and comes back: it takes no row, keeps those it has, and they are found missing, never delivered", async () => {
    const { address, now, held } = await stuck("back", 1);
    await abandon(address, now);
    vi.restoreAllMocks();
    const before = await objectsOf(address);
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(true);
    expect(await append(address, rowsOf(address, ["late"]), { plan: { ...plan, shards: 2 } })).toEqual({
      refused: "closed",
    });
    await bucketOf(address).seal({ nowMs: now, plan: null });
    expect(await objectsOf(address)).toEqual(before);
    await runFlusher(env, now);
    const [fault] = (await report(address.type)).notBalanced;
    expect(fault).toMatchObject({ verdict: "missing" });
    expect(fault?.findings).toContainEqual(
      expect.objectContaining({ kind: "missing", hop: "shard", where: "shard 0", rows: held }),
    );
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(true);
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(false);
    expect(await heldBy(address)).toBe(held);
    const payloads = await sql<{ kept: number }>(
      shardOf(address),
      "SELECT count(payload) AS kept FROM batch",
    );
    expect(payloads[0]?.kept).toBeGreaterThan(0);
  });

  it("whose receipt comes after it was given up comes too late: the manifest is as it was decided", async () => {
    const { address, now, held } = await stuck("receipt", 2);
    vi.restoreAllMocks();
    let abandoned: unknown = null;
    intercept(env.EVENT_SHARD, "close", async (act, name) => {
      const reply = await act();
      // The shard has closed and answered; before its bucket hears it, an operator gives it up.
      if (name === `${address.hour}/0/${address.type}`) {
        const shard = `${address.hour}/0`;
        abandoned = await bucketOf(address).abandon({ ...given, shard, nowMs: now } as never);
      }
      return reply;
    });
    expect(await bucketOf(address).seal({ nowMs: now, plan: null })).toMatchObject({ state: "sealed" });
    expect(abandoned).toEqual({ abandoned: true, before: false });
    const manifest = await manifestAt(address);
    expect(manifest.abandoned).toHaveLength(1);
    expect(manifest.shards.map(({ index }) => index)).toEqual([1]);
    expect(manifest.rows).toBe(20 - held);
  });

  it("of a bucket that was made before there was such a thing is given up too", async () => {
    const { address, now } = await stuck("older", 3);
    for (const statement of [
      "DROP TABLE tail_page",
      "ALTER TABLE merged DROP COLUMN first_page",
      "ALTER TABLE merged DROP COLUMN last_page",
      "ALTER TABLE enrolment DROP COLUMN abandoned",
      "UPDATE schema_version SET version = 3",
    ])
      await sql(bucketOf(address), statement);
    await bucketOf(address).seal({ nowMs: now, plan: null });
    expect((await bucketOf(address).describe()).includes('"missingReceipts":["')).toBe(true);
    expect(await (await abandon(address, now)).json()).toMatchObject({ reply: { state: "sealed" } });
  });

  it("is not given up if it answered, is not waited for, or by whom may not", async () => {
    const { address, now } = await stuck("refused", 4);
    const answered = await abandon(address, now, { ...given, shard: `${address.hour}/1` });
    expect(await answered.json()).toMatchObject({ detail: containing("it has given its receipt") });
    const nobody = await abandon(address, now, { ...given, shard: `${address.hour}/7` });
    expect(await nobody.json()).toMatchObject({ detail: containing("does not wait for it") });
    const open = { ...address, hour: plusHours(address.hour, 1) };
    setClock(startOf(open.hour));
    expect((await abandon(open, now)).status).toBe(409);
    const reader = await newKey("read:audit");
    const path = `POST /v1/ops/abandon/${encodeURIComponent(address.type)}/${address.hour}`;
    expect((await ask(path, { key: reader, now, body: {} })).status).toBe(403);
  });
});
