import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { GrowingBytes } from "../../domain/growing-bytes.ts";
import { partBytesMax } from "../../domain/limits.ts";

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

  it("[PA1] take 32 MiB while the buffer of a part moves, and its own bytes at any other time", () => {
    const transfer = vi.spyOn(ArrayBuffer.prototype, "transfer");
    let moving = 0;
    transfer.mockImplementation(function (this: ArrayBuffer, length = 0) {
      moving = Math.max(moving, this.byteLength + length);
      const moved = new ArrayBuffer(length);
      new Uint8Array(moved).set(new Uint8Array(this));
      return moved;
    });
    const bytes = new GrowingBytes(partBytesMax);
    const piece = bytesOf(64 * 1_024);
    for (let at = 0; at < partBytesMax; at += piece.length) bytes.add(piece);
    expect(bytes.finish()?.length).toBe(partBytesMax);
    expect([partBytesMax, moving].map((held) => held / 1_024 / 1_024)).toEqual([24, 32]);
    transfer.mockRestore();
  });

  it("[PA1] take at most twice the room of what was added", () => {
    const bytes = new GrowingBytes(100_000_000);
    for (let at = 0; at < 3_000_000; at += 1_000) {
      bytes.add(bytesOf(1_000, at));
      expect(bytes.finish()?.buffer.byteLength).toBeLessThanOrEqual(Math.max(64 * 1_024, 2 * (at + 1_000)));
    }
  });
});
