import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdentitySum, addSums, fingerprintBytes, fingerprintOf, zeroSum } from "../../domain/fingerprint.ts";
import type { IdentitySumHex } from "../../domain/ids.ts";
import { hexOf } from "./make.ts";

const text = fc.string({ unit: "binary", maxLength: 12 });
const identity = fc.record({ type: text, source: text, id: text });
const fingerprints = fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }), { maxLength: 30 });

function sumOf(list: readonly Uint8Array[]): IdentitySumHex {
  const sum = new IdentitySum();
  for (const fingerprint of list) sum.addFingerprint(fingerprint);
  return sum.hex();
}

/** The sum by the definition: the last eight bytes as a number, modulo 2^64. */
function sumByDefinition(list: readonly Uint8Array[]): string {
  const total = list.reduce((sum, bytes) => sum + BigInt(`0x${hexOf(bytes.subarray(8))}`), 0n);
  return BigInt.asUintN(64, total).toString(16).padStart(16, "0");
}

describe("fingerprintOf", () => {
  it("[ID1] is the beginning of SHA-256 over the three texts, each behind its length", () => {
    const lengthOf = (part: Buffer): Buffer => Buffer.from([0, 0, 0, part.length]);
    fc.assert(
      fc.property(identity, ({ type, source, id }) => {
        const parts = [type, source, id].map((part) => Buffer.from(part, "utf8"));
        const input = Buffer.concat(parts.flatMap((part) => [lengthOf(part), part]));
        const expected = createHash("sha256").update(input).digest("hex").slice(0, 32);
        expect(hexOf(fingerprintOf({ type, source, id }))).toBe(expected);
      }),
    );
    expect(fingerprintBytes).toBe(16);
  });

  it("[ID1] differs for identities whose texts only join to the same", () => {
    const joined = [
      { type: "ab", source: "c", id: "d" },
      { type: "a", source: "bc", id: "d" },
      { type: "a", source: "b", id: "cd" },
      { type: "abcd", source: "", id: "" },
      { type: "", source: "abcd", id: "" },
      { type: "a\u0000", source: "b", id: "cd" },
    ];
    expect(new Set(joined.map((one) => hexOf(fingerprintOf(one)))).size).toBe(joined.length);
  });

  it("[ID1] is the same for the same identity and differs as soon as one text does", () => {
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        const same = a.type === b.type && a.source === b.source && a.id === b.id;
        expect(hexOf(fingerprintOf(a)) === hexOf(fingerprintOf({ ...b }))).toBe(same);
        expect(hexOf(fingerprintOf(a))).toBe(hexOf(fingerprintOf({ ...a })));
      }),
    );
  });
});

describe("IdentitySum", () => {
  it("[ID2] is the sum by definition, carries included", () => {
    const heavy = fc.array(
      fc.constantFrom(
        new Uint8Array(16).fill(0xff),
        new Uint8Array(16),
        new Uint8Array([9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        new Uint8Array([9, 9, 9, 9, 9, 9, 9, 9, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1]),
      ),
      { maxLength: 9 },
    );
    fc.assert(
      fc.property(fc.oneof(fingerprints, heavy), (list) => {
        expect(sumOf(list)).toBe(sumByDefinition(list));
      }),
    );
  });

  it("[ID2] does not depend on the order, and sums of parts add up to the sum of the whole", () => {
    fc.assert(
      fc.property(fingerprints, fc.nat(), fc.func(fc.integer()), (list, cut, key) => {
        const whole = sumOf(list);
        expect(sumOf(list.toSorted((a, b) => key(hexOf(a)) - key(hexOf(b))))).toBe(whole);
        expect(addSums([sumOf(list.slice(0, cut)), sumOf(list.slice(cut))])).toBe(whole);
        expect(IdentitySum.ofHex(whole).hex()).toBe(whole);
      }),
    );
  });

  it("[ID2] is zero for nothing and reads the fingerprint at the byte that it is told", () => {
    expect(sumOf([])).toBe(zeroSum);
    expect(addSums([])).toBe(zeroSum);
    const padded = new Uint8Array([1, 2, 3, ...new Uint8Array(15), 7]);
    const sum = new IdentitySum();
    sum.addFingerprint(padded, 3);
    expect(sum.hex()).toBe("0000000000000007");
  });
});
