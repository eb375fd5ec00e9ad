/**
 * `/v1/audit/buckets/:type/:hour`: one bucket, open or sealed, from everything that knows of it: the catalog, the bucket
 * object, the ledger, the manifest. A source that does not answer is named, and the others are shown.
 */
import { type EpochMs, endOf, hourNumber, hourNumberOf, isoOf } from "../../../../domain/hour.ts";
import { viewRowsMax } from "../../../../domain/limits.ts";
import type { Manifest } from "../../../../domain/manifest.ts";
import { dueAt } from "../../../../domain/plan.ts";
import { no } from "../../../../domain/refusal.ts";
import type { Finding } from "../../../../domain/verdict.ts";
import { arrivalsOf } from "../../../../domain/view/arrivals.ts";
import {
  type BucketReply,
  type ManifestView,
  type SealHistory,
  partView,
  shardView,
} from "../../../../domain/view/bucket.ts";
import { flowOf } from "../../../../domain/view/flow.ts";
import { stateOf } from "../../../../domain/view/grid.ts";
import { lifeOf } from "../../../../domain/view/life.ts";
import { targetLatenessOf } from "../../../../domain/view/stream.ts";
import { type CatalogBucket, getBucket } from "../../../../platform/catalog/buckets.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { r2Objects } from "../../../../platform/objects.ts";
import { bucketStub } from "../../../../platform/stubs.ts";
import { hear } from "../../audit/hear.ts";
import { hearEvents } from "../../audit/hear-events.ts";
import { type OpsCall, type OpsReply, addressParams } from "../http.ts";
import { unknownStream } from "../streams.ts";
import { BucketSays } from "./bucket-says.ts";
import { readManifest } from "./read-manifest.ts";
import { tagged } from "./reply.ts";

export async function bucketViewRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const { env, now } = call;
  const { type, hour } = address.value;
  const found = await getStream(env.CATALOG, type);
  if (found === null) return no(await unknownStream(env, type));
  const { stream, nextHour, end } = found;
  const bucket = await getBucket(env.CATALOG, address.value);
  if (bucket === null && hour < stream.firstHour) {
    return no({ code: "before_stream", type, firstHour: stream.firstHour });
  }
  if (bucket === null && end !== null && hour >= end) return no({ code: "after_stream", type, end });
  const sealed = bucket?.seal ?? null;
  const begun = hourNumber(hour) <= hourNumberOf(now);
  const [manifest, says, events] = await Promise.all([
    sealed === null ? null : readManifest(r2Objects(env.EVENTS), address.value),
    // An hour that has not begun is asked for nothing: nobody holds anything of it, and asking would make objects.
    begun ? hear(bucketStub(env.HOUR_BUCKET, address.value).describe()) : null,
    begun ? hearEvents(env.EDGE_LEDGER, address.value) : { events: null, unheard: [] },
  ]);
  const said = says?.heard === true ? BucketSays.parse(JSON.parse(says.value)) : null;
  const dueAtMs = bucket?.dueAtMs ?? said?.due_at_ms ?? dueAt(hour, stream.graceMs);
  const findings = bucket?.findings ?? [];
  const reply: BucketReply = {
    format: 1,
    type,
    hour,
    owner: stream.owner,
    contact: stream.contact,
    priority: stream.priority,
    state: stateOf({ ...stream, nextHour, end }, hour, gridBucketOf(bucket), now),
    life: lifeOf(
      {
        hour,
        dueAtMs,
        failingSinceMs: said?.failing_since_ms ?? null,
        sealedAtMs: sealed?.sealedAtMs ?? said?.sealed_at_ms ?? null,
        firstFaultAtMs: bucket?.firstFaultAtMs ?? null,
        verifiedAtMs: bucket?.verifiedAtMs ?? null,
      },
      now,
    ),
    targetAt: isoOf((endOf(hour) + targetLatenessOf(stream)) as EpochMs),
    seal: historyOf(bucket, said),
    flow: flowOf({ events: events.events, manifest, findings, audited: (bucket?.verdict ?? null) !== null }),
    arrivals: manifest === null ? null : arrivalsOf(manifest),
    manifest: manifest === null ? null : manifestView(manifest, sealed?.manifestSha256 ?? "", findings),
    findings,
    findingCount: bucket?.findingCount ?? 0,
    unheard: [
      ...(says?.heard === false ? [{ source: "bucket", why: says.why }] : []),
      ...events.unheard,
      ...(sealed !== null && manifest === null
        ? [{ source: "manifest", why: "R2 has none that can be read" }]
        : []),
    ],
  };
  return tagged(call, reply);
}

function gridBucketOf(bucket: CatalogBucket | null): Parameters<typeof stateOf>[2] {
  return bucket === null
    ? undefined
    : { ...bucket, hour: bucket.address.hour, rows: bucket.seal?.rows ?? null };
}

function historyOf(bucket: CatalogBucket | null, said: BucketSays | null): SealHistory {
  const failingSinceMs = said?.failing_since_ms ?? null;
  return {
    phase: said?.phase ?? null,
    shards: said?.shards ?? [],
    missingReceipts: said?.missingReceipts ?? [],
    failedAttempts: Math.max(bucket?.attempts ?? 0, said?.attempts ?? 0),
    lastStep: said?.failed_step ?? bucket?.lastStep ?? null,
    lastError: said?.error ?? bucket?.lastError ?? null,
    failingSince: failingSinceMs === null ? null : isoOf(failingSinceMs),
  };
}

function manifestView(manifest: Manifest, sha256: string, findings: readonly Finding[]): ManifestView {
  return {
    sha256,
    rows: manifest.rows,
    bytes: manifest.bytes,
    identitySum: manifest.identitySum,
    schemaVersion: manifest.schemaVersion,
    planShards: manifest.plan?.shards ?? null,
    shards: manifest.shards.slice(0, viewRowsMax).map(shardView),
    shardCount: manifest.shards.length,
    parts: manifest.parts.slice(0, viewRowsMax).map((part) => partView(part, findings)),
    partCount: manifest.parts.length,
    strays: manifest.strays.length,
  };
}
