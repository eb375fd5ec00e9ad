import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Format } from "../../domain/encoding.ts";
import { EventType } from "../../domain/ids.ts";
import {
  Manifest,
  type Part,
  type ShardCounters,
  bucketPrefix,
  formatsOf,
  manifestFault,
  manifestKey,
  manifestOf,
  manifestText,
  oneCopy,
  partKey,
  successKey,
} from "../../domain/manifest.ts";
import { encodeSegment } from "../../domain/segment.ts";
import { addContents } from "../../domain/part-content.ts";
import { type Receipt, receiptFault } from "../../domain/receipt.ts";
import { countersOfShard, hour, indexOf, plan, tallyOf, type } from "./make.ts";

const address = { type, hour };
const anyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });

function partOf(no: number, numbers: readonly number[], more: Partial<Part> = {}): Part {
  const tally = tallyOf(numbers);
  return {
    ...addContents([]),
    tally,
    plainBytes: numbers.length * 10,
    homeHours: { [hour]: numbers.length },
    key: partKey(address, indexOf(0), no, more.format ?? "ndjson.gz"),
    format: "ndjson.gz",
    origin: indexOf(0),
    bytes: 100 + no,
    sha256: "ab".repeat(32),
    ...more,
  };
}

function countersOf(
  index: number,
  numbers: readonly number[],
  more: Partial<ShardCounters> = {},
): ShardCounters {
  return countersOfShard(index, tallyOf(numbers), more);
}

function manifestWith(
  parts: readonly Part[],
  shards: readonly ShardCounters[],
  formats: readonly Format[] = ["ndjson.gz"],
): Manifest {
  const by = { ...plan, formats: [...formats] };
  return manifestOf({ address, sealedAt: "2026-11-23T11:10:00.000Z", plan: by, parts, shards, strays: [] });
}

/** The rows of these parts once more, as columns. */
function asColumns(parts: readonly Part[]): Part[] {
  return parts.map((part) => ({
    ...part,
    key: part.key.replace(/ndjson.gz$/, "parquet"),
    format: "parquet" as const,
  }));
}

