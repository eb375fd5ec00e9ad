/**
 * Receipts: what a shard says when it closes. Giving a receipt closes the shard in the same transaction, so the figures
 * in it are final; asking again gives the same figures.
 */
import * as z from "zod";
import { Formats, defaultFormats } from "./encoding.ts";
import { Part, PartContent, ShardCounters, countersFault, formatsFault } from "./manifest.ts";

export const Receipt = z.strictObject({
  counters: ShardCounters,
  /** The formats that its parts have; each of them holds the rows that are not in the tail. */
  formats: Formats.default([...defaultFormats]),
  /** Parts that the shard has put, each checked by R2 against its sha256. */
  parts: z.array(Part),
  /** Rows that the shard still holds and hands to the bucket for a merged part; null if it holds none. */
  tail: PartContent.nullable(),
  strays: z.array(z.string()),
});
export type Receipt = z.infer<typeof Receipt>;

/** What is wrong with a receipt's own figures, or null: parts of each format and tail must hold what was accepted. */
export function receiptFault(receipt: Receipt): string | null {
  const { counters, parts, formats, tail } = receipt;
  const { index, delivered } = counters;
  const counted = countersFault(counters);
  if (counted !== null) return counted;
  const fault = formatsFault(parts, formats, delivered, tail?.tally);
  return fault === null ? null : `shard ${index} delivers ${delivered.rows} rows, its ${fault}`;
}
