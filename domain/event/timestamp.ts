/**
 * RFC 3339 section 5.6 `date-time`, strictly: `T` and `Z` in either case, any number of fraction digits, offsets.
 * Not taken: a space for the `T`, missing seconds or offset, 24:00, days that do not exist.
 */
import { type EpochMs, civilFromDays, daysFromCivil, epochMs } from "../hour.ts";

const DAY_MS = 86_400_000;

/**
 * Text → milliseconds, or `null` if it is not a `date-time`. Fractions are cut, not rounded: an event of
 * 10:59:59.9999 belongs to hour 10. So does a leap second, which counts as the last millisecond before it.
 * Read by character codes: a pattern with groups took as long as everything else that is checked of an event.
 */
export function parseTimestamp(text: string): EpochMs | null {
  const year = digits(text, 0) * 100 + digits(text, 2);
  const month = digits(text, 5);
  const day = digits(text, 8);
  const hour = digits(text, 11);
  const minute = digits(text, 14);
  const second = digits(text, 17);
  const written =
    text[4] === "-" &&
    text[7] === "-" &&
    (text[10] === "T" || text[10] === "t") &&
    text[13] === ":" &&
    text[16] === ":";
  // Comparisons with NaN are false, so each is put so that it must hold.
  if (!written || !(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) {
    return null;
  }
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return null;

  let at = 19;
  let fractionMs = 0;
  if (text[at] === ".") {
    let unitMs = 100;
    for (at++; isDigit(text, at); at++) {
      if (unitMs >= 1) fractionMs += (text.charCodeAt(at) - ZERO) * unitMs;
      unitMs /= 10;
    }
    if (at === 20) return null;
  }
  const offset = offsetMinutes(text, at);
  if (offset === null) return null;

  const minutes = hour * 60 + minute - offset;
  const minuteMs = daysFromCivil(year, month, day) * DAY_MS + minutes * 60_000;
  if (second < 60) return epochMs(minuteMs + second * 1_000 + fractionMs);
  // Section 5.7: leap seconds come at the end of a month in UTC, whatever the offset it is written with.
  return startsMonth(minuteMs + 60_000) ? epochMs(minuteMs + 59_999) : null;
}

/** `time-offset`, which must end the text: `Z`, or the minutes to subtract to get UTC. */
function offsetMinutes(text: string, at: number): number | null {
  const sign = text[at];
  if (sign === "Z" || sign === "z") return text.length === at + 1 ? 0 : null;
  if ((sign !== "+" && sign !== "-") || text[at + 3] !== ":" || text.length !== at + 6) return null;
  const hour = digits(text, at + 1);
  const minute = digits(text, at + 4);
  if (!(hour <= 23 && minute <= 59)) return null;
  return sign === "-" ? -(hour * 60 + minute) : hour * 60 + minute;
}

const ZERO = 48;

/** The number that two digits write; NaN if they are not digits. */
function digits(text: string, at: number): number {
  if (!isDigit(text, at) || !isDigit(text, at + 1)) return Number.NaN;
  return (text.charCodeAt(at) - ZERO) * 10 + (text.charCodeAt(at + 1) - ZERO);
}

function isDigit(text: string, at: number): boolean {
  const value = text.charCodeAt(at) - ZERO;
  return value >= 0 && value <= 9;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** True if `ms` is midnight UTC on the first of a month. */
function startsMonth(ms: number): boolean {
  return ms % DAY_MS === 0 && civilFromDays(ms / DAY_MS).day === 1;
}
