/**
 * How an hour ends, as a decision: from what a bucket has durably done, the one step that comes next.
 *
 *  1. stop_enrolment    the bucket is `sealing`: no shard is added any more
 *  2. collect_receipts  every enrolled shard closes and says what it holds; missing ones are asked again
 *  3. plan_merge        which pages of tails go into which merged part is fixed, durably
 *  4. put_merged        each merged part is put, create-only
 *  5. check_parts       every part is looked up in R2: size and sha256
 *  6. freeze_manifest   the manifest's bytes are fixed, durably
 *  7. create_manifest   they are put, create-only; bytes already there must be these
 *  8. mark_success      `_SUCCESS`, create-only
 *  9. mark_sealed
 *
 * Safe to stop after each: a step's effect in R2 is create-only and computed from what an earlier step froze, so doing
 * it again gives the same object; the step is recorded only after its effect is known.
 */
import type { EpochMs } from "./hour.ts";
import type { BucketPhase } from "./enrol.ts";
import type { Holder } from "./ids.ts";
import { sealRetryMsMax, sealRetryMsMin } from "./limits.ts";

/** What a bucket durably knows of its seal. */
export interface SealProgress {
  readonly phase: BucketPhase;
  readonly dueAtMs: EpochMs;
  /** Enrolled shards whose receipt has not come. */
  readonly missingReceipts: readonly Holder[];
  readonly mergePlanned: boolean;
  /** Merged parts that are planned and not put. */
  readonly unputMerged: readonly number[];
  readonly partsChecked: boolean;
  readonly manifestFrozen: boolean;
  readonly manifestCreated: boolean;
  readonly successMarked: boolean;
}

export type SealStep =
  | { readonly step: "wait"; readonly untilMs: EpochMs }
  | { readonly step: "stop_enrolment" }
  | { readonly step: "collect_receipts"; readonly from: readonly Holder[] }
  | { readonly step: "plan_merge" }
  | { readonly step: "put_merged"; readonly no: number }
  | { readonly step: "check_parts" }
  | { readonly step: "freeze_manifest" }
  | { readonly step: "create_manifest" }
  | { readonly step: "mark_success" }
  | { readonly step: "mark_sealed" }
  | { readonly step: "done" };

export type SealStepName = SealStep["step"];

export function nextSealStep(progress: SealProgress, now: EpochMs): SealStep {
  switch (progress.phase) {
    case "sealed":
      return { step: "done" };
    case "blank":
    case "planned":
    case "open":
      return now < progress.dueAtMs
        ? { step: "wait", untilMs: progress.dueAtMs }
        : { step: "stop_enrolment" };
    case "sealing":
      break;
  }
  if (progress.missingReceipts.length > 0)
    return { step: "collect_receipts", from: progress.missingReceipts };
  if (!progress.mergePlanned) return { step: "plan_merge" };
  const [no] = progress.unputMerged;
  if (no !== undefined) return { step: "put_merged", no };
  if (!progress.partsChecked) return { step: "check_parts" };
  if (!progress.manifestFrozen) return { step: "freeze_manifest" };
  if (!progress.manifestCreated) return { step: "create_manifest" };
  if (!progress.successMarked) return { step: "mark_success" };
  return { step: "mark_sealed" };
}

/** Delay before attempt `attempts + 1`: doubling, bounded, and spread by `jitter` in [0, 1) so that retries part. */
export function retryDelayMs(attempts: number, jitter: number): number {
  const base = Math.min(sealRetryMsMax, sealRetryMsMin * 2 ** Math.min(attempts, 20));
  return Math.round(base * (0.75 + jitter / 2));
}
