/**
 * Which hours of a range are to be pulled, from a listing of the stream's buckets, oldest first.
 *
 * The catalog has a row for every hour from the stream's first one up to the last that fell due; it may lag behind R2.
 * So hours after the last one that it knows as sealed are asked for one by one, up to the first that is not.
 */
import { type Hour, hourNumber, plusHours } from "../hour.ts";

export interface ListedBucket {
  readonly hour: Hour;
  readonly sealed: boolean;
  /** Null until it is audited; `expired`: past the stream's retention, its parts are or will be deleted. */
  readonly verdict: string | null;
  readonly manifestSha256: string | null;
}

export interface HourRange {
  /** Null: the stream's first hour. */
  readonly from: Hour | null;
  /** The first hour that is no longer wanted; null: all that there are. */
  readonly to: Hour | null;
}

/** The listed hours up to the last sealed one: each of them is settled by itself. */
export function settledHours(listed: readonly ListedBucket[]): readonly ListedBucket[] {
  return listed.slice(0, listed.findLastIndex(({ sealed }) => sealed) + 1);
}

/** The first hour after the last sealed one, of which only its own manifest can tell. */
export function hourAfter(listed: readonly ListedBucket[], range: HourRange): Hour | null {
  const last = settledHours(listed).at(-1)?.hour;
  return last === undefined ? (listed[0]?.hour ?? range.from) : plusHours(last, 1);
}

/** The hour, or the range's first one if that is later; null if it is past the range. */
export function within(hour: Hour | null, { from, to }: HourRange): Hour | null {
  const first = hour !== null && from !== null && hour < from ? from : hour;
  return first !== null && (to === null || first < to) ? first : null;
}

/** Hours of the range after this one. */
export function hoursBeyond(hour: Hour | null, { to }: HourRange): number {
  return hour === null || to === null ? 0 : Math.max(0, hourNumber(to) - hourNumber(hour) - 1);
}
