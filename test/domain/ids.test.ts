import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochMs, hourOf } from "../../domain/hour.ts";
import {
  AppendNo,
  EdgeId,
  EventType,
  IdentitySumHex,
  bucketName,
  bucketOfName,
  compareBuckets,
  ledgerName,
  ledgerOfName,
  shardName,
  shardOfName,
} from "../../domain/ids.ts";
import { indexOf } from "./make.ts";

const anyHour = fc.integer({ min: 0, max: 253_402_300_799_999 }).map((ms) => hourOf(epochMs(ms)));
const nasty = fc.constantFrom(
  "/",
  "a/b",
  "2026-11-23T10/0/x",
  "\n",
  "a\nb",
  " ",
  "..",
  "%2F",
  "type=x",
  "🦭",
  "\u0000",
);
const anyType = fc
  .oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 60 }), nasty)
  .map((text) => EventType.parse(text));
const index = fc.nat({ max: 63 }).map(indexOf);
const bucket = fc.record({ type: anyType, hour: anyHour });
const shard = fc.record({ type: anyType, hour: anyHour, index });
const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc
    .tuple(
      anyHour,
      fc.constantFrom("", "/", "//", "/0", "/0/", "/007/x", "/-1/x", "/1.5/x", "/9999999/x", "x", "/é/x"),
    )
    .map((parts) => parts.join("")),
);

describe("names of objects", () => {
  it("[KE6] give back any type, hour and index", () => {
    fc.assert(
      fc.property(bucket, shard, fc.nat({ max: 3 }), (one, other, slot) => {
        expect(bucketOfName(bucketName(one))).toEqual(one);
        expect(shardOfName(shardName(other))).toEqual(other);
        expect(ledgerOfName(ledgerName(one.hour, slot))).toEqual({ hour: one.hour, slot });
      }),
    );
  });

  it("[KE6] are different for different addresses", () => {
    fc.assert(
      fc.property(shard, shard, (a, b) => {
        const same = a.type === b.type && a.hour === b.hour && a.index === b.index;
        expect(shardName(a) === shardName(b)).toBe(same);
        expect(bucketName(a) === bucketName(b)).toBe(a.type === b.type && a.hour === b.hour);
      }),
    );
  });

  it("[KE6] that nobody here made are nobody's", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const [asBucket, asShard, asLedger] = [bucketOfName(name), shardOfName(name), ledgerOfName(name)];
        if (asBucket !== null) expect(bucketName(asBucket)).toBe(name);
        if (asShard !== null) expect(shardName(asShard)).toBe(name);
        if (asLedger !== null) expect(ledgerName(asLedger.hour, asLedger.slot)).toBe(name);
      }),
    );
    for (const name of ["", "2026-11-23T10", "2026-11-23T10/", "2026-11-23T24/x", "2026-11-23T10x"])
      expect(bucketOfName(name), name).toBeNull();
    for (const name of ["2026-11-23T10/x", "2026-11-23T10/0", "2026-11-23T10/0/", "2026-02-30T10/0/x"])
      expect(shardOfName(name), name).toBeNull();
    for (const name of ["2026-11-23T10/", "2026-11-23T10/x", "2026-11-23T10/0/x", "2026-11-23T25/0"])
      expect(ledgerOfName(name), name).toBeNull();
  });

  it("[BU9] are worked through by hour, then by type", () => {
    fc.assert(
      fc.property(bucket, bucket, bucket, (a, b, c) => {
        const key = ({ hour, type }: typeof a): string => `${hour} ${type}`;
        const sorted = [a, b, c].toSorted(compareBuckets).map(key);
        expect(sorted).toEqual([a, b, c].map(key).toSorted((x, y) => (x < y ? -1 : x > y ? 1 : 0)));
        expect(Math.sign(compareBuckets(a, b))).toBe(0 - Math.sign(compareBuckets(b, a)));
      }),
    );
  });
});

describe("ids", () => {
  it("[LE3] of edges, appends and sums are only what they look like", () => {
    expect(EdgeId.safeParse("0123456789abcdef").success).toBe(true);
    for (const wrong of ["0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg", ""])
      expect([EdgeId.safeParse(wrong).success, IdentitySumHex.safeParse(wrong).success], wrong).toEqual([
        false,
        false,
      ]);
    expect([1, 0xffff_ffff].map((no) => AppendNo.safeParse(no).success)).toEqual([true, true]);
    expect([0, -1, 1.5, 0x1_0000_0000].filter((no) => AppendNo.safeParse(no).success)).toEqual([]);
  });
});
