/**
 * The rates that this isolate has seen, and what it took of them. Each isolate counts for itself: nothing is asked of
 * anybody on the way of a request, and a client that reaches several isolates has the rate at each (docs/adr/0017).
 *
 * What is over a rate is answered as failed, counted in the ledger as such, and logged: once in a window, with how many.
 */
import type { EpochMs } from "../../domain/hour.ts";
import { rateWindowMs, ratesToldMax } from "../../domain/limits.ts";
import { encodeSegment } from "../../domain/segment.ts";
import { type RatePolicy, type TokenBucket, takeTokens } from "../../domain/rate.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Principal } from "../../platform/auth.ts";
import { log } from "../../platform/log.ts";
import type { Deliverable, Fate } from "./deliver.ts";

/** Buckets kept; the oldest go first, and one that is gone is full again. */
const bucketsMax = 10_000;

interface Kept {
  readonly bucket: TokenBucket;
  /** Events refused since the last line of the log. */
  readonly refused: number;
  readonly loggedAtMs: EpochMs | null;
}

export interface Metered {
  readonly policy: RatePolicy;
  readonly bucket: TokenBucket;
  /** Null: the events may go on. */
  readonly retryAfterMs: number | null;
}

/** A request's events held against the rates of its key and of its streams. */
export interface Metering {
  /** What there is to tell of: the key's rate first, then those with least left; `ratesToldMax` at most. */
  readonly rates: readonly Metered[];
  /** By type: what its events come to if they are over a rate. */
  readonly over: ReadonlyMap<string, Extract<Fate, { why: "rate" }>>;
}

export class EdgeRates {
  readonly #kept = new Map<string, Kept>();

  /** First the key's rate, of all events; then each stream's, of those that go to it. */
  meter(principal: Principal, deliverables: readonly Deliverable[], now: EpochMs): Metering {
    const ofKey = keyRate(principal);
    const streams = Map.groupBy(deliverables, ({ stream }) => stream.type);
    const over = new Map<string, Extract<Fate, { why: "rate" }>>();
    if (deliverables.length === 0) return { rates: [], over };
    const rates: Metered[] = [];
    if (ofKey !== null) {
      const metered = this.#take(`key ${principal.keyId}`, ofKey, deliverables.length, now);
      rates.push(metered);
      if (metered.retryAfterMs !== null) {
        for (const type of streams.keys()) over.set(type, overRate(metered, metered.retryAfterMs));
        return { rates, over };
      }
    }
    const ofStreams: Metered[] = [];
    for (const [type, events] of streams) {
      const policy = events[0] === undefined ? null : streamRate(events[0].stream);
      if (policy === null) continue;
      const metered = this.#take(policy.name, policy, events.length, now);
      ofStreams.push(metered);
      if (metered.retryAfterMs !== null) over.set(type, overRate(metered, metered.retryAfterMs));
    }
    const leastFirst = ofStreams.toSorted((a, b) => leftOf(a) - leftOf(b));
    return { rates: [...rates, ...leastFirst].slice(0, ratesToldMax), over };
  }

  /** Takes the events' tokens, all of them or none. `what` names the bucket: two keys have a policy of one name. */
  #take(what: string, policy: RatePolicy, events: number, now: EpochMs): Metered {
    const before = this.#kept.get(what);
    const decision = takeTokens(before?.bucket, policy, events, now);
    const refused = (before?.refused ?? 0) + (decision.taken ? 0 : events);
    const loggedAtMs = before?.loggedAtMs ?? null;
    const due = refused > 0 && (loggedAtMs === null || now - loggedAtMs >= rateWindowMs);
    if (due) log("edge", "rate_limited", { what, eventsPerSecondMax: policy.eventsPerSecondMax, refused });
    this.#keep(what, {
      bucket: decision.bucket,
      refused: due ? 0 : refused,
      loggedAtMs: due ? now : loggedAtMs,
    });
    return { policy, bucket: decision.bucket, retryAfterMs: decision.taken ? null : decision.retryAfterMs };
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

function overRate({ policy }: Metered, retryAfterMs: number): Extract<Fate, { why: "rate" }> {
  return { fate: "failed", why: "rate", rate: policy.name, retryAfterMs };
}

/** The share of its quota that a rate has left. */
function leftOf({ policy, bucket }: Metered): number {
  return bucket.tokens / policy.eventsPerSecondMax;
}

/** The rate of a key; null: it has none of its own. */
function keyRate({ eventsPerSecondMax }: Principal): RatePolicy | null {
  return eventsPerSecondMax === null ? null : { name: "key", eventsPerSecondMax };
}

/** The rate of a stream, under its percent-encoded name: a type is any string, and the field's is ASCII. */
function streamRate({ type, eventsPerSecondMax }: Stream): RatePolicy | null {
  return eventsPerSecondMax === null ? null : { name: `stream ${encodeSegment(type)}`, eventsPerSecondMax };
}
