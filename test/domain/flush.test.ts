import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type UnfrozenBatch, decideFreeze, partPlainBytes } from "../../domain/flush.ts";
import {
  batchPayloadBytesMax,
  flushBytes,
  partBytesMax,
  partBytesTarget,
  partPlainBytesMax,
} from "../../domain/limits.ts";

function batches(...bytes: number[]): UnfrozenBatch[] {
  return bytes.map((size, index) => ({ seq: index + 5, bytes: size }));
}

const bounds = { partPlainBytes: 5_000_000, carryBytes: 2_000_000 };

describe("decideFreeze", () => {
  it("[PA4] makes a part of the batches that fill one, and not one byte earlier", () => {
    const { partPlainBytes: full } = bounds;
    expect(decideFreeze(batches(full - 1), false, bounds)).toBeNull();
    expect(decideFreeze(batches(full), false, bounds)).toBe(5);
    expect(decideFreeze(batches(full - 1, 1), false, bounds)).toBe(6);
    expect(decideFreeze(batches(full - 1, 1, 9), false, bounds)).toBe(6);
    expect(decideFreeze(batches(), false, bounds)).toBeNull();
  });

  it("[PA4] leaves to the receipt of a closing shard what it can carry, and no byte more", () => {
    const { carryBytes: carried } = bounds;
    expect(decideFreeze(batches(), true, bounds)).toBeNull();
    expect(decideFreeze(batches(carried), true, bounds)).toBeNull();
    expect(decideFreeze(batches(carried - 1, 1), true, bounds)).toBeNull();
    expect(decideFreeze(batches(carried, 1), true, bounds)).toBe(6);
    expect(decideFreeze(batches(carried + 1), false, bounds)).toBeNull();
  });

  it("[PA6] puts every byte of a closing shard into parts near the bound or into the receipt", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: batchPayloadBytesMax }), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, (list) => {
        let rest = batches(...list);
        for (;;) {
          const last = decideFreeze(rest, true, bounds);
          if (last === null) break;
          const part = rest.filter(({ seq }) => seq <= last);
          expect(part.length).toBeGreaterThan(0);
          expect(part.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(
            bounds.partPlainBytes,
          );
          rest = rest.filter(({ seq }) => seq > last);
        }
        expect(rest.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(bounds.carryBytes);
      }),
    );
  });
});

describe("partPlainBytes", () => {
  it("[PA6] is what fills a part of rows that compress like the sample", () => {
    expect(partPlainBytes({ plainBytes: 1_000, encodedBytes: 1_000 })).toBe(partBytesTarget);
    expect(partPlainBytes({ plainBytes: 4_000, encodedBytes: 1_000 })).toBe(4 * partBytesTarget);
    expect(partPlainBytes({ plainBytes: 1_000, encodedBytes: 2_000 })).toBe(partBytesTarget / 2);
  });

  it("[PA6] is bounded, however well rows compress", () => {
    const most = Math.floor(partPlainBytesMax / partBytesTarget);
    expect(partPlainBytes({ plainBytes: most, encodedBytes: 1 })).toBe(most * partBytesTarget);
    expect(partPlainBytes({ plainBytes: most + 1, encodedBytes: 1 })).toBe(partPlainBytesMax);
    expect(partPlainBytes({ plainBytes: 1_000_000, encodedBytes: 0 })).toBe(partPlainBytesMax);
  });

  it("[PA6] leaves room for rows that compress a tenth worse than the sample", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4_000_000 }), (encodedBytes) => {
        const plainBytes = 2_000_000;
        const full = partPlainBytes({ plainBytes, encodedBytes }) + batchPayloadBytesMax;
        const ratio = Math.min(1, encodedBytes / plainBytes);
        expect(full * ratio * 1.1).toBeLessThanOrEqual(partBytesMax);
      }),
    );
  });

  it("[PA4] is not reached by a shard before it looks, where rows do not compress", () => {
    expect(partPlainBytes({ plainBytes: 1_000, encodedBytes: 1_000 })).toBeGreaterThanOrEqual(flushBytes);
  });
});
