/**
 * What an hour asked of its shards, as its manifest counts it: what the planner learns from.
 *
 * The busiest shard is what counts: an average hides the one that is full. But a key that is hot stays on one shard
 * however many there are, so past `shardSkewMax` times the average more shards are not asked for; such an hour spills.
 */
import * as z from "zod";
import type { EventCounts } from "./ledger.ts";
import { shardBytesTarget, shardRowsTarget, shardSkewMax, shardsMax } from "./limits.ts";
import type { Manifest } from "./manifest.ts";

const count = z.number().int().min(0);

export const HourLoad = z.strictObject({
  /** Home shards that the hour's plan gave it; 0: nothing came. */
  shards: count.max(shardsMax),
  /** Rows that its shards decided, duplicates too: those cost a shard as much. */
  rows: count,
  /** … of which the busiest home shard. */
  busiestRows: count,
  /** … of which overflow shards, because a home shard did not take them. */
  spilledRows: count,
  /** The same before compression, of the parts that shards put by themselves: the tails they carried are small. */
  bytes: count,
  busiestBytes: count,
  spilledBytes: count,
  /** Events that were answered as failed: the hour saw less than what came. */
  failed: count,
});
export type HourLoad = z.infer<typeof HourLoad>;

/** The load of a sealed hour. `events`: what the edges counted of it. */
export function loadOf(manifest: Manifest, events: Pick<EventCounts, "failed">): HourLoad {
  const shards = manifest.plan?.shards ?? 0;
  const rows = new Map<number, number>();
  for (const { hour, index, accepted, duplicates } of manifest.shards) {
    if (hour === manifest.hour) rows.set(index, accepted.rows + duplicates);
  }
  const bytes = new Map<number, number>();
  for (const { origin, plainBytes } of manifest.parts) {
    if (typeof origin === "number") bytes.set(origin, (bytes.get(origin) ?? 0) + plainBytes);
  }
  const ofRows = spread(rows, shards);
  const ofBytes = spread(bytes, shards);
  return {
    shards,
    rows: ofRows.total,
    busiestRows: ofRows.busiest,
    spilledRows: ofRows.spilled,
    bytes: ofBytes.total,
    busiestBytes: ofBytes.busiest,
    spilledBytes: ofBytes.spilled,
    failed: events.failed,
  };
}

function spread(
  amounts: ReadonlyMap<number, number>,
  homeShards: number,
): { readonly total: number; readonly busiest: number; readonly spilled: number } {
  let total = 0;
  let busiest = 0;
  let spilled = 0;
  for (const [index, amount] of amounts) {
    total += amount;
    if (index < homeShards) busiest = Math.max(busiest, amount);
    else spilled += amount;
  }
  return { total, busiest, spilled };
}

/**
 * How many shards would have held the hour, each within its target; not rounded, so that growth can be taken of it.
 * Which home spilled is not known: all of it is put on the busiest one.
 */
export function shardsNeeded(load: HourLoad): number {
  const { shards, rows, busiestRows, spilledRows, bytes, busiestBytes, spilledBytes } = load;
  const needed = (busiest: number, total: number, target: number): number =>
    Math.min(shards * busiest, shardSkewMax * total) / target;
  return Math.max(
    needed(busiestRows + spilledRows, rows, shardRowsTarget),
    needed(busiestBytes + spilledBytes, bytes, shardBytesTarget),
  );
}
