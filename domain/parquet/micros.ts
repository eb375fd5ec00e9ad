/** Times as Parquet stores them: microseconds since 1970, in UTC. */
import { parseTimestamp } from "../event/timestamp.ts";

/** RFC 3339 text → microseconds, finer fractions cut; null if it is none. */
export function microsOf(text: string): bigint | null {
  const ms = parseTimestamp(text);
  if (ms === null) return null;
  const finer = /^.{19}\.\d{3}(\d{1,3})/.exec(text)?.[1];
  const leap = text.slice(17, 19) === "60";
  return BigInt(ms) * 1_000n + (finer === undefined || leap ? 0n : BigInt(finer.padEnd(3, "0")));
}

/** The millisecond in which the microsecond lies. */
export function msOfMicros(micros: bigint): number {
  const fraction = ((micros % 1_000n) + 1_000n) % 1_000n;
  return Number((micros - fraction) / 1_000n);
}

/** True if the text says what its microseconds say and no more: no offset, no finer fraction, no leap second. */
export function isPlainTime(text: string): boolean {
  return /^.{17}[0-5]\d(\.\d{1,6})?Z$/.test(text) && text[10] === "T";
}
