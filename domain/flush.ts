/** When a shard's rows become a part: within the hour when there are enough, and at the seal what is too much to carry. */
import { carryBytesMax, flushBytes } from "./limits.ts";

export interface UnfrozenBatch {
  readonly seq: number;
  readonly bytes: number;
}

/**
 * The last batch of the next part, or null if no part is due. A part ends with the batch that takes it to `flushBytes`;
 * a closing shard also freezes what is left, unless that is little enough for the receipt to carry.
 */
export function decideFreeze(unfrozen: Iterable<UnfrozenBatch>, closing: boolean): number | null {
  let bytes = 0;
  let last: number | null = null;
  for (const batch of unfrozen) {
    bytes += batch.bytes;
    last = batch.seq;
    if (bytes >= flushBytes) return last;
  }
  return closing && bytes > carryBytesMax ? last : null;
}
