/** Where a bucket's rows came from: the hour of their homes, and the buckets that let rows go to this one. */
import { type Manifest, oneCopy } from "../manifest.ts";

export interface Arrivals {
  /** Rows whose home is in this hour. */
  readonly ownRows: number;
  /** Rows of other home hours, most rows first. */
  readonly from: readonly { readonly homeHour: string; readonly rows: number }[];
  /** Rows that moved here because their home could not be reached before an earlier bucket sealed. */
  readonly movedIn: readonly { readonly hour: string; readonly rows: number }[];
}

export function arrivalsOf(manifest: Manifest): Arrivals {
  const homes = new Map<string, number>();
  for (const { homeHours } of oneCopy(manifest)) {
    for (const [hour, rows] of Object.entries(homeHours)) homes.set(hour, (homes.get(hour) ?? 0) + rows);
  }
  const moved = new Map<string, number>();
  for (const { reassignedIn } of manifest.shards) {
    for (const { hour, tally } of reassignedIn) moved.set(hour, (moved.get(hour) ?? 0) + tally.rows);
  }
  return {
    ownRows: homes.get(manifest.hour) ?? 0,
    from: [...homes]
      .filter(([hour]) => hour !== manifest.hour)
      .map(([homeHour, rows]) => ({ homeHour, rows }))
      .toSorted((a, b) => b.rows - a.rows || (a.homeHour < b.homeHour ? -1 : 1)),
    movedIn: [...moved]
      .map(([hour, rows]) => ({ hour, rows }))
      .toSorted((a, b) => (a.hour < b.hour ? -1 : 1)),
  };
}
