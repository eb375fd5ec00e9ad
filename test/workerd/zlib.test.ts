/** The runtime's own zlib, whose bounds are not Node's. */
import { expect, it } from "vitest";
import { gunzip, gzip } from "../../platform/zlib.ts";

/** Bytes that compress, or do not. */
function bytesOf(length: number, compressible: boolean): Uint8Array {
  let state = 12_345;
  return Uint8Array.from({ length }, (_, index) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return compressible ? 65 + (index % 7) : state >>> 24;
  });
}

/** From nothing to more than any page has; steps of a third meet every state of a buffer that doubles. */
const lengths = [0, 1];
for (let length = 2; length < 12_000_000; length = Math.ceil(length * 1.34)) lengths.push(length);

it.each([true, false])(
  "[FO8] what was compressed is read back, whatever its length; compressible: %s",
  (kind) => {
    for (const length of [...lengths, 65_536, 100_000]) {
      const plain = bytesOf(length, kind);
      const read = gunzip(gzip(plain), length);
      expect(read.length).toBe(length);
      if (read.some((byte, index) => byte !== plain[index])) expect.fail(`other bytes at length ${length}`);
    }
  },
);

it("[FO8] bytes that hold more or fewer than they should are refused, much more before they are made", () => {
  const zipped = gzip(bytesOf(1_000_000, true));
  expect(() => gunzip(zipped, 999_999)).toThrow("1000000 bytes, not 999999");
  expect(() => gunzip(zipped, 1_000_001)).toThrow("1000000 bytes, not 1000001");
  expect(() => gunzip(zipped, 10_000)).toThrow("Memory limit exceeded");
});
