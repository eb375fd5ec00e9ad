/** A tally: how many rows, and the order-independent sum of their fingerprints. What every hop counts in. */
import * as z from "zod";
import { IdentitySum, zeroSum } from "./fingerprint.ts";
import { IdentitySumHex } from "./ids.ts";

export const Tally = z.strictObject({ rows: z.number().int().min(0), sum: IdentitySumHex });
export type Tally = z.infer<typeof Tally>;

/** The tally of nothing. */
export const zeroTally: Tally = { rows: 0, sum: zeroSum };

export function addTallies(tallies: Iterable<Tally>): Tally {
  const sum = new IdentitySum();
  let rows = 0;
  for (const tally of tallies) {
    rows += tally.rows;
    sum.addHex(tally.sum);
  }
  return { rows, sum: sum.hex() };
}

export function sameTally(a: Tally, b: Tally): boolean {
  return a.rows === b.rows && a.sum === b.sum;
}
