/** Putting back what R2 has lost of a sealed bucket, on the real runtime: from rows that shards really keep, or have dropped. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { type EpochMs, epochMs, plusHours } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { type Part, bucketPrefix, manifestKey, successKey } from "../../../domain/manifest.ts";
import { protocolVersion } from "../../../domain/plan.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket, overriding } from "../helpers.ts";
import {
  bucketOf,
  containing,
  due,
  during,
  hourText,
  incompressible,
  manifestAt,
  setClock,
  shardOf,
  sql,
  upTo,
} from "../helpers-objects.ts";
import { answer, eventOf, newKey, post, register, settled } from "../helpers-system.ts";
import { ask } from "./ask.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const shards = 8;
const schema = { type: "object", properties: { n: { type: "integer" } } };

interface Sealed {
  readonly address: BucketAddress;
  readonly now: EpochMs;
  /** One that a shard put, and one that the bucket merged, of each format. */
  readonly parts: readonly Part[];
}

/** A bucket with a part of a shard's own and a merged one, in lines and in columns; sealed, and not yet audited. */
async function sealedBucket(name: string, hoursLater: number): Promise<Sealed> {
  const address = bucket(`rebuild-part/${name}`, plusHours(bucket("x", hourText).hour, hoursLater));
  setClock(during(address));
  await register(address.type, { shards, formats: ["ndjson.gz", "parquet"], schema });
  const key = await newKey("write:*");
  const long = incompressible();
  for (const id of [1, 2]) {
    const data = { n: id, long };
    expect(await answer(post(key, [eventOf(address.type, id, { data })]))).toMatchObject({ status: 200 });
  }
  const others = [3, 4, 5].map((id) => eventOf(address.type, id, { source: `other-${id}`, data: { n: id } }));
  expect(await answer(post(key, others))).toMatchObject({ body: { accepted: 3 } });
  await settled();
  const now = setClock(due(address));
  for (const index of upTo(shards)) {
    const bytes = await shardOf(address, index).unflushedBytes(address.hour);
    const own = { protocol: protocolVersion, hour: address.hour, nowMs: now, carryBytes: 0 };
    if (bytes > long.length)
      await shardOf(address, index).close({ ...own, formats: ["ndjson.gz", "parquet"] });
  }
  expect(await act("reseal", address, now)).toMatchObject({ reply: { state: "sealed" } });
  const { parts } = await manifestAt(address);
  expect(parts.map(({ origin, format }) => `${origin === "merged" ? "merged" : "own"} ${format}`)).toEqual([
    "own ndjson.gz",
    "own parquet",
    "merged ndjson.gz",
    "merged parquet",
  ]);
  return { address, now, parts };
}

async function act(
  action: string,
  { type, hour }: BucketAddress,
  now: EpochMs,
  { name, ...body }: { readonly name?: string; readonly dryRun?: boolean } = {},
  bindings: Partial<typeof env> = {},
): Promise<unknown> {
  const path = `${encodeURIComponent(type)}/${hour}${name === undefined ? "" : `/${name}`}`;
  const given = { now, body: { dryRun: false, ...body }, env: bindings };
  return (await ask(`POST /v1/ops/${action}/${path}`, given)).json();
}

const Verdict = z.looseObject({ state: z.string(), todo: z.array(z.string()) });

async function explained({ type, hour }: BucketAddress, now: EpochMs): Promise<z.infer<typeof Verdict>> {
  const path = `GET /v1/ops/explain/${encodeURIComponent(type)}/${hour}`;
  return Verdict.parse(await (await ask(path, { now })).json());
}

const nameOf = (address: BucketAddress, key: string): string => key.slice(bucketPrefix(address).length);

async function bytesAt(key: string): Promise<Uint8Array | null> {
  const object = await env.EVENTS.get(key);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}

