import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  carriedBytesMax,
  carryAloneBytesMax,
  carryBytesMin,
  partBytesMax,
  shardsMax,
  tailPageBytes,
} from "../../domain/limits.ts";
import { type HeldPage, allotCarry, mergeOrder, middlePage, planMerge } from "../../domain/merge.ts";
import { ContentCounter } from "../../domain/part-content.ts";
import { hour, indexOf } from "./make.ts";

const MiB = 1024 * 1024;

describe("allotCarry", () => {
  it("[PA5] lets every receipt carry all that its shard holds, and more, where the bucket can encode it", () => {
    const held = fc.array(fc.integer({ min: 0, max: carriedBytesMax }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(held, (list) => {
        const all = list.reduce((sum, bytes) => sum + bytes, 0);
        fc.pre(all <= carriedBytesMax);
        allotCarry(list, list.length, 0).forEach((bytes, at) => {
          expect(bytes).toBeGreaterThanOrEqual(list[at] ?? 0);
        });
      }),
    );
    expect(allotCarry([100, 28 * MiB], 2, 0)[0]).toBeGreaterThan(40 * MiB);
    // At the bound, and one byte past it.
    const half = carriedBytesMax / 2;
    expect(allotCarry([half, half], 2, 0)).toEqual([half, half]);
    expect(allotCarry([half, half + 1], 2, 0)).toEqual([half, half]);
  });

  it("[PA5] carries what is least where not all of it can be carried, and lets the rest share what is left", () => {
    const [small, larger, largest] = [1 * MiB, 40 * MiB, 300 * MiB];
    const left = carriedBytesMax - small - larger;
    expect(allotCarry([largest, small, larger], 3, 0)).toEqual([left, small, larger]);
    expect(allotCarry([largest, largest], 2, 0)).toEqual([carriedBytesMax / 2, carriedBytesMax / 2]);
  });

  it("[PA4] keeps to its bound, but for the little that each may carry anyway", () => {
    const any = fc.option(fc.integer({ min: 0, max: 2 * carriedBytesMax }), { nil: null });
    const held = fc.array(any, { minLength: 2, maxLength: shardsMax });
    fc.assert(
      fc.property(held, fc.integer({ min: 0, max: 2 * carriedBytesMax }), (list, carried) => {
        const allotted = allotCarry(list, list.length, carried);
        expect(allotted).toHaveLength(list.length);
        const more = allotted.filter((bytes) => bytes > carryBytesMin).reduce((sum, bytes) => sum + bytes, 0);
        expect(Math.min(...allotted)).toBeGreaterThanOrEqual(carryBytesMin);
        expect(more + carried).toBeLessThanOrEqual(Math.max(carriedBytesMax, carried));
      }),
    );
  });

  it("[PA4] lets a shard that does not say what it holds carry the least, beside one that fills the bound", () => {
    expect(allotCarry([null, carriedBytesMax], 2, 0)).toEqual([carryBytesMin, carriedBytesMax]);
    expect(allotCarry([null, 9], 2, 0)).toEqual([carryBytesMin, carriedBytesMax]);
    expect(allotCarry([null, 9], 2, carriedBytesMax)).toEqual([carryBytesMin, carryBytesMin]);
  });

  it("[PA4] leaves the rows of a bucket's only shard to it, but for few", () => {
    expect(allotCarry([null], 1, 0)).toEqual([carryAloneBytesMax]);
  });
});

describe("mergeOrder", () => {
  it("[PA5] is that of holders and of their rows", () => {
    const content = new ContentCounter().content();
    const page = (index: number, firstSeq: number | null): HeldPage => ({
      holder: { hour, index: indexOf(index) },
      range: firstSeq === null ? null : { firstSeq, lastSeq: firstSeq },
      content,
    });
    const pages = [page(10, 2), page(2, null), page(10, 1), page(0, 7)];
    expect(mergeOrder(pages)).toEqual([page(0, 7), page(2, null), page(10, 1), page(10, 2)]);
  });
});

describe("planMerge", () => {
  const bytesMax = 20 * MiB;
  const pages = fc.array(fc.integer({ min: 1, max: tailPageBytes }), { maxLength: shardsMax });

  it("[PA5] makes one part of the tails of a bucket of few rows", () => {
    expect(planMerge([100, 100, 100], bytesMax)).toEqual([{ firstPage: 0, lastPage: 2 }]);
    expect(planMerge([], bytesMax)).toEqual([]);
  });

  it("[PA6] takes every page once, in order, in as few parts as the bound allows", () => {
    fc.assert(
      fc.property(pages, (list) => {
        const runs = planMerge(list, bytesMax);
        const sum = (first: number, last: number): number =>
          list.slice(first, last + 1).reduce((bytes, more) => bytes + more, 0);
        expect(
          runs.flatMap(({ firstPage, lastPage }) => [...list.keys()].slice(firstPage, lastPage + 1)),
        ).toEqual([...list.keys()]);
        for (const { firstPage, lastPage } of runs)
          expect(sum(firstPage, lastPage)).toBeLessThanOrEqual(bytesMax);
        runs.slice(1).forEach(({ firstPage }, no) => {
          expect(sum(runs[no]?.firstPage ?? 0, firstPage)).toBeGreaterThan(bytesMax);
        });
      }),
    );
  });

  it("[PA6] fills a part to its bound and not one byte past; a page is never cut", () => {
    const lengths = (...bytes: number[]): number[] =>
      planMerge(bytes, bytesMax).map(({ firstPage, lastPage }) => lastPage - firstPage + 1);
    expect(lengths(bytesMax / 2, bytesMax / 2)).toEqual([2]);
    expect(lengths(bytesMax / 2, bytesMax / 2 + 1)).toEqual([1, 1]);
    expect(lengths(1, bytesMax + 1, 1)).toEqual([1, 1, 1]);
  });
});

describe("middlePage", () => {
  it("[PA6] leaves pages on both sides, and about half of the bytes", () => {
    const run = fc.array(fc.integer({ min: 1, max: tailPageBytes }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(run, (list) => {
        const middle = middlePage(list);
        expect(middle).toBeGreaterThanOrEqual(0);
        expect(middle).toBeLessThan(list.length - 1);
        const sum = (bytes: readonly number[]): number => bytes.reduce((all, more) => all + more, 0);
        const difference = Math.abs(sum(list.slice(0, middle + 1)) - sum(list.slice(middle + 1)));
        expect(difference).toBeLessThanOrEqual(2 * tailPageBytes);
      }),
    );
    expect(middlePage([1, 1])).toBe(0);
    expect(middlePage([1, 9 * MiB])).toBe(0);
    expect(partBytesMax).toBeGreaterThan(2 * tailPageBytes);
  });
});
