import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdentityTable, noNumber, numberMax } from "../../domain/identity-table.ts";
import { BrokenInvariant } from "../../domain/invariant.ts";
import { identitiesPerHomeMax } from "../../domain/limits.ts";
import { anyFingerprint, spread, peakBytesOf } from "./fingerprints.ts";
import { hexOf } from "./make.ts";

const zeros = new Uint8Array(16);
const MiB = 1_024 * 1_024;

/** Adds are as frequent as numbers; 0 takes a number away. */
const step = fc.record({
  fingerprint: anyFingerprint,
  number: fc.option(fc.constantFrom(noNumber, 1, 2, 3, numberMax), { freq: 2 }),
});

describe("IdentityTable", () => {
  it("[SH4] [CL2] holds what a map of texts holds, through collisions, growth and the fingerprint of zeros", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.nat({ max: 4_000 }),
        fc.array(step, { maxLength: 120 }),
        (before, bulk, after) => {
          const table = new IdentityTable();
          const model = new Map<string, number>();
          const apply = (bytes: Uint8Array, number: number | null): void => {
            const hex = hexOf(bytes);
            const known = model.get(hex);
            expect(table.has(bytes)).toBe(known !== undefined);
            expect(table.get(bytes)).toBe(known ?? noNumber);
            if (number === null) expect(table.add(bytes)).toBe(known === undefined);
            else table.set(bytes, 0, number);
            model.set(hex, number ?? known ?? noNumber);
            expect(table.has(bytes)).toBe(true);
            expect(table.get(bytes)).toBe(model.get(hex));
            expect(table.size).toBe(model.size);
          };
          for (const { fingerprint, number } of before) apply(fingerprint, number);
          for (let no = 0; no < bulk; no++) {
            const number = no % 3 === 0 ? null : no % 3;
            if (number === null) table.add(spread(no));
            else table.set(spread(no), 0, number);
            model.set(hexOf(spread(no)), number ?? model.get(hexOf(spread(no))) ?? noNumber);
          }
          for (const { fingerprint, number } of after) apply(fingerprint, number);
          for (const number of [noNumber, 1, 2, 3, numberMax]) {
            const held = [...table.withNumber(number)].map(hexOf).sort();
            expect(held).toEqual([...model].flatMap(([hex, of]) => (of === number ? [hex] : [])).sort());
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("[CL2] gives the fingerprint of zeros a number like any other", () => {
    const table = new IdentityTable();
    expect([table.has(zeros), table.get(zeros), [...table.withNumber(noNumber)]]).toEqual([false, 0, []]);
    expect([table.add(zeros), table.add(zeros), table.size]).toEqual([true, false, 1]);
    expect([...table.withNumber(noNumber)]).toEqual([zeros]);
    table.set(zeros, 0, 7);
    expect([table.add(zeros), table.get(zeros), table.size]).toEqual([false, 7, 1]);
    expect([[...table.withNumber(7)], [...table.withNumber(noNumber)]]).toEqual([[zeros], []]);
  });

  it("[CL2] reads fingerprints at any byte", () => {
    const packed = new Uint8Array(3 + 2 * 16);
    packed.set(spread(1), 3);
    packed.set(spread(2), 19);
    const table = new IdentityTable();
    table.set(packed, 3, 1);
    table.set(packed, 19, 2);
    expect([table.get(spread(1)), table.get(spread(2)), table.get(packed, 19)]).toEqual([1, 2, 2]);
    expect([...table.withNumber(2)]).toEqual([spread(2)]);
  });

  it("[CL2] takes the largest number, and stops at one past it", () => {
    const table = new IdentityTable();
    table.set(spread(1), 0, numberMax);
    expect(table.get(spread(1))).toBe(numberMax);
    for (const number of [numberMax + 1, -1, 0.5]) {
      expect(() => {
        table.set(spread(2), 0, number);
      }).toThrow(BrokenInvariant);
    }
    expect(table.has(spread(2))).toBe(false);
  });

  it("[SH11] pays for numbers from the first one on, a thousand at a time", () => {
    const table = new IdentityTable();
    const bytes: number[] = [];
    const set = (no: number, number: number | null): void => {
      if (number === null) table.add(spread(no));
      else table.set(spread(no), 0, number);
      bytes.push(table.tableBytes / 1_024);
    };
    for (const number of [null, noNumber, 1, 2]) set(1, number);
    expect(bytes).toEqual([20, 20, 24, 24]);
    // The index has doubled twice.
    for (let no = 0; no < 2_047; no++) table.add(spread(no));
    set(2_047, null);
    set(2_047, 1);
    expect(bytes.slice(4)).toEqual([52, 56]);
  });

  it("[SH11] takes 55 MiB at the most identities that a home remembers, and no more while it grows", () => {
    const table = new IdentityTable();
    const peak = peakBytesOf(
      () => table.tableBytes,
      () => {
        for (let no = 0; no < identitiesPerHomeMax; no++) table.set(spread(no), 0, (no % 1_000) + 1);
      },
    );
    expect(table.size).toBe(identitiesPerHomeMax);
    expect([Math.ceil(table.tableBytes / MiB), Math.ceil(peak / MiB)]).toEqual([55, 55]);
  });
});
