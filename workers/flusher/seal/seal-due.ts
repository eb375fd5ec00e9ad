/**
 * Sealing what is due: takes up the hours that have ended, asks their buckets to seal, and records what they answer.
 *
 * Promises: repeats safely, alone or beside another flusher. What has not failed comes before what has, then important
 * streams, then old hours. A stream has `sealsOfStreamMax` of the lanes at most, and after `sealFailuresOfStreamMax` failures
 * waits for the next run; one bucket holds up a lane for its deadline at most. Does not seal: the bucket does, and would by its own alarm if this never ran.
 */
import type { EpochMs } from "../../../domain/hour.ts";
import {
  bucketsPerRunMax,
  flusherParallelismMax,
  sealDeadlineMs,
  sealFailuresOfStreamMax,
  sealsOfStreamMax,
  sealsPerRecordMax,
} from "../../../domain/limits.ts";
import type { EventType } from "../../../domain/ids.ts";
import type { SealReply } from "../../../domain/messages.ts";
import { planOf } from "../../../domain/plan.ts";
import { type DueBucket, dueBuckets, enumerateDue, postponeDue } from "../../../platform/catalog/due.ts";
import {
  type SealFailure,
  type SealedEntry,
  recordSealFailure,
  recordSealed,
} from "../../../platform/catalog/sealed.ts";
import { log } from "../../../platform/log.ts";
import { carried } from "../../../platform/span.ts";
import { inFairParallel } from "../../../platform/parallel.ts";
import { type BucketNamespace, bucketStub } from "../../../platform/stubs.ts";
import { withDeadline } from "../../../platform/timer.ts";

export interface SealEnv {
  readonly CATALOG: D1Database;
  readonly HOUR_BUCKET: BucketNamespace;
}

export interface SealCounts {
  /** Buckets whose answer is recorded, so that they are not due any more just now. */
  readonly progress: number;
  readonly sealed: number;
}

/** One round. Once time is up, what is not yet taken up waits for the next run. */
export async function sealDue(
  env: SealEnv,
  now: EpochMs,
  timeIsUp: () => boolean = () => false,
): Promise<SealCounts> {
  await enumerateDue(env.CATALOG, now, bucketsPerRunMax);
  const due = await dueBuckets(env.CATALOG, now, bucketsPerRunMax);
  const unrecorded: SealedEntry[] = [];
  let sealed = 0;
  let unsealed = 0;
  const failures = new Map<EventType, number>();
  const fairness = {
    parallelism: flusherParallelismMax,
    groupOf: ({ address }: DueBucket) => address.type,
    ofGroupMax: sealsOfStreamMax,
  };
  await inFairParallel(due, fairness, async (bucket) => {
    const { type } = bucket.address;
    const failed = failures.get(type) ?? 0;
    if (failed >= sealFailuresOfStreamMax || timeIsUp()) return;
    const reply = await ask(env, bucket, now);
    if (reply.state === "sealed") {
      const { summary, trouble } = reply;
      sealed++;
      unrecorded.push({ address: bucket.address, dueAtMs: bucket.dueAtMs, summary, trouble });
      if (unrecorded.length < sealsPerRecordMax) return;
      const entries = unrecorded.splice(0);
      // What cannot be recorded now is recorded at the end, or by the next run: the buckets say the same again.
      await record(env.CATALOG, entries).catch(() => unrecorded.push(...entries));
      return;
    }
    if (reply.state !== "not_due") failures.set(type, (failures.get(type) ?? 0) + 1);
    if (await recordUnsealed(env.CATALOG, bucket, reply, now)) unsealed++;
  });
  await record(env.CATALOG, unrecorded);
  return { progress: sealed + unsealed, sealed };
}

async function record(catalog: D1Database, sealed: readonly SealedEntry[]): Promise<void> {
  for (const conflict of await recordSealed(catalog, sealed)) {
    log("flusher", "seal_conflict", { ...conflict, broken: true });
  }
}

/** One bucket, now; records what it answers. */
export async function sealOne(env: SealEnv, bucket: DueBucket, now: EpochMs): Promise<AskReply> {
  const reply = await ask(env, bucket, now);
  if (reply.state === "sealed") {
    const { address, dueAtMs } = bucket;
    const { summary, trouble } = reply;
    for (const conflict of await recordSealed(env.CATALOG, [{ address, dueAtMs, summary, trouble }])) {
      log("flusher", "seal_conflict", { ...conflict, broken: true });
    }
  } else {
    await recordUnsealed(env.CATALOG, bucket, reply, now);
  }
  return reply;
}

export type AskReply = SealReply | { readonly state: "unreachable"; readonly error: string };

async function ask(env: SealEnv, { address, settings }: DueBucket, now: EpochMs): Promise<AskReply> {
  try {
    const sealing = bucketStub(env.HOUR_BUCKET, address).seal({
      nowMs: now,
      plan: planOf(settings),
      ...carried(),
    });
    return await withDeadline(sealing, sealDeadlineMs);
  } catch (error) {
    log("flusher", "seal_unanswered", { ...address, error: String(error) });
    return { state: "unreachable", error: String(error) };
  }
}

/** True if recorded. A bucket that can't be recorded as unsealed is simply asked again next time. */
async function recordUnsealed(
  catalog: D1Database,
  { address, attempts }: DueBucket,
  reply: Exclude<AskReply, { state: "sealed" }>,
  now: EpochMs,
): Promise<boolean> {
  try {
    if (reply.state === "not_due") await postponeDue(catalog, address, reply.dueAtMs);
    else await recordSealFailure(catalog, { address, attempts, ...failureOf(reply) }, now);
    return true;
  } catch (error) {
    log("flusher", "seal_record_failed", { ...address, error: String(error) });
    return false;
  }
}

function failureOf(
  reply: Exclude<AskReply, { state: "sealed" | "not_due" }>,
): Pick<SealFailure, "step" | "error"> {
  switch (reply.state) {
    case "failed":
      return { step: reply.step, error: reply.error };
    case "unreachable":
      return { step: "ask", error: reply.error };
    case "blank":
      return { step: "ask", error: "the bucket is blank and was not told its plan" };
  }
}
