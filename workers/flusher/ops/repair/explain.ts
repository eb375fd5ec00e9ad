/** `/v1/ops/explain/:type/:hour`: why the bucket is what it is, and what to do. Asks everybody, changes nothing. */
import * as z from "zod";
import { type Explanation, type ShardSays, explain } from "../../../../domain/explain.ts";
import { freezeOf } from "../../../../domain/freeze.ts";
import { hourNumber, hourNumberOf } from "../../../../domain/hour.ts";
import { type EventType, HolderName, shardOfName } from "../../../../domain/ids.ts";
import { explainShardsMax } from "../../../../domain/limits.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import { stateOf } from "../../../../domain/view/grid.ts";
import { getBucket } from "../../../../platform/catalog/buckets.ts";
import { listFreezes } from "../../../../platform/catalog/freezes.ts";
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
  const found = await getStream(env.CATALOG, type);
  if (found === null) return no(await unknownStream(env, type));
  const { stream, nextHour, end } = found;
  const row = await getBucket(env.CATALOG, address.value);
  const begun = hourNumber(hour) <= hourNumberOf(now);
  const [heard, { events }] = begun
    ? await Promise.all([
        hear(bucketStub(env.HOUR_BUCKET, address.value).describe()),
        hearEvents(env.EDGE_LEDGER, address.value),
      ])
    : [null, { events: null }];
  const says = heard?.heard === true ? BucketSays.parse(JSON.parse(heard.value)) : null;
  const cell = row === null ? undefined : { ...row, hour, rows: row.seal?.rows ?? null };
  const missing = says?.missingReceipts ?? [];
  const sealing = says?.phase === "sealing";
  const explanation: Explanation = explain(
    {
      type,
      hour,
      state: stateOf({ ...stream, nextHour, end }, hour, cell, now),
      stream: { firstHour: stream.firstHour, nextHour, graceMs: stream.graceMs, end },
      catalog: row === null ? null : { ...row, sealedAtMs: row.seal?.sealedAtMs ?? null },
      bucket:
        says === null
          ? null
          : {
              phase: says.phase ?? null,
              dueAtMs: says.due_at_ms ?? null,
              failedStep: says.failed_step ?? null,
              error: says.error ?? null,
              failingSinceMs: says.failing_since_ms ?? null,
              missingReceipts: missing,
            },
      events,
      unheard: heard?.heard === false ? heard.why : null,
      shards: sealing
        ? await Promise.all(missing.slice(0, explainShardsMax).map((name) => askShard(env, type, name)))
        : [],
      freeze: freezeOf(await listFreezes(env.CATALOG), type),
      drain: stream.drain,
    },
    now,
  );
  return ok(json(explanation));
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
