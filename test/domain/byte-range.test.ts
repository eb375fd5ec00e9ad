import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseByteRange } from "../../domain/byte-range.ts";

test.each([
  [null, { range: "whole" }],
  ["bytes=0-9", { range: "part", offset: 0, length: 10 }],
  ["bytes=0-0", { range: "part", offset: 0, length: 1 }],
  ["bytes=9-9", { range: "part", offset: 9, length: 1 }],
  ["bytes=5-", { range: "part", offset: 5, length: 5 }],
  ["bytes=5-99", { range: "part", offset: 5, length: 5 }],
  ["bytes=-3", { range: "part", offset: 7, length: 3 }],
  ["bytes=-99", { range: "part", offset: 0, length: 10 }],
  ["bytes=-0", { range: "unsatisfiable" }],
  ["bytes=10-", { range: "unsatisfiable" }],
  ["bytes=10-11", { range: "unsatisfiable" }],
  // Not valid, or not ours to answer: the whole.
  ["bytes=5-4", { range: "whole" }],
  ["bytes=-", { range: "whole" }],
  ["bytes=0-1,3-4", { range: "whole" }],
  ["rows=0-1", { range: "whole" }],
] as const)("%s of ten bytes", (header, expected) => {
  expect(parseByteRange(header, 10)).toEqual(expected);
});

test("a part lies within the whole and is not empty", () => {
  fc.assert(
    fc.property(
      fc.option(fc.nat(200)),
      fc.option(fc.nat(200)),
      fc.integer({ min: 1, max: 100 }),
      (a, b, bytes) => {
        const range = parseByteRange(`bytes=${a ?? ""}-${b ?? ""}`, bytes);
        if (range.range !== "part") return;
        expect(range.length).toBeGreaterThan(0);
        expect(range.offset + range.length).toBeLessThanOrEqual(bytes);
      },
    ),
  );
});
