import * as fc from "fast-check";
import { expect, it } from "vitest";
import { encodeSegment, typeOfSegment, typeSegment } from "../../domain/segment.ts";

const dots = fc.constantFrom(
  ".",
  "..",
  "...",
  "=",
  "=.",
  "=..",
  "%2E",
  "%2e%2e",
  "/",
  "/..",
  "\\",
  " ",
  "=%2E",
);
const type = fc.oneof(
  dots,
  fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed()),
);

it("[KE6] any type is one segment of a URL's path, and is read back from there", () => {
  fc.assert(
    fc.property(type, (text) => {
      const { pathname } = new URL(`https://h/v1/buckets/${typeSegment(text)}/2026-11-23T10`);
      const segments = pathname.split("/");
      expect(segments).toHaveLength(5);
      expect(typeOfSegment(segments[3] ?? "")).toBe(text);
    }),
  );
});

it("[KE6] a type that was encoded as usual is read as before", () => {
  fc.assert(
    fc.property(type, (text) => {
      fc.pre(text !== "." && text !== "..");
      expect(typeOfSegment(encodeURIComponent(text))).toBe(text);
      expect(typeOfSegment(encodeSegment(text))).toBe(text);
    }),
  );
});

it("what is not percent-encoded UTF-8 is no type", () => {
  expect(() => typeOfSegment("%ff")).toThrow(URIError);
});
