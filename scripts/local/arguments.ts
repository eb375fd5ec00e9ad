/** Command-line arguments: telling a wrong one from a fault of the program, and checking numbers and keys. */
import { malformedHour } from "../../domain/hour-hint.ts";
import { type Hour, parseHour } from "../../domain/hour.ts";

export class BadArgument extends Error {
  override readonly name = "BadArgument";
}

/** True for what `parseArgs` throws, and for `BadArgument`: the usage helps. */
export function isArgumentError(error: unknown): boolean {
  if (error instanceof BadArgument) return true;
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

/** `90s`, `30m`, `2h`, or seconds without a unit. */
export function durationMs(flag: string, text: string): number {
  const [, number, unit = "s"] = /^(\d{1,6})(s|m|h)?$/.exec(text) ?? [];
  const ms = Number(number) * ({ s: 1_000, m: 60_000, h: 3_600_000 }[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new BadArgument(`--${flag} takes a time like 90s, 30m or 2h, not ${JSON.stringify(text)}`);
}

/** A whole number between two bounds, or a sentence that says which. */
export function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new BadArgument(
      `--${flag} takes a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`,
    );
  }
  return value;
}

/** An hour, or a date for its first one; null if it is not given. */
export function hourOf(flag: string, text: string | undefined): Hour | null {
  if (text === undefined) return null;
  const hour = parseHour(text) ?? (/^\d{4}-\d{2}-\d{2}$/.test(text) ? parseHour(`${text}T00`) : null);
  if (hour === null) throw new BadArgument(`--${flag}: ${malformedHour(text)}`);
  return hour;
}
