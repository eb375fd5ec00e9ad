import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChainHead,
  type VerifiedBucket,
  digestAfter,
  digestKey,
  digestOfText,
  digestText,
  emptyChain,
  sequenceOfKey,
} from "../../domain/digest.ts";
import { epochMs, hourOfNumber } from "../../domain/hour.ts";
import { EventType, compareBuckets } from "../../domain/ids.ts";
import { manifestKey } from "../../domain/manifest.ts";
import { hour, tallyOf, type } from "./make.ts";

const now = epochMs(Date.parse("2026-11-23T11:12:00Z"));
const head: ChainHead = { sequence: 41, sha256: "ef".repeat(32) };
const sha256 = fc.nat({ max: 0xffff }).map((n) => n.toString(16).padStart(64, "0"));

const bucket = fc
  .record({
    name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    hourNumber: fc.integer({ min: 400_000, max: 500_000 }),
    manifestSha256: sha256,
    verdict: fc.constantFrom("balanced", "missing", "surplus", "corrupt", "unaudited"),
    rows: fc.nat({ max: 5 }),
  })
  .map(({ name, hourNumber, rows, ...rest }): VerifiedBucket => ({
    ...rest,
    address: { type: EventType.parse(name), hour: hourOfNumber(hourNumber) },
    tally: tallyOf(Array.from({ length: rows }, (_, no) => no)),
  }));
const buckets = fc.uniqueArray(bucket, {
  minLength: 1,
  maxLength: 8,
  selector: ({ address }) => manifestKey(address),
});

describe("a digest", () => {
  it("[DG1] lists all that was verified, by hour and type", () => {
    const verified: VerifiedBucket = {
      address: { type, hour },
      manifestSha256: "ab".repeat(32),
      verdict: "missing",
      tally: tallyOf([1, 2]),
    };
    expect(digestAfter(head, [verified], now)).toEqual({
      format: 1,
      sequence: 42,
      writtenAt: "2026-11-23T11:12:00.000Z",
      previous: "ef".repeat(32),
      buckets: [
        {
          type,
          hour,
          manifestKey: "events/type=com.example.test/date=2026-11-23/hour=10/_manifest.json",
          manifestSha256: "ab".repeat(32),
          verdict: "missing",
          rows: 2,
          identitySum: tallyOf([1, 2]).sum,
        },
      ],
    });
  });

  it("[DG1] has the same bytes in whatever order the buckets come, and reads back as itself", () => {
    fc.assert(
      fc.property(buckets, fc.integer(), (given, seed) => {
        const text = digestText(digestAfter(head, given, now));
        const shuffled = given.toSorted((a, b) => hashOf(a, seed) - hashOf(b, seed));
        expect(digestText(digestAfter(head, shuffled, now))).toBe(text);
        const digest = digestOfText(text);
        expect(digest).toEqual(digestAfter(head, given, now));
        expect(digest?.buckets).toEqual(digest?.buckets.toSorted(compareBuckets));
      }),
    );
  });

  it("[DG2] comes first without one before it, and never otherwise", () => {
    const some = fc.sample(buckets, 1)[0] ?? [];
    expect(digestAfter(emptyChain, some, now)).toMatchObject({ sequence: 1, previous: null });
    expect(() => digestAfter({ sequence: 0, sha256: "ab" }, some, now)).toThrow("only the first");
    expect(() => digestAfter({ sequence: 3, sha256: null }, some, now)).toThrow("only the first");
    expect(() => digestAfter(head, [], now)).toThrow("without a bucket");
  });

  it.each(["", "{}", "[]", '{"format":2}', "null"])("[DG7] is not read from %j", (text) => {
    expect(digestOfText(text)).toBeNull();
  });
});

describe("keys", () => {
  const sequence = fc.integer({ min: 1, max: 999_999_999_999 });

  it("[DG2] sort as their numbers do, and give the number back", () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        expect(digestKey(a) < digestKey(b)).toBe(a < b);
        expect(sequenceOfKey(digestKey(a))).toBe(a);
      }),
    );
    expect(digestKey(7)).toBe("digests/000000000007.json");
  });

  it.each([
    "digests/7.json",
    "digests/000000000000.json",
    "digests/000000000007.json.gz",
    "x/000000000007.json",
  ])("[DG2] are no others: %s", (key) => {
    expect(sequenceOfKey(key)).toBeNull();
  });

  it.each([0, -1, 1.5, Number.NaN])("[DG2] do not exist for number %d", (no) => {
    expect(() => digestKey(no)).toThrow("no digest has number");
  });
});

function hashOf({ address }: VerifiedBucket, seed: number): number {
  let hash = seed;
  for (const char of `${address.hour}${address.type}`)
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619);
  return hash;
}
