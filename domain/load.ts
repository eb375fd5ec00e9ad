/**
 * What an hour asked of its shards, as its manifest counts it: what the planner learns from.
 *
 * The busiest shard is what counts: an average hides the one that is full. But a key that is hot stays on one shard
 * however many there are: the hotter it is, the less do more shards help, and what is too much for its shard spills.
 */
import * as z from "zod";
import type { EventCounts } from "./ledger.ts";
import { hotRoomMin, shardBytesTarget, shardRowsTarget, shardsMax } from "./limits.ts";
import { type Manifest, oneCopy } from "./manifest.ts";

const count = z.number().int().min(0);

// Read by older code too, which ignores what it does not know: docs/adr/0023.
export const HourLoad = z.object({
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
  /** Events that were answered as quarantined, each time they came. Left out if none was. */
  quarantined: count.min(1).optional(),
});
export type HourLoad = z.infer<typeof HourLoad>;

/** The load of a sealed hour. `events`: what the edges counted of it. */
export function loadOf(manifest: Manifest, events: Pick<EventCounts, "failed" | "quarantined">): HourLoad {
  const shards = manifest.plan?.shards ?? 0;
  const rows = new Map<number, number>();
  for (const { hour, index, accepted, duplicates } of manifest.shards) {
    if (hour === manifest.hour) rows.set(index, accepted.rows + duplicates);
  }
  const bytes = new Map<number, number>();
  for (const { origin, plainBytes } of oneCopy(manifest)) {
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
    ...(events.quarantined === undefined ? {} : { quarantined: events.quarantined }),
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
 * Which home spilled is not known: the busiest one has an even share of it, for a hot key's rows would fit no other shard.
 */
export function shardsNeeded(load: HourLoad): number {
  const { shards, rows, busiestRows, spilledRows, bytes, busiestBytes, spilledBytes } = load;
  const share = (spilled: number): number => spilled / Math.max(1, shards);
  return Math.max(
    needed(shards, rows, busiestRows + share(spilledRows), shardRowsTarget),
    needed(shards, bytes, busiestBytes + share(spilledBytes), shardBytesTarget),
  );
}

/**
 * What the busiest shard has above the average is either one hot key, which does not divide: then each shard has room for
 * its target but for what is hot. Or it is keys that happen to meet, which divide as the rest does. The one that asks for
 * fewer is believed: if it is wrong, the next hour says so.
 */
function needed(shards: number, total: number, busiest: number, target: number): number {
  if (shards < 2) return total / target;
  const hot = Math.max(0, (busiest - total / shards) / (1 - 1 / shards));
  const besideHot = (total - hot) / Math.max(target - hot, target * hotRoomMin);
  return Math.min(besideHot, (shards * busiest) / target);
}
