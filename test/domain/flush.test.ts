import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type UnfrozenBatch, decideFreeze } from "../../domain/flush.ts";
import { batchPayloadBytesMax, carryBytesMax, flushBytes, partPlainBytesMax } from "../../domain/limits.ts";

function batches(...bytes: number[]): UnfrozenBatch[] {
  return bytes.map((size, index) => ({ seq: index + 5, bytes: size }));
}

describe("decideFreeze", () => {
  it("[PA4] makes a part of the batches that reach the flush bytes, and not one byte earlier", () => {
    expect(decideFreeze(batches(flushBytes - 1), false)).toBeNull();
    expect(decideFreeze(batches(flushBytes), false)).toBe(5);
    expect(decideFreeze(batches(flushBytes - 1, 1), false)).toBe(6);
    expect(decideFreeze(batches(flushBytes - 1, 1, 9), false)).toBe(6);
    expect(decideFreeze(batches(), false)).toBeNull();
  });

  it("[PA4] leaves to the receipt of a closing shard what it can carry, and no byte more", () => {
    expect(decideFreeze(batches(), true)).toBeNull();
    expect(decideFreeze(batches(carryBytesMax), true)).toBeNull();
    expect(decideFreeze(batches(carryBytesMax - 1, 1), true)).toBeNull();
    expect(decideFreeze(batches(carryBytesMax, 1), true)).toBe(6);
    expect(decideFreeze(batches(carryBytesMax + 1), false)).toBeNull();
  });

  it("[PA6] puts every byte of a closing shard into parts below the bound or into the receipt", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: batchPayloadBytesMax }), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, (list) => {
        let rest = batches(...list);
        for (let last = decideFreeze(rest, true); last !== null; last = decideFreeze(rest, true)) {
          const part = rest.filter(({ seq }) => seq <= (last ?? 0));
          expect(part.length).toBeGreaterThan(0);
          expect(part.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(partPlainBytesMax);
          rest = rest.filter(({ seq }) => seq > (last ?? 0));
        }
        expect(rest.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(carryBytesMax);
      }),
    );
  });
});
