/**
 * When a shard's rows become a part: within the hour when they fill one, and at the seal what is too much to carry.
 *
 * How many rows fill a part depends on how well they compress, so a sample of them is encoded first. A sample may be
 * wrong: a part that turns out larger than a put takes is split, one that turns out smaller is a smaller part.
 */
import { partBytesTarget, partPlainBytesMax } from "./limits.ts";

export interface UnfrozenBatch {
  readonly seq: number;
  readonly bytes: number;
}

/** Bytes before compression: what fills a part, and what a receipt may carry. */
export interface FreezeBounds {
  readonly partPlainBytes: number;
  readonly carryBytes: number;
}

/**
 * The last batch of the next part, or null if no part is due. A part ends with the batch that fills it; a closing shard
 * also freezes what is left, unless that is little enough for the receipt to carry.
 */
export function decideFreeze(
  unfrozen: Iterable<UnfrozenBatch>,
  closing: boolean,
  bounds: FreezeBounds,
): number | null {
  let bytes = 0;
  let last: number | null = null;
  for (const batch of unfrozen) {
    bytes += batch.bytes;
    last = batch.seq;
    if (bytes >= bounds.partPlainBytes) return last;
  }
  return closing && bytes > bounds.carryBytes ? last : null;
}

/** Rows before and after they were encoded, in bytes. */
export interface Sample {
  readonly plainBytes: number;
  readonly encodedBytes: number;
}

/** Bytes before compression that fill a part if all rows compress as the sample of them does. */
export function partPlainBytes({ plainBytes, encodedBytes }: Sample): number {
  const filling = Math.floor((partBytesTarget * plainBytes) / Math.max(1, encodedBytes));
  return Math.min(filling, partPlainBytesMax);
}
