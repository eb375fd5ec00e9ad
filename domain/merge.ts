/**
 * How rows that no shard has put become parts of the bucket: how much each shard's receipt may carry, and which of what is
 * carried makes one merged part.
 *
 * A tail is what one receipt carries. It travels in pages, runs of whole batches, and a merged part is a run of pages in
 * the order of their holders; so neither the size of a tail nor the number of shards decides the size of a part.
 */
import * as z from "zod";
import { type Holder, compareHolders } from "./ids.ts";
import { carriedBytesMax, carryAloneBytesMax, carryBytesMin } from "./limits.ts";
import type { PartContent } from "./manifest.ts";

/** The first and the last batch of a page, by the numbers that its shard gave them. */
export const TailRange = z.strictObject({ firstSeq: z.number().int(), lastSeq: z.number().int() });
export type TailRange = z.infer<typeof TailRange>;

/** `range` null: all of the tail. */
export interface TailPage {
  readonly range: TailRange | null;
  readonly content: PartContent;
}

/** A page of one shard's tail, as its bucket knows it. */
export interface HeldPage extends TailPage {
  readonly holder: Holder;
}

/**
 * Bytes that each receipt may carry, in the order of `held`: what the shards said that they hold, null of one that did not
 * say. All of it if it is little enough for the bucket to encode soon. Else that of the shards that hold least, for theirs
 * would be the smallest parts; the others share what is left, which takes what remains beside their full parts.
 */
export function allotCarry(held: readonly (number | null)[], shards: number, carried: number): number[] {
  // Alone, its rows are parts of their own size whoever puts them.
  if (shards === 1) return held.map(() => carryAloneBytesMax);
  let left = Math.max(0, carriedBytesMax - carried);
  const allotted = held.map(() => 0);
  const answered = held.flatMap((bytes, at) => (bytes === null ? [] : [{ at, bytes }]));
  const over: { readonly at: number }[] = [];
  for (const shard of answered.toSorted((a, b) => a.bytes - b.bytes)) {
    if (shard.bytes > left) {
      over.push(shard);
      continue;
    }
    allotted[shard.at] = shard.bytes;
    left -= shard.bytes;
  }
  // Where nothing is over, there is room for rows that came since they were asked.
  const sharing = over.length > 0 ? over : answered;
  for (const { at } of sharing) allotted[at] = (allotted[at] ?? 0) + Math.floor(left / sharing.length);
  return allotted.map((bytes) => Math.max(carryBytesMin, bytes));
}

/** Pages in the order in which merged parts hold them. */
export function mergeOrder(pages: readonly HeldPage[]): HeldPage[] {
  return pages.toSorted(
    (a, b) => compareHolders(a.holder, b.holder) || (a.range?.firstSeq ?? 0) - (b.range?.firstSeq ?? 0),
  );
}

/** A run of pages, by their numbers. */
export interface PageRun {
  readonly firstPage: number;
  readonly lastPage: number;
}

/** Pages, of so many bytes before compression each, as the fewest runs of at most `bytesMax`, or of one page. */
export function planMerge(pageBytes: readonly number[], bytesMax: number): readonly PageRun[] {
  const runs: PageRun[] = [];
  let bytes = 0;
  for (const [page, more] of pageBytes.entries()) {
    const last = runs.at(-1);
    if (last === undefined || bytes + more > bytesMax) {
      runs.push({ firstPage: page, lastPage: page });
      bytes = more;
    } else {
      runs[runs.length - 1] = { ...last, lastPage: page };
      bytes += more;
    }
  }
  return runs;
}

/** The last page of the first half of a run of at least two, by bytes. */
export function middlePage(pageBytes: readonly number[]): number {
  const half = pageBytes.reduce((sum, bytes) => sum + bytes, 0) / 2;
  let bytes = 0;
  const middle = pageBytes.findIndex((more) => (bytes += more) >= half);
  return Math.min(middle, pageBytes.length - 2);
}
