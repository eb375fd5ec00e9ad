/**
 * Enrolment: a shard holds no row before its bucket has confirmed that it will wait for it. These are the bucket's and
 * the shard's decisions; both are pure, so that the order of messages can be played through in a simulation.
 */
import { broken } from "./invariant.ts";
import type { EpochMs, Hour } from "./hour.ts";
import { endOf, startOf } from "./hour.ts";
import { type PackedRows, claims } from "./packed-rows.ts";
import { graceMsMax, openEarlyMsMax, forgetAfterWindowMs } from "./limits.ts";
import { type Plan, dueAt, homeIndex, protocolVersion, samePlan } from "./plan.ts";
import type { Holder, ShardIndex } from "./ids.ts";

// ── The bucket's side ──────────────────────────────────────────────────────────────────────────────────────

/**
 * What a bucket is, as far as enrolment goes. `planned`: a claim asked for its plan, which is fixed; nothing enrolled.
 */
export type BucketPhase = "blank" | "planned" | "open" | "sealing" | "sealed";

export interface EnrolRequest extends Holder {
  readonly protocol: number;
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
 * A bucket that is not open opens only while its own clock is inside [start − openEarly, end + grace): a bucket that has
 * retired is blank again, and its hour is further back than any grace.
 *
 * A shard of another hour brings rows that could not be claimed in time. It holds no home row here, so the plan's
 * shards do not concern it.
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
  const plan = bucket.plan ?? request.plan;
  switch (bucket.phase) {
    case "sealing":
    case "sealed":
      return refuse({ enrolled: false, why: "closed" });
    case "blank":
    case "planned": {
      const graceMs = Math.min(plan.graceMs, graceMsMax);
      if (now >= dueAt(hour, graceMs)) return refuse({ enrolled: false, why: "closed" });
      if (now < startOf(hour) - openEarlyMsMax) return refuse({ enrolled: false, why: "too_early" });
      if (!fits(plan, hour, request)) return refuse({ enrolled: false, why: "wrong_plan", plan });
      return { act: "open", plan, reply: { enrolled: true, plan } };
    }
    case "open": {
      if (bucket.plan === null) broken("an open bucket has no plan");
      if (now >= dueAt(hour, bucket.plan.graceMs)) return refuse({ enrolled: false, why: "closed" });
      if (!fits(plan, hour, request)) return refuse({ enrolled: false, why: "wrong_plan", plan });
      return { act: "enrol", reply: { enrolled: true, plan } };
    }
  }
}

function fits(plan: Plan, hour: Hour, request: EnrolRequest): boolean {
  return request.hour !== hour || samePlan(plan, request.plan);
}

export type PlanReply =
  | { readonly known: true; readonly plan: Plan }
  /** The hour is past its window: its identities are forgotten, if there were any. */
  | { readonly known: false };

/** The plan by which claims find an hour's homes. Fixed by the first who asks, if nothing has fixed it yet. */
export function decidePlan(
  plan: Plan | null,
  hour: Hour,
  proposed: Plan,
  now: EpochMs,
): { readonly reply: PlanReply; readonly fix: boolean } {
  if (plan !== null) return { reply: { known: true, plan }, fix: false };
  if (isForgotten(hour, proposed.windowMs, now)) return { reply: { known: false }, fix: false };
  return { reply: { known: true, plan: proposed }, fix: true };
}

/**
 * True if an object of this hour that is blank may be one that has retired: it must not say that it knows nothing.
 *
 * Homes take claims for a day after the window. Half of that day is for clocks that lie; the other half for claims that are
 * made hours after their event came, so that what was within the window then is not forgotten now.
 */
export function isForgotten(hour: Hour, windowMs: number, now: EpochMs): boolean {
  return now >= endOf(hour) + windowMs + forgetAfterWindowMs / 2;
}

/**
 * True if a home that has not retired yet must answer a new holder as if it had: it stays only for audits of what it
 * answered. A holder that owns identities there is answered to the end, for it may not have heard what it was granted.
 */
export function takesNoClaims(hour: Hour, windowMs: number, now: EpochMs): boolean {
  return now >= endOf(hour) + windowMs + forgetAfterWindowMs;
}

function refuse(reply: EnrolReply): EnrolDecision {
  return { act: "refuse", reply };
}

// ── The shard's side ───────────────────────────────────────────────────────────────────────────────────────

/** `guard`: it keeps identities for claims, and holds no row. */
export type ShardPhase = "blank" | "guard" | "open" | "closed";

/** Why a shard took none of an append's rows. Every one of them is safe to re-route or repeat. */
export type AppendRefusal =
  | { readonly refused: "closed" }
  | { readonly refused: "wrong_plan"; readonly plan: Plan }
  | { readonly refused: "too_early" }
  | { readonly refused: "full" }
  | { readonly refused: "overloaded" }
  /** An append with this number came before: what became of it is looked up, not told by the second delivery. */
  | { readonly refused: "repeated" }
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
  if (shard.phase === "blank" || shard.phase === "guard") return { act: "enrol" };
  if (shard.plan === null) broken("an open shard has no plan");
  if (!samePlan(shard.plan, append.plan)) {
    return { act: "refuse", refusal: { refused: "wrong_plan", plan: shard.plan } };
  }
  for (let row = 0; row < append.rows.count; row++) {
    if (append.rows.claims(row) !== claims.none) continue;
    if (homeIndex(append.rows.hash(row, shard.plan.partitionBy), shard.plan) !== shard.index) {
      return { act: "refuse", refusal: { refused: "malformed", detail: `row ${row} has another home` } };
    }
  }
  return { act: "queue" };
}
