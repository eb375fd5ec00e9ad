/** Auditing what was sealed and has no verdict, or one that may still change. Sealing never waits for it. */
import type { EpochMs } from "../../../domain/hour.ts";
import {
  auditDeadlineMs,
  auditParallelismMax,
  auditsOfStreamMax,
  bucketsPerRunMax,
} from "../../../domain/limits.ts";
import { isUnsettled } from "../../../domain/settled.ts";
import { factsOf } from "../../../domain/metrics/bucket-facts.ts";
import { type VerdictName, verdictOf } from "../../../domain/verdict.ts";
import { type UnverifiedBucket, recordVerdict, unverifiedBuckets } from "../../../platform/catalog/audits.ts";
import { countBucket } from "../../../platform/catalog/counters.ts";
import { r2Objects } from "../../../platform/objects.ts";
import { inFairParallel } from "../../../platform/parallel.ts";
import { carried, innerSpan, note, spanned } from "../../../platform/span.ts";
import { type BucketNamespace, bucketStub } from "../../../platform/stubs.ts";
import { withDeadline } from "../../../platform/timer.ts";
import { type AuditEnv, auditBucket } from "./audit-bucket.ts";

export interface AuditDueEnv extends AuditEnv {
  readonly EVENTS: R2Bucket;
  readonly HOUR_BUCKET: BucketNamespace;
}

export interface AuditCounts {
  /** Verdicts recorded, whatever they are. */
  readonly progress: number;
  readonly balanced: number;
}

/** One round. A bucket whose audit hangs holds up a lane for its deadline, and nobody else. */
export async function auditDue(
  env: AuditDueEnv,
  now: EpochMs,
  timeIsUp: () => boolean,
  deadlineMs: number = auditDeadlineMs,
): Promise<AuditCounts> {
  const waiting = await unverifiedBuckets(env.CATALOG, now, bucketsPerRunMax);
  let progress = 0;
  let balanced = 0;
  const fairness = {
    parallelism: auditParallelismMax,
    groupOf: ({ address }: UnverifiedBucket) => address.type,
    ofGroupMax: auditsOfStreamMax,
  };
  await inFairParallel(waiting, fairness, async (bucket) => {
    if (timeIsUp()) return;
    try {
      const verdict = await spanned(innerSpan(), "auditor", "audit", () =>
        withDeadline(audit(env, bucket, now, timeIsUp), deadlineMs),
      );
      if (verdict !== null) progress++;
      if (verdict === "balanced") balanced++;
    } catch {
      // D1 or R2 is away or hangs, as the span's line says: no verdict is recorded, and the bucket waits in the queue.
    }
  });
  return { progress, balanced };
}

async function audit(
  env: AuditDueEnv,
  { address, summary, attempts, verdict: before, faultAtMs }: UnverifiedBucket,
  now: EpochMs,
  timeIsUp: () => boolean,
): Promise<VerdictName | null> {
  note({ ...address, attempts, before });
  const kept = isUnsettled(faultAtMs, now);
  const audited = await auditBucket(env, r2Objects(env.EVENTS), address, summary, now, timeIsUp, kept);
  if (audited === null) {
    note({ verdict: null, unfinished: true });
    return null;
  }
  const { findings, manifest, load } = audited;
  if (manifest !== null) await countBucket(env.CATALOG, address, factsOf(manifest, summary.sealedAtMs));
  const found = verdictOf(findings);
  // The bucket hears it first: once a balanced verdict is recorded nobody audits the bucket again, and one that never
  // heard of it would keep its payloads for good. Any other verdict is recorded, whether its bucket can be reached or not.
  if (found === "balanced")
    await bucketStub(env.HOUR_BUCKET, address).verified({ nowMs: now, verdict: found, ...carried() });
  const verdict = await recordVerdict(env.CATALOG, { address, findings, load, attempts, at: now });
  note({
    verdict,
    rows: summary.tally.rows,
    bytes: summary.bytes,
    parts: manifest?.parts.length ?? null,
    shards: manifest?.shards.length ?? null,
    // Neither sums nor details: a sum over one row is its identity.
    findings: findings.map(({ kind, hop, where, rows }) => ({ kind, hop, where, rows })),
  });
  return verdict;
}
