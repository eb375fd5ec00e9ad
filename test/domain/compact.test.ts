import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type CompactBatch, compactRuns } from "../../domain/compact.ts";

const bytesMax = 100;

function batchesOf(...kinds: readonly string[]): CompactBatch[] {
  return kinds.map((kind, at) => ({ seq: at + 1, kind, keptBytes: 40 }));
}

function numbers(runs: readonly (readonly CompactBatch[])[]): number[][] {
  return runs.map((run) => run.map(({ seq }) => seq));
}

it("[BU10] merges neighbours up to the limit, and not one past it", () => {
  const batches = [50, 50, 50, 51, 101, 1].map((keptBytes, at) => ({ seq: at + 1, kind: "home", keptBytes }));
  expect(numbers(compactRuns(batches, new Set(), bytesMax))).toEqual([[1, 2], [3], [4], [5], [6]]);
});

it("[BU10] merges neither home rows with claimed ones, nor what different parts hold", () => {
  const batches = batchesOf("home", "home", "claimed", "home", "home");
  expect(numbers(compactRuns(batches, new Set([1]), bytesMax))).toEqual([[1], [2], [3], [4, 5]]);
});

it("[BU10] keeps every batch once and in order, within the limit, whatever they are", () => {
  const batch = fc.record({ kind: fc.constantFrom("home", "claimed"), keptBytes: fc.nat(150) });
  fc.assert(
    fc.property(fc.array(batch), fc.array(fc.integer({ min: 1, max: 50 })), (drawn, ends) => {
      const batches = drawn.map((one, at) => ({ ...one, seq: at + 1 }));
      const partEnds = new Set(ends);
      const runs = compactRuns(batches, partEnds, bytesMax);
      expect(runs.flat()).toEqual(batches);
      for (const run of runs) {
        expect(new Set(run.map(({ kind }) => kind)).size).toBe(1);
        expect(run.slice(0, -1).some(({ seq }) => partEnds.has(seq))).toBe(false);
        if (run.length > 1)
          expect(run.reduce((sum, { keptBytes }) => sum + keptBytes, 0)).toBeLessThanOrEqual(bytesMax);
      }
    }),
  );
});
