/**
 * The rates that this isolate has seen, and what it took of them. Each isolate counts for itself: nothing is asked of
 * anybody on the way of a request, and a client that reaches several isolates has the rate at each (docs/adr/0017).
 * Quotas are counted over all isolates, elsewhere: here is only known which are used up (docs/adr/0022).
 *
 * What is over a rate or a quota is answered as failed, counted in the ledger as such, and logged: once in a window, with
 * how many.
 */
import type { EpochMs } from "../../domain/hour.ts";
import { rateWindowMs, ratesToldMax } from "../../domain/limits.ts";
import { encodeSegment } from "../../domain/segment.ts";
import { type QuotaOwner, limitOfSpent, quotaName } from "../../domain/quota.ts";
import { type Limit, type RatePolicy, type TokenBucket, limitOf, takeTokens } from "../../domain/rate.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Principal } from "../../platform/auth.ts";
import { log } from "../../platform/log.ts";
import type { Deliverable, Fate } from "./deliver.ts";

/** Buckets kept; the oldest go first, and one that is gone is full again. */
const bucketsMax = 10_000;

interface Kept {
  /** Undefined: of a quota, which nothing is taken of here. */
  readonly bucket: TokenBucket | undefined;
  /** Events refused since the last line of the log. */
  readonly refused: number;
  readonly loggedAtMs: EpochMs | null;
}

interface Metered {
  readonly limit: Limit;
  /** Null: the events may go on. */
  readonly retryAfterMs: number | null;
}

type OverLimit = Extract<Fate, { why: "rate" }>;

/** A request's events held against the limits of its key and of its streams. */
export interface Metering {
  /** What there is to tell of: the key's first, then those with least left; `ratesToldMax` at most. */
  readonly limits: readonly Limit[];
  /** By type: what its events come to if they are over a limit. */
  readonly over: ReadonlyMap<string, OverLimit>;
}

export class EdgeRates {
  readonly #kept = new Map<string, Kept>();

  /**
   * First the key's limits, of all events; then each stream's, of those that go to it. A quota comes before a rate, of which
   * nothing is taken then.
   */
  meter(
    principal: Principal,
    deliverables: readonly Deliverable[],
    spent: Snapshot["spent"],
    now: EpochMs,
  ): Metering {
    const over = new Map<string, OverLimit>();
    if (deliverables.length === 0) return { limits: [], over };
    const streams = Map.groupBy(deliverables, ({ stream }) => stream.type);
    const limits: Limit[] = [];
    const key = { kind: "key", name: principal.keyId } as const;
    const rate = keyRate(principal);
    const ofKey =
      this.#spent(spent, key, deliverables.length, now) ??
      (rate === null ? null : this.#rate(quotaName(key), rate, deliverables.length, now));
    if (ofKey !== null) {
      limits.push(ofKey.limit);
      if (ofKey.retryAfterMs !== null) {
        for (const type of streams.keys()) over.set(type, overLimit(ofKey.limit, ofKey.retryAfterMs));
        return { limits, over };
      }
    }
    const ofStreams: Limit[] = [];
    for (const [type, events] of streams) {
      const policy = events[0] === undefined ? null : streamRate(events[0].stream);
      const metered =
        this.#spent(spent, { kind: "stream", name: type }, events.length, now) ??
        (policy === null ? null : this.#rate(policy.name, policy, events.length, now));
      if (metered === null) continue;
      ofStreams.push(metered.limit);
      if (metered.retryAfterMs !== null) over.set(type, overLimit(metered.limit, metered.retryAfterMs));
    }
    const leastFirst = ofStreams.toSorted((a, b) => leftOf(a) - leftOf(b));
    return { limits: [...limits, ...leastFirst].slice(0, ratesToldMax), over };
  }

  /** Null: its quota is not known to be used up, or its window is over, whatever an old snapshot says. */
  #spent(spent: Snapshot["spent"], owner: QuotaOwner, events: number, now: EpochMs): Metered | null {
    const quota = spent.get(quotaName(owner));
    if (quota === undefined || now >= quota.until) return null;
    const { window, eventsMax } = quota;
    this.#count(`quota of ${quotaName(owner)}`, undefined, events, now, "quota_used_up", {
      window,
      eventsMax,
    });
    const label = owner.kind === "key" ? "key" : streamLabel(owner.name);
    return { limit: limitOfSpent(quota, label, now), retryAfterMs: quota.until - now };
  }

  /** Takes the events' tokens, all of them or none. `what` names the bucket: two keys have a policy of one name. */
  #rate(what: string, policy: RatePolicy, events: number, now: EpochMs): Metered {
    const decision = takeTokens(this.#kept.get(what)?.bucket, policy, events, now);
    const { eventsPerSecondMax } = policy;
    const refused = decision.taken ? 0 : events;
    this.#count(what, decision.bucket, refused, now, "rate_limited", { eventsPerSecondMax });
    const limit = limitOf(policy, decision.bucket);
    return { limit, retryAfterMs: decision.taken ? null : decision.retryAfterMs };
  }

  /** Logs what was refused, at once and then once in a window. */
  #count(
    what: string,
    bucket: TokenBucket | undefined,
    events: number,
    now: EpochMs,
    event: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const before = this.#kept.get(what);
    const refused = (before?.refused ?? 0) + events;
    const loggedAtMs = before?.loggedAtMs ?? null;
    const due = refused > 0 && (loggedAtMs === null || now - loggedAtMs >= rateWindowMs);
    if (due) log("edge", event, { what, ...fields, refused });
    this.#keep(what, { bucket, refused: due ? 0 : refused, loggedAtMs: due ? now : loggedAtMs });
  }

  #keep(what: string, kept: Kept): void {
    this.#kept.delete(what);
    this.#kept.set(what, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= bucketsMax) break;
      this.#kept.delete(oldest);
    }
  }
}

function overLimit({ name }: Limit, retryAfterMs: number): OverLimit {
  return { fate: "failed", why: "rate", rate: name, retryAfterMs };
}

/** The share of it that is left. */
function leftOf({ events, remaining }: Limit): number {
  return remaining / Math.max(1, events);
}

/** The rate of a key; null: it has none of its own. */
function keyRate({ eventsPerSecondMax }: Principal): RatePolicy | null {
  return eventsPerSecondMax === null ? null : { name: "key", eventsPerSecondMax };
}

/** A stream's percent-encoded name: a type is any string, and a header's is ASCII. */
function streamLabel(type: string): string {
  return `stream ${encodeSegment(type)}`;
}

function streamRate({ type, eventsPerSecondMax }: Stream): RatePolicy | null {
  return eventsPerSecondMax === null ? null : { name: streamLabel(type), eventsPerSecondMax };
}
