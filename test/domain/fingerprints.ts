/** Fingerprints that are hard on a table of them, and what tables of them allocate. */
import * as fc from "fast-check";
import { vi } from "vitest";

/** The most bytes that are held meanwhile: whenever an array of words is made, it and what was held until then. */
export function peakBytesOf(heldBytes: () => number, work: () => void): number {
  let peak = 0;
  vi.stubGlobal(
    "Uint32Array",
    new Proxy(Uint32Array, {
      construct(of, given): Uint32Array {
        const made = Reflect.construct(of, given) as Uint32Array;
        peak = Math.max(peak, heldBytes() + made.byteLength);
        return made;
      },
    }),
  );
  try {
    work();
  } finally {
    vi.unstubAllGlobals();
  }
  return peak;
}

/** A fingerprint with these four little-endian words; the first one is the hash. */
function fingerprint(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  return bytes;
}

/** Fingerprint number `no` of a long, well-spread run. */
export function spread(no: number): Uint8Array {
  return fingerprint([Math.imul(no, 0x9e3779b1) >>> 0, no, 7, ~no >>> 0]);
}

/** Words that meet in the same slots, at the end of the table too, and those that differ in one word only. */
const word = fc.oneof(
  fc.constantFrom(0, 1, 1_023, 1_024, 2_047, 0x8000_0000, 0xffff_ffff),
  fc.nat({ max: 3 }),
);

export const anyFingerprint = fc
  .oneof(
    { weight: 1, arbitrary: fc.constant([0, 0, 0, 0]) },
    { weight: 8, arbitrary: fc.tuple(word, word, word, word) },
  )
  .map(fingerprint);
