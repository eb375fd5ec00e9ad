/**
 * Receipts: what a shard says when it closes. Giving a receipt closes the shard in the same transaction, so the figures
 * in it are final; asking again gives the same figures.
 */
import * as z from "zod";
import { Part, PartContent, ShardCounters, countersFault } from "./manifest.ts";
import { addTallies, sameTally } from "./tally.ts";

export const Receipt = z.strictObject({
  counters: ShardCounters,
  /** Parts that the shard has put, each checked by R2 against its sha256. */
  parts: z.array(Part),
  /** Rows that the shard still holds and hands to the bucket for a merged part; null if it holds none. */
  tail: PartContent.nullable(),
  strays: z.array(z.string()),
});
export type Receipt = z.infer<typeof Receipt>;

/** What is wrong with a receipt's own figures, or null: parts and tail must hold what was accepted. */
export function receiptFault(receipt: Receipt): string | null {
  const held = addTallies([
    ...receipt.parts.map((part) => part.tally),
    ...(receipt.tail === null ? [] : [receipt.tail.tally]),
  ]);
  const { index, delivered } = receipt.counters;
  const fault = countersFault(receipt.counters);
  if (fault !== null) return fault;
  if (!sameTally(delivered, held))
    return `shard ${index} delivers ${delivered.rows} rows, its parts hold ${held.rows}`;
  return null;
}
