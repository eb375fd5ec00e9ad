/**
 * Hours: half-open UTC intervals `[10:00, 11:00)`, written `2026-11-23T10`.
 * Time is an argument: nothing here reads a clock.
 */
import * as z from "zod";

/** Milliseconds since 1970-01-01T00:00Z. */
export const EpochMs = z.number().int().min(-8.64e15).max(8.64e15).brand<"EpochMs">();
export type EpochMs = z.infer<typeof EpochMs>;

/** `YYYY-MM-DDTHH`, UTC. Sorts as text in time order for the years 0000–9999. */
export type Hour = string & z.$brand<"Hour">;

const HOUR_MS = 3_600_000;
const pattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{2})$/;

/** Milliseconds as an `EpochMs`; the caller vouches that it read a clock or parsed a timestamp. */
export function epochMs(value: number): EpochMs {
  if (!Number.isFinite(value)) throw new RangeError(`not a time: ${value}`);
  return Math.trunc(value) as EpochMs;
}

/** Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's `days_from_civil`). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a day number: the inverse of `daysFromCivil`. */
export function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z0 = days + 719_468;
  const era = Math.floor(z0 / 146_097);
  const dayOfEra = z0 - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * mp + 2) / 5) + 1,
  };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/** The hour number: hours since 1970-01-01T00. The compact form used in packed rows. */
export function hourNumberOf(at: EpochMs): number {
  return Math.floor(at / HOUR_MS);
}

/**
 * The hour that was written last. Nearly all events are of one hour: to write and read it anew for each of them took 40 % of
 * the CPU of routing and packing a request. An hour that was only read is not kept: it may be no real one.
 */
let last = { number: 0, hour: "1970-01-01T00" as Hour };

/** The hour with that number. Years outside 0000–9999 have no written form and are refused by the parser. */
export function hourOfNumber(number: number): Hour {
  if (number !== last.number) last = { number, hour: written(number) };
  return last.hour;
}

function written(number: number): Hour {
  const days = Math.floor(number / 24);
  const { year, month, day } = civilFromDays(days);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${pad(number - days * 24, 2)}` as Hour;
}

/** The hour that contains `at`: its start is inside, its end is not. */
export function hourOf(at: EpochMs): Hour {
  return hourOfNumber(hourNumberOf(at));
}

export function hourNumber(hour: Hour): number {
  if (hour === last.hour) return last.number;
  const parts = pattern.exec(hour);
  if (parts === null) throw new RangeError(`not an hour: ${hour}`);
  return daysFromCivil(Number(parts[1]), Number(parts[2]), Number(parts[3])) * 24 + Number(parts[4]);
}

export function startOf(hour: Hour): EpochMs {
  return (hourNumber(hour) * HOUR_MS) as EpochMs;
}

/** The first instant that is no longer in the hour. */
export function endOf(hour: Hour): EpochMs {
  return (startOf(hour) + HOUR_MS) as EpochMs;
}

/** The hour `count` hours later (earlier if negative). */
export function plusHours(hour: Hour, count: number): Hour {
  return hourOfNumber(hourNumber(hour) + count);
}

/** Text → hour, or `null` if it is not the written form of a real hour (`2026-02-30T10` is not). */
export function parseHour(text: string): Hour | null {
  if (!pattern.test(text)) return null;
  const hour = text as Hour;
  return hourOfNumber(hourNumber(hour)) === hour ? hour : null;
}

/** zod border for an hour in a path, a query or a stored document. */
export const HourText = z.string().transform((text, ctx): Hour => {
  const hour = parseHour(text);
  if (hour !== null) return hour;
  ctx.addIssue({
    code: "custom",
    message: "an hour is written YYYY-MM-DDTHH in UTC, for example 2026-11-23T10",
  });
  return z.NEVER;
});

/** RFC 3339 in UTC with milliseconds: how times are written in rows, manifests and reports. */
export function isoOf(at: EpochMs): string {
  const days = Math.floor(at / 86_400_000);
  const { year, month, day } = civilFromDays(days);
  let rest = at - days * 86_400_000;
  const ms = rest % 1_000;
  rest = (rest - ms) / 1_000;
  const s = rest % 60;
  rest = (rest - s) / 60;
  const min = rest % 60;
  const h = (rest - min) / 60;
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${pad(h, 2)}:${pad(min, 2)}:${pad(s, 2)}.${pad(ms, 3)}Z`;
}
