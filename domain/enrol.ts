/**
 * Enrolment: a shard holds no row before its bucket has confirmed that it will wait for it. These are the bucket's and
 * the shard's decisions; both are pure, so that the order of messages can be played through in a simulation.
 */
import { broken } from "./invariant.ts";
import type { EpochMs, Hour } from "./hour.ts";
import { startOf } from "./hour.ts";
import type { PackedRows } from "./packed-rows.ts";
import { graceMsMax, openEarlyMsMax } from "./limits.ts";
import { type Plan, dueAt, homeIndex, protocolVersion, samePlan } from "./plan.ts";
import type { ShardIndex } from "./ids.ts";

// ── The bucket's side ──────────────────────────────────────────────────────────────────────────────────────

/** What a bucket is, as far as enrolment goes. */
export type BucketPhase = "blank" | "open" | "sealing" | "sealed";

export interface EnrolRequest {
  readonly protocol: number;
  readonly index: ShardIndex;
  readonly plan: Plan;
}

export type EnrolReply =
  /** The shard is enrolled: the bucket will not seal without its receipt. */
  | { readonly enrolled: true; readonly plan: Plan }
  /** The bucket is open under another plan. */
  | { readonly enrolled: false; readonly why: "wrong_plan"; readonly plan: Plan }
  /** The hour no longer takes rows. */
  | { readonly enrolled: false; readonly why: "closed" }
  /** The hour is too far ahead of the bucket's own clock. */
  | { readonly enrolled: false; readonly why: "too_early" }
  | { readonly enrolled: false; readonly why: "unknown_protocol"; readonly protocol: number };

export type EnrolDecision =
  | { readonly act: "refuse"; readonly reply: EnrolReply }
  /** Open with this plan, then enrol. */
  | { readonly act: "open"; readonly plan: Plan; readonly reply: EnrolReply }
  | { readonly act: "enrol"; readonly reply: EnrolReply };

/**
 * A blank bucket opens only while its own clock is inside [start − openEarly, end + grace): a bucket that has
 * retired is blank again, and its hour is further back than any grace.
 */
export function decideEnrol(
  bucket: { readonly phase: BucketPhase; readonly plan: Plan | null },
  hour: Hour,
  request: EnrolRequest,
  now: EpochMs,
): EnrolDecision {
  if (request.protocol !== protocolVersion) {
    return refuse({ enrolled: false, why: "unknown_protocol", protocol: protocolVersion });
  }
  switch (bucket.phase) {
    case "sealing":
    case "sealed":
      return refuse({ enrolled: false, why: "closed" });
    case "blank": {
      const graceMs = Math.min(request.plan.graceMs, graceMsMax);
      if (now >= dueAt(hour, graceMs)) return refuse({ enrolled: false, why: "closed" });
      if (now < startOf(hour) - openEarlyMsMax) return refuse({ enrolled: false, why: "too_early" });
      return { act: "open", plan: request.plan, reply: { enrolled: true, plan: request.plan } };
    }
    case "open": {
      if (bucket.plan === null) broken("an open bucket has no plan");
      if (now >= dueAt(hour, bucket.plan.graceMs)) return refuse({ enrolled: false, why: "closed" });
      if (!samePlan(bucket.plan, request.plan)) {
        return refuse({ enrolled: false, why: "wrong_plan", plan: bucket.plan });
      }
      return { act: "enrol", reply: { enrolled: true, plan: bucket.plan } };
    }
  }
}

function refuse(reply: EnrolReply): EnrolDecision {
  return { act: "refuse", reply };
}

// ── The shard's side ───────────────────────────────────────────────────────────────────────────────────────

export type ShardPhase = "blank" | "open" | "closed";

/** Why a shard took none of an append's rows. Every one of them is safe to re-route or repeat. */
export type AppendRefusal =
  | { readonly refused: "closed" }
  | { readonly refused: "wrong_plan"; readonly plan: Plan }
  | { readonly refused: "too_early" }
  | { readonly refused: "full" }
  | { readonly refused: "overloaded" }
  | { readonly refused: "unknown_protocol"; readonly protocol: number }
  | { readonly refused: "malformed"; readonly detail: string };

export type AdmitDecision =
  | { readonly act: "refuse"; readonly refusal: AppendRefusal }
  /** Ask the bucket first; then decide again. */
  | { readonly act: "enrol" }
  | { readonly act: "queue" };

/** Whether a shard may queue an append, by what it is and what the append assumes. */
export function decideAdmit(
  shard: { readonly phase: ShardPhase; readonly plan: Plan | null; readonly index: ShardIndex },
  append: { readonly protocol: number; readonly plan: Plan; readonly rows: PackedRows },
): AdmitDecision {
  if (append.protocol !== protocolVersion) {
    return { act: "refuse", refusal: { refused: "unknown_protocol", protocol: protocolVersion } };
  }
  if (shard.phase === "closed") return { act: "refuse", refusal: { refused: "closed" } };
  if (shard.phase === "blank") return { act: "enrol" };
  if (shard.plan === null) broken("an open shard has no plan");
  if (!samePlan(shard.plan, append.plan)) {
    return { act: "refuse", refusal: { refused: "wrong_plan", plan: shard.plan } };
  }
  for (let row = 0; row < append.rows.count; row++) {
    if (homeIndex(append.rows.partitionHash(row), shard.plan) !== shard.index) {
      return { act: "refuse", refusal: { refused: "malformed", detail: `row ${row} has another home` } };
    }
  }
  return { act: "queue" };
}
