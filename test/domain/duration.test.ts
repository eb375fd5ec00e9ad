import * as fc from "fast-check";
import { expect, it } from "vitest";
import { durationMs, durationText } from "../../domain/duration.ts";

it("reads a whole number and a unit", () => {
  expect(["0s", "250ms", "90s", "10m", "6h", "7d"].map(durationMs)).toEqual([
    0, 250, 90_000, 600_000, 21_600_000, 604_800_000,
  ]);
});

it.each(["", "10", "m", "10 m", "1.5h", "-1s", "1h30m", "1w", "10M", " 10m", "10m\n", "12345678901ms"])(
  "%j is none",
  (text) => {
    expect(durationMs(text)).toBeNull();
  },
);

it("writes the largest unit that divides it", () => {
  expect([0, 1, 1_500, 90_000, 600_000, 86_400_000].map(durationText)).toEqual([
    "0s",
    "1ms",
    "1500ms",
    "90s",
    "10m",
    "1d",
  ]);
});

it("writes what it reads again", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999_999_999 }), (ms) => {
      expect(durationMs(durationText(ms))).toBe(ms);
    }),
  );
});
