/** A tally: how many rows, and the order-independent sum of their fingerprints. What every hop counts in. */
import * as z from "zod";
import { addSums, zeroSum } from "./fingerprint.ts";
import { IdentitySumHex } from "./ids.ts";

export const Tally = z.strictObject({ rows: z.number().int().min(0), sum: IdentitySumHex });
export type Tally = z.infer<typeof Tally>;

/** The tally of nothing. */
export const zeroTally: Tally = { rows: 0, sum: zeroSum };

export function addTallies(...tallies: readonly Tally[]): Tally {
  return {
    rows: tallies.reduce((rows, tally) => rows + tally.rows, 0),
    sum: addSums(...tallies.map((tally) => tally.sum)),
  };
}

export function sameTally(a: Tally, b: Tally): boolean {
  return a.rows === b.rows && a.sum === b.sum;
}
