/** Where an event goes: from its own time, the arrival time and what is known to be closed, to an hour and a shard. */
import { claimsOf, hasHour } from "./claim.ts";
import { type EpochMs, type Hour, endOf, hourNumber, hourOf, plusHours } from "./hour.ts";
import type { EventType, ShardAddress, ShardIndex } from "./ids.ts";
import { overflowShardsMax } from "./limits.ts";
import { type PartitionHashes, type Plan, homeIndex, partitionHashes } from "./plan.ts";
import { type Claims, claims } from "./packed-rows.ts";
import type { Stream } from "./stream.ts";

export interface Route {
  /** The bucket that takes the row. */
  readonly hour: Hour;
  /** The hour of the row's home; the arrival hour if it has no hour of its own. */
  readonly homeHour: Hour;
  /** Where the identity must be claimed before delivery; none: `hour` is the home's. */
  readonly claims: Claims;
  /** The hour in which it arrived: where it goes if its home does not take it. */
  readonly arrival: Hour;
}

/** The route of a row whose shard does not take it: the arrival hour's bucket, as a foreign row. */
export function spilled(route: Route): Route {
  return {
    ...route,
    hour: route.arrival,
    claims: route.claims === claims.none ? claims.dated : route.claims,
  };
}

/**
 * Where an event that arrived at `now` goes. Its home is in its own hour: if that is the arrival hour or, within its
 * grace, the one before, the row goes there and is decided at once. Any other event, late, undated or ahead, goes to
 * the arrival hour's bucket, and is claimed at its home before it is delivered.
 *
 * `isClosed` says which hours the edge has been told are closed: an edge whose clock is slow learns it from there,
 * and its arrival hour is the first hour that is not.
 */
export function routeOf(
  timeMs: EpochMs | null,
  now: EpochMs,
  stream: Pick<Stream, "graceMs" | "windowMs" | "firstHour">,
  isClosed: (hour: Hour) => boolean,
): Route {
  const arrival = arrivalHour(now, isClosed);
  if (timeMs === null || !hasHour(timeMs))
    return { hour: arrival, homeHour: arrival, claims: claims.undated, arrival };
  const own = hourOf(timeMs);
  const isHome = own === arrival || (own === plusHours(arrival, -1) && takesLate(own, now, stream, isClosed));
  if (isHome) return { hour: own, homeHour: own, claims: claims.none, arrival };
  const where = claimsOf(timeMs, now, stream.windowMs);
  // A date that is not believed names no home; so the hours that a batch can name are bounded.
  return { hour: arrival, homeHour: where === claims.undated ? arrival : own, claims: where, arrival };
}

/** True if the hour before the arrival hour is still within its grace, and one of the stream's own. */
function takesLate(
  hour: Hour,
  now: EpochMs,
  stream: Pick<Stream, "graceMs" | "firstHour">,
  isClosed: (hour: Hour) => boolean,
): boolean {
  const begun = hourNumber(hour) >= hourNumber(stream.firstHour);
  return begun && now < endOf(hour) + stream.graceMs && !isClosed(hour);
}

/** Hours an edge's clock may be behind before it is refused altogether. */
const slowHoursMax = 3;

function arrivalHour(now: EpochMs, isClosed: (hour: Hour) => boolean): Hour {
  let hour = hourOf(now);
  for (let behind = 0; behind < slowHoursMax && isClosed(hour); behind++) hour = plusHours(hour, 1);
  return hour;
}

/**
 * The shard of an event within a bucket, with the hashes that homes are found by: the home shard, or, after it did not take
 * the event, one of the overflow shards, each time another one.
 */
export function homeOf(
  event: {
    readonly type: string;
    readonly partitionKey: string | null;
    readonly source: string;
    readonly id: string;
  },
  hour: Hour,
  plan: Plan,
  spills: number,
): { readonly address: ShardAddress; readonly hashes: PartitionHashes } {
  const hashes = partitionHashes(event);
  const hash = hashes[plan.partitionBy];
  const index = spills === 0 ? homeIndex(hash, plan) : overflowIndex(hash, plan, spills);
  return { address: { type: event.type as EventType, hour, index }, hashes };
}

function overflowIndex(hash: number, plan: Plan, spills: number): ShardIndex {
  return (plan.shards + ((hash + spills - 1) % overflowShardsMax)) as ShardIndex;
}
