import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdentitySet } from "../../domain/identity-set.ts";
import { identitiesPerShardMax } from "../../domain/limits.ts";
import { anyFingerprint, spread, peakBytesOf } from "./fingerprints.ts";
import { hexOf } from "./make.ts";

const MiB = 1_024 * 1_024;

describe("IdentitySet", () => {
  it("[SH4] holds what a set of texts holds, through collisions, growth and the fingerprint of zeros", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 4_000 }),
        fc.array(anyFingerprint, { maxLength: 200 }),
        (bulk, fingerprints) => {
          const set = new IdentitySet();
          const model = new Set<string>();
          const check = (bytes: Uint8Array): void => {
            const hex = hexOf(bytes);
            expect(set.has(bytes)).toBe(model.has(hex));
            expect(set.add(bytes)).toBe(!model.has(hex));
            model.add(hex);
            expect(set.has(bytes)).toBe(true);
            expect(set.size).toBe(model.size);
          };
          fingerprints.slice(0, 100).forEach(check);
          for (let no = 0; no < bulk; no++) {
            set.add(spread(no));
            model.add(hexOf(spread(no)));
          }
          fingerprints.forEach(check);
          for (let no = 0; no < bulk; no++) expect(set.has(spread(no))).toBe(true);
          expect(set.has(spread(bulk))).toBe(model.has(hexOf(spread(bulk))));
          expect(set.size).toBe(model.size);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("[SH4] reads fingerprints at any byte, and a packed run of them", () => {
    const packed = new Uint8Array(3 + 5 * 16);
    for (let no = 0; no < 5; no++) packed.set(spread(no), 3 + no * 16);
    const one = new IdentitySet();
    for (let no = 0; no < 5; no++) expect(one.add(packed, 3 + no * 16)).toBe(true);
    expect(one.has(spread(4))).toBe(true);
    const all = new IdentitySet();
    all.addAll(packed.subarray(3));
    expect(all.size).toBe(5);
    expect(all.has(packed, 3 + 2 * 16)).toBe(true);
    expect(all.has(spread(5))).toBe(false);
  });

  it("[SH4] rebuilt from packed fingerprints, remembers what it remembered", () => {
    const before = new IdentitySet();
    const packed = new Uint8Array(3_000 * 16);
    for (let no = 0; no < 3_000; no++) {
      before.add(spread(no));
      packed.set(spread(no), no * 16);
    }
    const after = new IdentitySet();
    after.addAll(packed);
    expect(after.size).toBe(before.size);
    for (let no = 0; no < 6_000; no++) expect(after.has(spread(no))).toBe(no < 3_000);
  });

  it("[SH11] takes 31 MiB at the most identities that a shard remembers, and no more while it grows", () => {
    const set = new IdentitySet();
    const peak = peakBytesOf(
      () => set.tableBytes,
      () => {
        for (let no = 0; no < identitiesPerShardMax; no++) set.add(spread(no));
      },
    );
    expect(set.size).toBe(identitiesPerShardMax);
    expect([Math.ceil(set.tableBytes / MiB), Math.ceil(peak / MiB)]).toEqual([31, 31]);
  });
});
