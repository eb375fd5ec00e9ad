import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GrowingBytes } from "../../domain/growing-bytes.ts";

function bytesOf(count: number, from = 0): Uint8Array {
  return Uint8Array.from({ length: count }, (_, no) => (from + no) % 251);
}

describe("bytes that grow", () => {
  it("[PA1] are those that were added, in whatever pieces, or nothing if they are too many", () => {
    const pieces = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 150_000 })), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, fc.nat({ max: 400_000 }), (counts, bytesMax) => {
        const bytes = new GrowingBytes(bytesMax);
        let all = 0;
        for (const count of counts) {
          bytes.add(bytesOf(count, all));
          all += count;
          expect(bytes.full).toBe(all > bytesMax);
        }
        const expected = all > bytesMax ? null : bytesOf(all);
        expect(Buffer.compare(bytes.finish() ?? new Uint8Array(), expected ?? new Uint8Array())).toBe(0);
        expect(bytes.finish() === null).toBe(expected === null);
      }),
      { numRuns: 60 },
    );
  });

  it.each([0, 1, 100_000, 200_000])("[PA1] hold %i bytes at the most, and none past that", (bytesMax) => {
    const bytes = new GrowingBytes(bytesMax);
    bytes.add(bytesOf(bytesMax));
    expect(bytes.full).toBe(false);
    expect(bytes.finish()?.length).toBe(bytesMax);
    expect(bytes.finish()?.buffer.byteLength).toBe(bytesMax);
    bytes.add(bytesOf(1));
    expect(bytes.full).toBe(true);
    expect(bytes.finish()).toBeNull();
    bytes.add(new Uint8Array());
    expect(bytes.finish()).toBeNull();
  });

  it("[PA1] take at most twice the room of what was added", () => {
    const bytes = new GrowingBytes(100_000_000);
    for (let at = 0; at < 3_000_000; at += 1_000) {
      bytes.add(bytesOf(1_000, at));
      expect(bytes.finish()?.buffer.byteLength).toBeLessThanOrEqual(Math.max(64 * 1_024, 2 * (at + 1_000)));
    }
  });
});
