/** `/v1/ops/explain/:type/:hour`: why the bucket is what it is, and what to do. Asks everybody, changes nothing; while D1 is away, the bucket and its shards. */
import * as z from "zod";
import {
  type ExplainInput,
  type Explanation,
  type ShardSays,
  explain,
  explainWithoutCatalog,
} from "../../../../domain/explain.ts";
import { hourNumber, hourNumberOf } from "../../../../domain/hour.ts";
import { type BucketAddress, type EventType, HolderName, shardOfName } from "../../../../domain/ids.ts";
import { explainShardsMax } from "../../../../domain/limits.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import { stateOf } from "../../../../domain/view/grid.ts";
import { getBucket } from "../../../../platform/catalog/buckets.ts";
import { freezeOf } from "../../../../platform/catalog/freezes.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { bucketStub, shardStub } from "../../../../platform/stubs.ts";
import { hear } from "../../audit/hear.ts";
import { hearEvents } from "../../audit/hear-events.ts";
import { type OpsCall, type OpsEnv, type OpsReply, addressParams, json } from "../http.ts";
import { unknownStream } from "../streams.ts";
import { BucketSays } from "../views/bucket-says.ts";

const ShardDescription = z.looseObject({
  phase: z.string(),
  owes: z.record(z.string(), z.number()).default({}),
});

export async function explainRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const { env, now } = call;
  const { type, hour } = address.value;
  const catalog = await hear(readCatalog(env, address.value));
  if (catalog.heard && catalog.value.found === null) return no(await unknownStream(env, type));
  const begun = hourNumber(hour) <= hourNumberOf(now);
  const [{ bucket, unheard, shards }, { events }] = begun
    ? await Promise.all([askBucket(env, address.value), hearEvents(env.EDGE_LEDGER, address.value)])
    : [{ bucket: null, unheard: null, shards: [] }, { events: null }];
  if (!catalog.heard || catalog.value.found === null) {
    const why = catalog.heard ? "" : catalog.why;
    return ok(json(explainWithoutCatalog({ type, hour, bucket, unheard, shards }, why)));
  }
  const { found, row, freeze } = catalog.value;
  const { stream, nextHour, end } = found;
  const cell = row === null ? undefined : { ...row, hour, rows: row.seal?.rows ?? null };
  const explanation: Explanation = explain(
    {
      type,
      hour,
      state: stateOf({ ...stream, nextHour, end }, hour, cell, now),
      stream: { firstHour: stream.firstHour, nextHour, graceMs: stream.graceMs, end },
      catalog: row === null ? null : { ...row, sealedAtMs: row.seal?.sealedAtMs ?? null },
      bucket,
      events,
      unheard,
      shards,
      freeze,
      drain: stream.drain,
    },
    now,
  );
  return ok(json(explanation));
}

async function readCatalog({ CATALOG }: OpsEnv, address: BucketAddress) {
  const [found, row, freeze] = await Promise.all([
    getStream(CATALOG, address.type),
    getBucket(CATALOG, address),
    freezeOf(CATALOG, address.type),
  ]);
  return { found, row, freeze };
}

/** What the bucket says of its seal, and the shards that it waits for; or why it does not answer. */
async function askBucket(
  env: OpsEnv,
  address: BucketAddress,
): Promise<Pick<ExplainInput, "bucket" | "unheard" | "shards">> {
  const heard = await hear(bucketStub(env.HOUR_BUCKET, address).describe());
  if (!heard.heard) return { bucket: null, unheard: heard.why, shards: [] };
  const says = BucketSays.parse(JSON.parse(heard.value));
  const missing = says.phase === "sealing" ? says.missingReceipts.slice(0, explainShardsMax) : [];
  return {
    bucket: {
      phase: says.phase ?? null,
      dueAtMs: says.due_at_ms ?? null,
      failedStep: says.failed_step ?? null,
      error: says.error ?? null,
      failingSinceMs: says.failing_since_ms ?? null,
      missingReceipts: says.missingReceipts,
    },
    unheard: null,
    shards: await Promise.all(missing.map((name) => askShard(env, address.type, name))),
  };
}

async function askShard(env: OpsEnv, type: EventType, name: string): Promise<ShardSays> {
  const shard = HolderName.parse(name);
  const address = shardOfName(`${shard}/${type}`);
  if (address === null) return { shard, phase: null, why: "it has no address", owes: {} };
  const heard = await hear(shardStub(env.EVENT_SHARD, address).describe());
  if (!heard.heard) return { shard, phase: null, why: heard.why, owes: {} };
  const { phase, owes } = ShardDescription.parse(JSON.parse(heard.value));
  return { shard, phase, why: null, owes };
}
