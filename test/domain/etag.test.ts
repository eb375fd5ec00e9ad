import { describe, expect, test } from "vitest";
import { noneMatchNames, rangeHolds } from "../../domain/etag.ts";

describe("[RD3] If-None-Match", () => {
  test.each([
    [null, false],
    ['"a"', true],
    ['W/"a"', true],
    ["*", true],
    ['"b", "a"', true],
    ['"b" ,W/"a"', true],
    ['"x,y", "a"', true],
    ['"b"', false],
    ['"ab"', false],
    ["a", false],
    ['""', false],
  ])("%s", (header, expected) => {
    expect(noneMatchNames(header, '"a"')).toBe(expected);
  });
});

describe("[RD3] If-Range", () => {
  test.each([
    [null, true],
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    ["Mon, 23 Nov 2026 10:00:00 GMT", false],
    ["", false],
  ])("%s", (header, expected) => {
    expect(rangeHolds(header, '"a"')).toBe(expected);
  });
});
