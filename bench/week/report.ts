/** How many objects of what size the hours of a week are, by how much was in the hour. */
import { table } from "../cost/report.ts";
import type { WeekBucket } from "./run.ts";

const MiB = 1_048_576;

const classes: readonly { readonly name: string; readonly bytesMax: number }[] = [
  { name: "at most 1 MiB", bytesMax: MiB },
  { name: "1 to 10 MiB", bytesMax: 10 * MiB },
  { name: "10 to 128 MiB", bytesMax: 128 * MiB },
  { name: "more", bytesMax: Number.POSITIVE_INFINITY },
];

export function weekTable(buckets: readonly WeekBucket[]): string {
  let above = 0;
  const rows = classes.map(({ name, bytesMax }) => {
    const of = buckets.filter(({ plainBytes }) => plainBytes > above && plainBytes <= bytesMax);
    above = bytesMax;
    const sizes = of.flatMap(({ objectBytes }) => objectBytes).toSorted((a, b) => a - b);
    const most = Math.max(0, ...of.map(({ objectBytes }) => objectBytes.length));
    return [
      name,
      of.length.toLocaleString("en"),
      of.reduce((sum, bucket) => sum + bucket.rows, 0).toLocaleString("en"),
      sizes.length.toLocaleString("en"),
      String(most),
      ...[sizes[0], sizes[Math.floor(sizes.length / 2)], sizes.at(-1)].map(shown),
    ];
  });
  const head = [
    "rows as lines",
    "hours",
    "rows",
    "objects",
    "most in an hour",
    "smallest",
    "median",
    "largest",
  ];
  return table(head, rows);
}

function shown(bytes: number | undefined): string {
  if (bytes === undefined) return "";
  return bytes < MiB ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / MiB).toFixed(1)} MiB`;
}
