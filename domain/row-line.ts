/**
 * The line of a row: what an edge writes, a shard keeps, a part holds and an auditor reads again.
 * The schema's version stands at a fixed place, so that a shard counts it without parsing what was posted.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Hour } from "./hour.ts";

/**
 * `eventJson` is the event as posted, on one line. `schemaVersion`: of the schema that its data was held against; 0: none.
 */
export function rowLine(eventJson: string, receivedAt: string, homeHour: Hour, schemaVersion = 0): string {
  const schema = schemaVersion === 0 ? "" : `"schema_version":${schemaVersion},`;
  return `{"received_at":"${receivedAt}","home_hour":"${homeHour}",${schema}"event":${eventJson}}\n`;
}

/** The line of a row whose home has forgotten its identities: nobody can say whether it was delivered before. */
export function unguardedLine(line: string): string {
  return `${unguardedStart}${line.slice(1)}`;
}

const unguardedStart = '{"unguarded":true,';
const schemaMember = utf8ToBytes('"schema_version":');
const schemaMemberAt = '{"received_at":"2026-11-23T10:00:00.000Z","home_hour":"2026-11-23T10",'.length;
const zero = 48;

/** The version of the schema that a row was held against, from the bytes of its line, which lie at `from` to `to`; 0: none. */
export function schemaVersionOf(bytes: Uint8Array, from = 0, to = bytes.length): number {
  const unguarded = bytes[from + 2] === unguardedStart.charCodeAt(2);
  let at = from + schemaMemberAt + (unguarded ? unguardedStart.length - 1 : 0);
  if (at + schemaMember.length > to) return 0;
  for (const byte of schemaMember) if (bytes[at++] !== byte) return 0;
  let version = 0;
  for (; at < to; at++) {
    const value = (bytes[at] ?? 0) - zero;
    if (value < 0 || value > 9) break;
    version = version * 10 + value;
  }
  return version;
}
