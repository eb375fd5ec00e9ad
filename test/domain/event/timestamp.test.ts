import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseTimestamp } from "../../../domain/event/timestamp.ts";

test("agrees with Date on what Date writes, with any offset", () => {
  const date = fc.date({ min: new Date("0000-01-02"), max: new Date("9999-12-30"), noInvalidDate: true });
  fc.assert(
    fc.property(date, fc.integer({ min: -1439, max: 1439 }), (at, offset) => {
      expect(parseTimestamp(at.toISOString())).toBe(at.getTime());
      expect(parseTimestamp(at.toISOString().toLowerCase())).toBe(at.getTime());
      const local = new Date(at.getTime() + offset * 60_000).toISOString().slice(0, -1);
      const minutes = Math.abs(offset);
      const pad = (value: number) => String(value).padStart(2, "0");
      const zone = `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
      expect(parseTimestamp(local + zone)).toBe(at.getTime());
    }),
  );
});

test.each([
  ["2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"],
  ["2016-12-31T15:59:60.75-08:00", "2016-12-31T23:59:59.999Z"],
  ["2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.999Z"],
  ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
  ["2026-11-23T10:59:59.9999999999Z", "2026-11-23T10:59:59.999Z"],
  ["1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900Z"],
  ["2026-11-23T10:00:00-00:00", "2026-11-23T10:00:00.000Z"],
  ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
  ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"],
])("%s is %s", (text, expected) => {
  expect(parseTimestamp(text)).toBe(Date.parse(expected));
});

test.each([
  "",
  "2026-11-23",
  "2026-11-23T10:00Z",
  "2026-11-23T10:00:00",
  "2026-11-23 10:00:00Z",
  "2026-11-23T10:00:00.Z",
  "2026-11-23T10:00:00,5Z",
  "2026-11-23T24:00:00Z",
  "2026-11-23T10:60:00Z",
  "2026-11-23T10:00:61Z",
  "2026-11-23T10:00:60Z",
  "2026-12-30T23:59:60Z",
  "2026-02-29T00:00:00Z",
  "1900-02-29T00:00:00Z",
  "2026-13-01T00:00:00Z",
  "2026-00-01T00:00:00Z",
  "2026-01-00T00:00:00Z",
  "2026-04-31T00:00:00Z",
  "2026-11-23T10:00:00+24:00",
  "2026-11-23T10:00:00+01:60",
  "2026-11-23T10:00:00+0100",
  "2026-11-23T10:00:00+01",
  "2026-11-23T10:00:00ZZ",
  "2026-11-23T10:00:00Z ",
  " 2026-11-23T10:00:00Z",
  "+002026-11-23T10:00:00Z",
  "-2026-11-23T10:00:00Z",
  "26-11-23T10:00:00Z",
  "2026-1-23T10:00:00Z",
  "２026-11-23T10:00:00Z",
  "1700000000",
])("%j is no date-time", (text) => {
  expect(parseTimestamp(text)).toBeNull();
});
