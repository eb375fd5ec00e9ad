import { describe, expect, test } from "vitest";
import { type Manifest, type Part, manifestOf, partKey } from "../../../domain/manifest.ts";
import type { Plan } from "../../../domain/plan.ts";
import { type WantedFormat, selectParts } from "../../../domain/pull/select.ts";
import { hour, indexOf, plan, tallyOf, type } from "../make.ts";

function partOf(no: number, numbers: readonly number[], more: object = {}): Part {
  return {
    key: partKey({ type, hour }, indexOf(0), no, "ndjson.gz"),
    format: "ndjson.gz",
    origin: indexOf(0),
    bytes: 5,
    sha256: "a".repeat(64),
    tally: tallyOf(numbers),
    plainBytes: 10,
    homeHours: { [hour]: numbers.length },
    minTime: null,
    maxTime: null,
    ...more,
  };
}

function manifest(parts: readonly Part[], by: Plan | null = null, more: Partial<Manifest> = {}): Manifest {
  const address = { type, hour };
  return { ...manifestOf({ address, sealedAt: "", plan: by, parts, shards: [], strays: [] }), ...more };
}

const rows = [partOf(0, [1, 2]), partOf(1, [3])];
const columns = columnsOf([1, 2, 3]);
const bothPlan: Plan = { ...plan, formats: ["ndjson.gz", "parquet"] };
const both = manifest([...rows, columns], bothPlan);

function columnsOf(numbers: readonly number[]): Part {
  return partOf(2, numbers, {
    format: "parquet",
    key: partKey({ type, hour }, indexOf(0), 2, "parquet"),
  });
}

function names(of: Manifest, wanted: WantedFormat): unknown {
  const selected = selectParts(of, wanted);
  return selected.ok ? selected.value.map(({ key }) => /-(\d)\./.exec(key)?.[1]) : selected.reason;
}

describe("[RD5] the parts that are pulled", () => {
  test.each([
    ["ndjson.gz", ["0", "1"]],
    ["parquet", ["2"]],
    ["best", ["2"]],
    ["all", ["0", "1", "2"]],
  ] as const)("%s of an hour with both formats", (wanted, expected) => {
    expect(names(both, wanted)).toEqual(expected);
  });

  test("the best format of an hour with rows only is rows", () => {
    expect(names(manifest(rows), "best")).toEqual(["0", "1"]);
  });

  test("a format that the hour does not have is said, with those that it has", () => {
    expect(names(manifest(rows), "parquet")).toEqual({
      fault: "no_such_format",
      detail: "the hour has no parquet; it has ndjson.gz",
    });
  });

  test("an empty hour has no part of any format", () => {
    for (const wanted of ["best", "all", "parquet"] as const) expect(names(manifest([]), wanted)).toEqual([]);
  });

  test.each(["../../part-0-0.x", "_SUCCESS", ".part-0-0.x", "a/part-0-0.x", ""])(
    "a manifest that lists %j under its prefix is not followed",
    (name) => {
      const key = partKey({ type, hour }, indexOf(0), 0, "ndjson.gz").replace(/[^/]+$/, name);
      expect(names(manifest([partOf(0, [1], { key })]), "all")).toMatchObject({ fault: "corrupt_manifest" });
    },
  );

  test("a manifest that lists a key under another prefix is not followed", () => {
    const elsewhere = partOf(0, [1], { key: "config/part-0-0.x" });
    expect(names(manifest([elsewhere]), "all")).toMatchObject({ fault: "corrupt_manifest" });
  });

  test("a format that does not hold all rows, or other ones, is not followed", () => {
    const less = manifest([...rows, columnsOf([1, 2])], bothPlan);
    expect(names(less, "parquet")).toMatchObject({ fault: "corrupt_manifest" });
    expect(names(less, "all")).toMatchObject({ fault: "corrupt_manifest" });
    expect(names(less, "ndjson.gz")).toEqual(["0", "1"]);
    const others = manifest([partOf(0, [1, 2, 4])], null, { identitySum: tallyOf([1, 2, 3]).sum });
    expect(names(others, "best")).toMatchObject({ fault: "corrupt_manifest" });
    expect(names(manifest(rows, bothPlan), "parquet")).toMatchObject({ fault: "corrupt_manifest" });
  });
});
