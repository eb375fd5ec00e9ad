import { expect, test } from "vitest";
import { hourMeant, malformedHour } from "../../domain/hour-hint.ts";

test.each([
  ["2026-11-23T10:30:00Z", "2026-11-23T10"],
  ["2026-11-23t10:30:00.5z", "2026-11-23T10"],
  ["2026-11-23 10:30:00Z", "2026-11-23T10"],
  ["2026-11-23T10:30:00+02:00", "2026-11-23T08"],
  ["2026-11-23", "2026-11-23T00"],
  ["2026-11-23 10", "2026-11-23T10"],
  ["2026-11-23T10:30", "2026-11-23T10"],
  ["2026-11-23T10Z", "2026-11-23T10"],
  ["2026-11-23/10", "2026-11-23T10"],
  ["2026-11-23T24", null],
  ["2026-02-30", null],
  ["2026-11-23T100", null],
  ["yesterday", null],
  ["", null],
])("%s may have meant %s", (text, hour) => {
  expect(hourMeant(text)).toBe(hour);
});

test("[RD1] what is said of a malformed hour has an example, the one that was meant if it can be told", () => {
  expect(malformedHour("yesterday")).toContain('"yesterday" is not an hour');
  expect(malformedHour("yesterday")).toContain("for example 2026-11-23T10");
  expect(malformedHour("2025-01-02T03:04:05Z")).toContain("here probably 2025-01-02T03");
  expect(malformedHour("x".repeat(10_000)).length).toBeLessThan(300);
});
