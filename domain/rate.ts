/**
 * A rate as a bucket of tokens, one an event: it fills at the rate and holds `rateWindowMs` of it. Whoever finds a token takes as
 * many as it needs, and the bucket may owe: so a batch of any size passes at some time, and on average no more than the rate.
 *
 * Promises: within any time no more than a full bucket, one request, and what came in at the rate. What is refused takes
 * nothing. A clock that goes back fills nothing and takes nothing away.
 */
import type { EpochMs } from "./hour.ts";
import { rateWindowMs } from "./limits.ts";

export interface RatePolicy {
  /** Printable ASCII without quotes: it goes into header fields. */
  readonly name: string;
  readonly eventsPerSecondMax: number;
}

export interface TokenBucket {
  /** Below 0: owed. */
  readonly tokens: number;
  readonly atMs: EpochMs;
}

function capacityOf({ eventsPerSecondMax }: RatePolicy): number {
  return (eventsPerSecondMax * rateWindowMs) / 1_000;
}

/** The bucket as it is now; a new one is full, and one that a lower rate has shrunk holds no more than it may. */
export function filled(bucket: TokenBucket | undefined, policy: RatePolicy, now: EpochMs): TokenBucket {
  const capacity = capacityOf(policy);
  if (bucket === undefined) return { tokens: capacity, atMs: now };
  const passedMs = Math.max(0, now - bucket.atMs);
  const tokens = Math.min(capacity, bucket.tokens + (passedMs * policy.eventsPerSecondMax) / 1_000);
  return { tokens, atMs: now };
}

export type RateDecision =
  | { readonly taken: true; readonly bucket: TokenBucket }
  | { readonly taken: false; readonly bucket: TokenBucket; readonly retryAfterMs: number };

/** Takes `events` tokens, or says when there is one again. None is asked of nobody: 0 events only look. */
export function takeTokens(
  bucket: TokenBucket | undefined,
  policy: RatePolicy,
  events: number,
  now: EpochMs,
): RateDecision {
  const current = filled(bucket, policy, now);
  if (current.tokens >= 1) return { taken: true, bucket: { ...current, tokens: current.tokens - events } };
  const retryAfterMs = Math.ceil(((1 - current.tokens) * 1_000) / policy.eventsPerSecondMax);
  return { taken: false, bucket: current, retryAfterMs };
}

/** So many events in a window, and what is left of them: a rate, or a quota that is used up. */
export interface Limit {
  /** Printable ASCII without quotes: it goes into header fields. */
  readonly name: string;
  readonly events: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Until all of it is there again. */
  readonly resetSeconds: number;
}

export function limitOf(policy: RatePolicy, bucket: TokenBucket): Limit {
  const missing = capacityOf(policy) - bucket.tokens;
  return {
    name: policy.name,
    events: Math.floor(capacityOf(policy)),
    windowSeconds: rateWindowMs / 1_000,
    remaining: Math.max(0, Math.floor(bucket.tokens)),
    resetSeconds: Math.ceil(missing / policy.eventsPerSecondMax),
  };
}

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10: each policy as quota `q` in a window of `w` seconds, and what
 * remains of it, `r`, with the seconds `t` until all of it is there again.
 */
export function rateLimitFields(limits: readonly Limit[]): Readonly<Record<string, string>> {
  if (limits.length === 0) return {};
  return {
    "ratelimit-policy": limits
      .map(({ name, events, windowSeconds }) => `"${name}";q=${events};w=${windowSeconds}`)
      .join(", "),
    ratelimit: limits
      .map(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`)
      .join(", "),
  };
}
