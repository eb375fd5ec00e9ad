import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Tally, addTallies, sameTally, zeroTally } from "../../domain/tally.ts";
import { tallyOf } from "./make.ts";

const numbers = fc.array(fc.nat({ max: 50 }), { maxLength: 20 });

describe("tallies", () => {
  it("[ID2] add up to the tally of the whole, in any order and grouping", () => {
    fc.assert(
      fc.property(numbers, numbers, numbers, (a, b, c) => {
        const whole = tallyOf([...a, ...b, ...c]);
        expect(addTallies([tallyOf(c), tallyOf(a), tallyOf(b)])).toEqual(whole);
        expect(addTallies([tallyOf(a), addTallies([tallyOf(b), tallyOf(c)])])).toEqual(whole);
        expect(addTallies([whole, zeroTally])).toEqual(whole);
      }),
    );
    expect(addTallies([])).toEqual(zeroTally);
  });

  it("[ID2] are the same only if both the rows and the sum are", () => {
    const tally = tallyOf([1, 2]);
    expect(sameTally(tally, tallyOf([2, 1]))).toBe(true);
    expect(sameTally(tally, { ...tally, rows: 3 })).toBe(false);
    expect(sameTally(tally, tallyOf([1, 3]))).toBe(false);
    expect(sameTally(zeroTally, tallyOf([]))).toBe(true);
  });

  it("[AU8] with negative, broken or unreadable figures are none", () => {
    const wrong = [{ rows: -1 }, { rows: 0.5 }, { rows: Number.NaN }, { sum: "0" }, { more: 1 }];
    expect(wrong.filter((more) => Tally.safeParse({ ...zeroTally, ...more }).success)).toEqual([]);
    expect(Tally.safeParse(zeroTally).success).toBe(true);
  });
});
