/**
 * What one sealed bucket adds to the counters, from its manifest. Counted once, when the bucket is audited for the first
 * time, so that the counters rest on what is durable and never count twice.
 */
import { endOf } from "../hour.ts";
import { type Manifest, type Move, oneCopy } from "../manifest.ts";

/** Upper bounds of the histogram of seal lateness, in seconds from the hour's end. The default grace is 600. */
export const latenessBounds = [300, 600, 660, 720, 900, 1_200, 1_800, 3_600, 7_200, 21_600, 86_400] as const;

export const factNames = [
  "buckets",
  "rows",
  "bytes",
  "parts",
  "strays",
  "duplicates",
  "denied",
  "moved",
  "unguarded",
  "late",
  "carried",
  "spilled",
] as const;
export type FactName = (typeof factNames)[number];

/** Counters by name: `bucket_<fact>`, and those of the histogram. */
export function factsOf(manifest: Manifest, sealedAtMs: number): Readonly<Record<string, number>> {
  const { parts, shards, plan } = manifest;
  const rows = (moves: readonly Move[]): number => sum(moves, ({ tally }) => tally.rows);
  // Rows in two formats are counted once.
  const copy = oneCopy(manifest);
  const home = sum(copy, ({ homeHours }) => homeHours[manifest.hour] ?? 0);
  const facts: Readonly<Record<FactName, number>> = {
    buckets: 1,
    rows: manifest.rows,
    bytes: manifest.bytes,
    parts: parts.length,
    strays: manifest.strays.length,
    duplicates: sum(shards, ({ duplicates }) => duplicates),
    denied: sum(shards, ({ denied }) => denied.rows),
    moved: sum(shards, ({ reassignedOut }) => rows(reassignedOut)),
    unguarded: sum(shards, ({ unguarded }) => unguarded),
    late: manifest.rows - home,
    carried: sum(copy, ({ origin, tally }) => (origin === "merged" ? tally.rows : 0)),
    spilled: sum(shards, ({ index, hour, accepted }) =>
      plan !== null && hour === manifest.hour && index >= plan.shards ? accepted.rows : 0,
    ),
  };
  const latenessMs = Math.max(0, sealedAtMs - endOf(manifest.hour));
  const bound = latenessBounds.find((seconds) => latenessMs <= seconds * 1_000);
  return {
    ...Object.fromEntries(factNames.map((name) => [`bucket_${name}`, facts[name]])),
    [`lateness_le_${bound ?? "inf"}`]: 1,
    lateness_sum_ms: latenessMs,
  };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
