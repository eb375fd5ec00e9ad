/**
 * When rows that wait in a lane leave for their shard.
 *
 * A lone request must not wait for company that never comes; at a busy edge every append that carries few requests costs as
 * much as one that carries many, and appends are what most CPU goes to. So a lane that is not busy sends what it has as
 * soon as it may, and a busy one collects for as long as rows keep coming, within a bound.
 */
import { laneCrowd, laneLoneMax, laneLooksMax } from "./limits.ts";

/** What one lane has done and what waits in it. */
export interface LaneView {
  /** Fewer appends are under way than may be. */
  readonly placeFree: boolean;
  /** Appends in a row, up to the last one, that carried one request's rows alone. */
  readonly loneAppends: number;
  /** Requests that wait. */
  readonly waiting: number;
  /** Of them, those that joined since somebody last looked. */
  readonly joined: number;
  /** How often who asks has looked, `laneLookMs` apart or more; 0: it only joins. */
  readonly looks: number;
}

/** Rows of several requests went together lately. */
export function isBusy({ loneAppends }: Pick<LaneView, "loneAppends">): boolean {
  return loneAppends < laneLoneMax;
}

/** True if those that wait leave now. */
export function departs(lane: LaneView): boolean {
  if (!lane.placeFree) return false;
  return !isBusy(lane) || lane.joined === 0 || lane.waiting >= laneCrowd || lane.looks >= laneLooksMax;
}