describe("[OP14] rebuild-part", () => {
  it("puts lost and altered parts back byte for byte, whoever made them, and has the bucket audited", async () => {
    const { address, now, parts } = await sealedBucket("parts", 0);
    const before = await Promise.all(parts.map(({ key }) => bytesAt(key)));
    // Frozen with the part: what the stream's schema is by now does not matter.
    const looser = { type: "object", properties: { ...schema.properties, m: { type: "string" } } };
    await register(address.type, { shards, formats: ["ndjson.gz", "parquet"], schema: looser });
    for (const [at, { key }] of parts.entries()) {
      if (at % 2 === 0) await env.EVENTS.delete(key);
      else await env.EVENTS.put(key, "altered");
    }
    await runFlusher(env, now);
    expect(await explained(address, now)).toMatchObject({ state: "corrupt" });
    expect((await explained(address, now)).todo[0]).toContain("npm run ops -- rebuild-part ");

    for (const [at, { key }] of parts.entries()) {
      const name = nameOf(address, key);
      const state = at % 2 === 0 ? "lost" : "altered";
      const was = await bytesAt(key);
      const would = "put it back, and audit the bucket";
      expect(await act("rebuild-part", address, now, { name, dryRun: true })).toMatchObject({ state, would });
      expect(await bytesAt(key)).toEqual(was);
      expect(await act("rebuild-part", address, now, { name })).toMatchObject({ was: state, put: true });
      expect(await bytesAt(key)).toEqual(before[at]);
      const again = await act("rebuild-part", address, now, { name });
      expect(again).toMatchObject({ was: "sound", put: false, queued: true });
    }
    const heads = await Promise.all(parts.map(({ key }) => env.EVENTS.head(key)));
    expect(heads.every((head) => head?.checksums.sha256 !== undefined)).toBe(true);
    await runFlusher(env, epochMs(now + 1));
    expect((await explained(address, now)).state).toBe("balanced");
    const [{ key } = { key: "" }] = parts;
    const sound = await act("rebuild-part", address, now, { name: nameOf(address, key) });
    expect(sound).toMatchObject({ state: "sound" });
    expect(sound).not.toHaveProperty("put");
    expect(await (await ask("GET /v1/ops/actions?limit=1")).json()).toMatchObject({
      actions: [{ action: "rebuild-part", outcome: { was: "sound", put: false, queued: true } }],
    });
  });

  it("says that rows are not kept any more, and of what is left alone; a freeze keeps them", async () => {
    const { address, now, parts } = await sealedBucket("dropped", 1);
    await ask("POST /v1/ops/freeze", { now, body: { type: address.type, dryRun: false } });
    await runFlusher(env, now);
    await runDurableObjectAlarm(bucketOf(address));
    const names = parts.map(({ key }) => nameOf(address, key));
    for (const { key } of parts) await env.EVENTS.delete(key);
    for (const name of names)
      expect(await act("rebuild-part", address, now, { name })).toMatchObject({ put: true });

    await ask("POST /v1/ops/unfreeze", { now, body: { type: address.type, dryRun: false } });
    await runDurableObjectAlarm(bucketOf(address));
    for (const { key } of parts) await env.EVENTS.delete(key);
    for (const name of names) {
      const refused = await act("rebuild-part", address, now, { name });
      expect(refused).toMatchObject({ status: 409, detail: containing("its rows are not kept any more") });
      expect(refused).toMatchObject({ detail: containing("put it back from a copy of exactly its bytes") });
    }
    expect(await Promise.all(parts.map(({ key }) => env.EVENTS.head(key)))).toEqual(parts.map(() => null));
    const mark = await act("rebuild-part", address, now, { name: "_SUCCESS" });
    expect(mark).toMatchObject({ state: "sound" });
  });

  it("puts the manifest and the mark back, and finds parts by the manifest that the bucket froze", async () => {
    const { address, now, parts } = await sealedBucket("manifest", 2);
    const text = await bytesAt(manifestKey(address));
    await env.EVENTS.put(manifestKey(address), "{}");
    await env.EVENTS.delete(successKey(address));
    const [{ key } = { key: "" }] = parts;
    await env.EVENTS.delete(key);
    expect(await act("rebuild-part", address, now, { name: nameOf(address, key) })).toMatchObject({
      put: true,
    });
    expect(await act("rebuild-part", address, now, { name: "_manifest.json" })).toMatchObject({
      was: "altered",
      put: true,
      parts: parts.map((part) => nameOf(address, part.key)),
    });
    expect(await act("rebuild-part", address, now, { name: "_SUCCESS" })).toMatchObject({ put: true });
    expect(await bytesAt(manifestKey(address))).toEqual(text);
    await runFlusher(env, now);
    expect((await explained(address, now)).state).toBe("balanced");
  });

  it("signs an object that R2 was given no sha256 of", async () => {
    const { address, now, parts } = await sealedBucket("unsigned", 3);
    const [{ key, sha256 } = { key: "", sha256: "" }] = parts;
    await env.EVENTS.put(key, (await bytesAt(key)) ?? "");
    expect((await env.EVENTS.head(key))?.checksums.toJSON()).not.toMatchObject({ sha256 });
    await sql(shardOf(address, shardIndex(parts)), "UPDATE batch SET payload = NULL");
    const name = nameOf(address, key);
    expect(await act("rebuild-part", address, now, { name })).toMatchObject({ was: "unsigned", put: true });
    expect((await env.EVENTS.head(key))?.checksums.toJSON()).toMatchObject({ sha256 });
  });

  it("puts nothing that has another sha256, and says so", async () => {
    const { address, now, parts } = await sealedBucket("differs", 4);
    const columns = parts.find(({ format, origin }) => format === "parquet" && origin !== "merged");
    const key = columns?.key ?? "";
    await env.EVENTS.delete(key);
    await sql(shardOf(address, shardIndex(parts)), "UPDATE part SET schema = NULL");
    expect(await act("rebuild-part", address, now, { name: nameOf(address, key) })).toMatchObject({
      status: 409,
      detail: containing("another version of the encoder wrote them"),
    });
    expect(await env.EVENTS.head(key)).toBeNull();
  });

  it("leaves alone what was changed while it was looked at", async () => {
    const { address, now, parts } = await sealedBucket("race", 5);
    const [{ key } = { key: "" }] = parts;
    const name = nameOf(address, key);
    for (const before of [null, "altered"]) {
      if (before === null) await env.EVENTS.delete(key);
      else await env.EVENTS.put(key, before);
      const EVENTS = overriding(env.EVENTS, {
        put: async (...given: Parameters<R2Bucket["put"]>) => {
          await env.EVENTS.put(key, "somebody else's");
          return env.EVENTS.put(...given);
        },
      });
      const refused = await act("rebuild-part", address, now, { name }, { EVENTS });
      expect(refused).toMatchObject({ status: 409, detail: containing("changed while it was looked at") });
      expect(new TextDecoder().decode((await bytesAt(key)) ?? undefined)).toBe("somebody else's");
    }
  });

  it("whose reply was lost is found sound by the next one, and audited", async () => {
    const { address, now, parts } = await sealedBucket("reply", 6);
    const [{ key } = { key: "" }] = parts;
    const name = nameOf(address, key);
    await env.EVENTS.delete(key);
    await runFlusher(env, now);
    const EVENTS = overriding(env.EVENTS, {
      put: async (...given: Parameters<R2Bucket["put"]>) => {
        await env.EVENTS.put(...given);
        throw new Error("the reply is lost");
      },
    });
    expect(await act("rebuild-part", address, now, { name }, { EVENTS })).toMatchObject({ status: 503 });
    expect(await act("rebuild-part", address, now, { name })).toMatchObject({ was: "sound", queued: true });
    await runFlusher(env, epochMs(now + 1));
    expect((await explained(address, now)).state).toBe("balanced");
  });

  it("is refused for what is not sealed, not listed, or nobody's", async () => {
    const { address, now } = await sealedBucket("refused", 7);
    const next = { ...address, hour: plusHours(address.hour, 1) };
    expect(await act("rebuild-part", next, now, { name: "_SUCCESS" })).toMatchObject({
      type: "urn:hourseal:problem:not_sealed",
    });
    expect(await act("rebuild-part", address, now, { name: "part-9-9.parquet" })).toMatchObject({
      status: 404,
    });
    const reader = await newKey("read:audit", "read:buckets");
    const path = `POST /v1/ops/rebuild-part/${encodeURIComponent(address.type)}/${address.hour}/_SUCCESS`;
    expect((await ask(path, { key: reader, now, body: {} })).status).toBe(403);
  });
});

function shardIndex(parts: readonly Part[]): number {
  return Number(parts.find(({ origin }) => typeof origin === "number")?.origin);
}
