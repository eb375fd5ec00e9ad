import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EpochMs,
  HourText,
  civilFromDays,
  daysFromCivil,
  endOf,
  epochMs,
  hourNumber,
  hourNumberOf,
  hourOf,
  hourOfNumber,
  isoOf,
  parseHour,
  plusHours,
  startOf,
} from "../../domain/hour.ts";
import { hourOfText } from "./make.ts";

/** The first and last milliseconds of the years 0000 to 9999: what an hour's text can say. */
const firstMs = Date.parse("0000-01-01T00:00:00.000Z");
const lastMs = Date.parse("9999-12-31T23:59:59.999Z");
const leapDay = Date.parse("2024-02-29T12:00:00Z");
const instant = fc
  .oneof(
    fc.integer({ min: firstMs, max: lastMs }),
    fc.integer({ min: -10_000_000, max: 10_000_000 }),
    fc.integer({ min: leapDay - 200_000_000, max: leapDay + 200_000_000 }),
    fc.constantFrom(firstMs, lastMs, -1, 0, 1, 3_599_999, 3_600_000, -3_600_000, -3_600_001),
  )
  .map(epochMs);

describe("hours", () => {
  it("[ID3] are those that Date knows, before 1970 and at the bounds of the years too", () => {
    fc.assert(
      fc.property(instant, (at) => {
        const iso = new Date(at).toISOString();
        expect(hourOf(at)).toBe(iso.slice(0, 13));
        expect(isoOf(at)).toBe(iso);
        expect(startOf(hourOf(at))).toBe(Date.parse(`${iso.slice(0, 13)}:00:00.000Z`));
      }),
      { numRuns: 2_000 },
    );
  });

  it("[ID3] hold their first millisecond and their last, and not the one after", () => {
    fc.assert(
      fc.property(instant, (at) => {
        const hour = hourOf(at);
        expect(startOf(hour) <= at && at < endOf(hour)).toBe(true);
        expect(endOf(hour) - startOf(hour)).toBe(3_600_000);
        expect(hourOf(startOf(hour))).toBe(hour);
        expect(hourOf(epochMs(endOf(hour) - 1))).toBe(hour);
        if (endOf(hour) <= lastMs) expect(hourOf(endOf(hour))).not.toBe(hour);
      }),
    );
  });

  it("[ID3] sort as text in the order of time", () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        if (hourNumberOf(a) === hourNumberOf(b)) expect(hourOf(a)).toBe(hourOf(b));
        else expect(hourOf(a) < hourOf(b)).toBe(a < b);
      }),
    );
  });

  it("[ID3] have a number, and the hours after and before them have the next", () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: -50, max: 50 }), (at, count) => {
        const hour = hourOf(at);
        expect(hourNumber(hour)).toBe(hourNumberOf(at));
        expect(hourOfNumber(hourNumber(hour))).toBe(hour);
        const moved = at + count * 3_600_000;
        if (moved >= firstMs && moved <= lastMs) expect(plusHours(hour, count)).toBe(hourOf(epochMs(moved)));
      }),
    );
  });

  it("[ID3] are read back from their own text and from no other", () => {
    fc.assert(
      fc.property(instant, (at) => {
        expect(parseHour(hourOf(at))).toBe(hourOf(at));
      }),
    );
    const wrong = [
      "2026-02-30T10",
      "2026-02-29T10",
      "1900-02-29T00",
      "2026-13-01T00",
      "2026-00-01T00",
      "2026-01-00T00",
      "2026-01-01T24",
      "2026-1-1T0",
      "2026-01-01T00Z",
      "2026-01-01 00",
      " 2026-01-01T00",
      "2026-01-01T00\n",
      "20260101T00",
      "+002026-01-01T00",
      "-0001-01-01T00",
      "10000-01-01T00",
      "",
    ];
    expect(wrong.filter((text) => parseHour(text) !== null)).toEqual([]);
    expect(["2024-02-29T23", "2000-02-29T00", "0000-02-29T00", "9999-12-31T23"].map(parseHour)).not.toContain(
      null,
    );
  });

  it("[ID3] are the same in whatever order they are read and written, beside texts of no real hour", () => {
    const texts = ["2026-02-28T10", "2026-03-02T10", "2026-03-02T11", "1970-01-01T00", "1969-12-31T23"];
    const unreal = ["2026-02-30T10", "2026-02-31T00", "2026-00-01T00", "2026-01-01T24"];
    const step = fc.record({ text: fc.constantFrom(...texts, ...unreal), write: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        for (const { text, write } of steps) {
          const real = texts.includes(text);
          expect(parseHour(text)).toBe(real ? text : null);
          if (!real) continue;
          const number = Date.parse(`${text}:00:00Z`) / 3_600_000;
          if (write) expect(hourOfNumber(number)).toBe(text);
          else expect(hourNumber(hourOfText(text))).toBe(number);
        }
      }),
    );
  });

  it("[ID3] with an address in a path are refused with how an hour is written", () => {
    expect(HourText.parse("2026-11-23T10")).toBe("2026-11-23T10");
    const refused = HourText.safeParse("2026-11-23T24");
    expect(refused.success ? "" : refused.error.issues[0]?.message).toContain("YYYY-MM-DDTHH");
  });

  it("[ID3] count days as Date does, both ways", () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        const { year, month, day } = civilFromDays(days);
        expect(daysFromCivil(year, month, day)).toBe(days);
        const date = new Date(days * 86_400_000);
        expect([year, month, day]).toEqual([
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
        ]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("times", () => {
  it("[ID4] are whole milliseconds that the caller vouches for", () => {
    expect(epochMs(1.9)).toBe(1);
    expect(() => epochMs(Number.NaN)).toThrow(RangeError);
    expect(() => epochMs(Number.POSITIVE_INFINITY)).toThrow(RangeError);
    expect(EpochMs.safeParse(8.64e15).success).toBe(true);
    expect(EpochMs.safeParse(8.64e15 + 1).success).toBe(false);
    expect(EpochMs.safeParse(0.5).success).toBe(false);
  });

  it("[ID3] a text that is no hour has no number", () => {
    // @ts-expect-error a text is no hour until it was parsed
    expect(() => hourNumber("yesterday")).toThrow(RangeError);
    expect(hourNumber(hourOfText("1970-01-01T00"))).toBe(0);
    expect(hourNumber(hourOfText("1969-12-31T23"))).toBe(-1);
  });
});