describe("a manifest", () => {
  const parts = [partOf(0, [1, 2]), partOf(1, [3]), partOf(10, [4, 5, 6]), partOf(2, [7])];
  const shards = [countersOf(2, [7]), countersOf(0, [1, 2, 3]), countersOf(1, [4, 5, 6])];

  it("[SC4] names the newest schema that its rows were checked by; none if none was", () => {
    const versions = (schemaVersions: Record<string, number>): Partial<Part> => ({ schemaVersions });
    const of = (...given: Partial<Part>[]) =>
      manifestWith(
        given.map((more, no) => partOf(no, [no], more)),
        [],
      );
    expect(of({}).schemaVersion).toBeNull();
    expect(of({}, versions({ 9: 1 }), versions({ 2: 5, 10: 1 })).schemaVersion).toBe("10");
    expect(Manifest.safeParse(of(versions({ 1: 1 }))).success).toBe(true);
    expect(Manifest.safeParse(of(versions({ 0: 1 }))).success).toBe(false);
  });

  it("[BU8] has the same bytes for the same content, in whatever order it came", () => {
    const text = manifestText(manifestWith(parts, shards));
    fc.assert(
      fc.property(
        fc.shuffledSubarray(parts, { minLength: parts.length }),
        fc.shuffledSubarray(shards, { minLength: shards.length }),
        (someParts, someShards) => {
          expect(manifestText(manifestWith(someParts, someShards))).toBe(text);
        },
      ),
    );
    expect(Manifest.parse(JSON.parse(text))).toEqual(manifestWith(parts, shards));
    expect(text.endsWith("}\n")).toBe(true);
  });

  it("[AU4] adds up its parts", () => {
    const manifest = manifestWith(parts, shards);
    expect({ rows: manifest.rows, sum: manifest.identitySum }).toEqual(tallyOf([1, 2, 3, 4, 5, 6, 7]));
    expect(manifest.bytes).toBe(413);
    expect(manifest.shards.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it("[BU4] is sound if what was accepted was delivered and lies in its parts", () => {
    expect(manifestFault(manifestWith(parts, shards))).toBeNull();
    expect(manifestFault(manifestWith([], []))).toBeNull();
  });

  it("[BU4] is at fault as soon as one row is too few, too many or another one", () => {
    const lost = tallyOf([1, 2]);
    const swapped = tallyOf([1, 2, 99]);
    const rest = shards.slice(0, 1).concat(shards.slice(2));
    const faults: [string, Manifest][] = [
      [
        `shard ${hour}/0 took 3 rows and let 2 go`,
        manifestWith(parts, [...rest, countersOf(0, [1, 2, 3], { delivered: lost })]),
      ],
      [
        `shard ${hour}/0 took 3 rows and let 3 go`,
        manifestWith(parts, [...rest, countersOf(0, [1, 2, 3], { delivered: swapped })]),
      ],
      [
        "shards delivered 7 rows and parts of ndjson.gz hold 6",
        manifestWith(parts.slice(1).concat(partOf(0, [1])), shards),
      ],
      [
        "shards delivered 7 rows and parts of ndjson.gz hold 8",
        manifestWith([...parts, partOf(11, [8])], shards),
      ],
      [
        "shards delivered 7 rows and parts of ndjson.gz hold 7",
        manifestWith(parts.slice(1).concat(partOf(0, [1, 9])), shards),
      ],
      ["shards delivered 4 rows and parts of ndjson.gz hold 7", manifestWith(parts, shards.slice(0, 2))],
      ["a part is listed twice", manifestWith([partOf(0, [1]), partOf(0, [2])], [countersOf(0, [1, 2])])],
    ];
    expect(faults.map(([, manifest]) => manifestFault(manifest))).toEqual(faults.map(([fault]) => fault));
  });

  it("[FO1] [AU4] holds every row in each of its formats, and counts it once", () => {
    const both = [...parts, ...asColumns(parts)];
    const formats = ["ndjson.gz", "parquet"] as const;
    const manifest = manifestWith(both, shards, formats);
    expect(manifestFault(manifest)).toBeNull();
    expect({ rows: manifest.rows, sum: manifest.identitySum }).toEqual(tallyOf([1, 2, 3, 4, 5, 6, 7]));
    expect(manifest.bytes).toBe(826);
    expect(oneCopy(manifest)).toHaveLength(parts.length);
    expect(manifestFault(manifestWith(asColumns(parts), shards, ["parquet"]))).toBeNull();
    const faults: [string, Manifest][] = [
      ["parts of parquet hold 0", manifestWith(parts, shards, formats)],
      ["parts of parquet hold 6", manifestWith([...parts, ...asColumns(parts.slice(0, 3))], shards, formats)],
      ["parts of ndjson.gz hold 5", manifestWith(both.slice(1), shards, formats)],
      ["parts include one of parquet, which nobody asked for", manifestWith(both, shards)],
    ];
    for (const [fault, at] of faults) expect(manifestFault(at)).toBe(`shards delivered 7 rows and ${fault}`);
  });

  it("[FO1] that was written before there was a choice of formats has lines", () => {
    const { plan: by, ...rest } = manifestWith(parts, shards);
    const old = { ...rest, plan: { ...by, formats: undefined } };
    expect(formatsOf(Manifest.parse(JSON.parse(JSON.stringify(old))))).toEqual(["ndjson.gz"]);
    expect(formatsOf({ plan: null })).toEqual(["ndjson.gz"]);
  });
});

describe("a receipt", () => {
  const sound: Receipt = {
    counters: countersOf(3, [1, 2, 3]),
    formats: ["ndjson.gz"],
    parts: [partOf(0, [1]), partOf(1, [2])],
    tail: { ...addContents([]), tally: tallyOf([3]) },
    strays: [],
  };

  it("[BU4] is sound if its parts and its tail hold what was accepted", () => {
    expect(receiptFault(sound)).toBeNull();
    expect(receiptFault({ ...sound, counters: countersOf(3, [1, 2]), tail: null })).toBeNull();
    expect(receiptFault({ ...sound, counters: countersOf(3, []), parts: [], tail: null })).toBeNull();
  });

  it("[BU4] is at fault as soon as one row is missing, too many or another one", () => {
    const short = countersOf(3, [1, 2, 3], { delivered: tallyOf([1, 2]) });
    const faults: [string, Receipt][] = [
      [`shard ${hour}/3 took 3 rows and let 2 go`, { ...sound, counters: short }],
      ["shard 3 delivers 3 rows, its parts of ndjson.gz hold 2", { ...sound, tail: null }],
      [
        "shard 3 delivers 3 rows, its parts of ndjson.gz hold 4",
        { ...sound, parts: [...sound.parts, partOf(2, [4])] },
      ],
      [
        "shard 3 delivers 3 rows, its parts of ndjson.gz hold 3",
        { ...sound, parts: [partOf(0, [1]), partOf(1, [9])] },
      ],
    ];
    expect(faults.map(([, receipt]) => receiptFault(receipt))).toEqual(faults.map(([fault]) => fault));
  });

  it("[FO1] is at fault unless its parts of each format and its tail hold every row", () => {
    const both: Receipt = {
      ...sound,
      formats: ["ndjson.gz", "parquet"],
      parts: [...sound.parts, ...asColumns(sound.parts)],
    };
    expect(receiptFault(both)).toBeNull();
    expect(receiptFault({ ...both, parts: both.parts.slice(0, 3) })).toContain("parts of parquet hold 2");
    expect(receiptFault({ ...both, formats: ["parquet"] })).toContain("one of ndjson.gz");
    expect(receiptFault({ ...both, tail: null })).toContain("parts of ndjson.gz hold 2");
  });
});

describe("keys in R2", () => {
  it("[KE6] are Hive partitions of the encoded type, the date and the hour", () => {
    expect(bucketPrefix({ type: EventType.parse("a b/c.ü"), hour })).toBe(
      "events/type=a%20b%2Fc.%C3%BC/date=2026-11-23/hour=10/",
    );
    expect(manifestKey(address)).toBe(`${bucketPrefix(address)}_manifest.json`);
    expect(successKey(address)).toBe(`${bucketPrefix(address)}_SUCCESS`);
    expect(partKey(address, indexOf(3), 7, "ndjson.gz")).toBe(`${bucketPrefix(address)}part-3-7.ndjson.gz`);
    expect(partKey(address, "merged", 0, "parquet")).toBe(`${bucketPrefix(address)}part-merged-0.parquet`);
  });

  it("[KE6] give back any type, hold one path step of it, and are different for different types", () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        expect(decodeURIComponent(encodeSegment(a))).toBe(a);
        expect(encodeSegment(a)).toMatch(/^[A-Za-z0-9\-_.~%]+$/);
        expect(encodeSegment(a) === encodeSegment(b)).toBe(a === b);
        const [one, other] = [a, b].map((text) => bucketPrefix({ type: EventType.parse(text), hour }));
        expect(a !== b && other?.startsWith(one ?? "")).toBe(false);
      }),
    );
    expect(encodeSegment("!'()*")).toBe("%21%27%28%29%2A");
  });
});
