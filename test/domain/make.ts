/** Small values that tests of the domain are made of. */
import type { WaitingAppend } from "../../domain/commit.ts";
import { IdentitySum, fingerprintOf } from "../../domain/fingerprint.ts";
import { Identities } from "../../domain/identities.ts";
import { type Hour, epochMs, parseHour, startOf } from "../../domain/hour.ts";
import { AppendNo, EdgeId, EventType, type HolderName, ShardIndex, holderName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import type { ShardCounters } from "../../domain/manifest.ts";
import { PackedRows, type Row, packRows } from "../../domain/packed-rows.ts";
import type { Plan } from "../../domain/plan.ts";
import type { Tally } from "../../domain/tally.ts";

export const type = EventType.parse("com.example.test");
export const hour = hourOfText("2026-11-23T10");
export const plan: Plan = {
  shards: 1,
  partitionBy: "source",
  hashVersion: 1,
  graceMs: 600_000,
  windowMs: 604_800_000,
  formats: ["ndjson.gz"],
};

export function hourOfText(text: string): Hour {
  return parseHour(text) ?? broken(`not an hour: ${text}`);
}

export function indexOf(index: number): ShardIndex {
  return ShardIndex.parse(index);
}

/** Edge number `no`: its id ends in the number. */
export function edgeOf(no: number): EdgeId {
  return EdgeId.parse(no.toString(16).padStart(16, "0"));
}

/** The fingerprint of the test's event number `no`. */
export function fingerprintNo(no: number): Uint8Array {
  return fingerprintOf({ type, source: "test", id: String(no) });
}

/** The tally of the test's events with these numbers. */
export function tallyOf(numbers: Iterable<number>): Tally {
  const sum = new IdentitySum();
  let rows = 0;
  for (const no of numbers) {
    sum.addFingerprint(fingerprintNo(no));
    rows++;
  }
  return { rows, sum: sum.hex() };
}

/** The row of the test's event number `no`. */
export function rowNo(no: number, more: Partial<Row> = {}): Row {
  return {
    fingerprint: fingerprintNo(no),
    hashes: { source: 0, id: 0 },
    homeHour: hour,
    timeMs: epochMs(startOf(hour) + no),
    claims: 0,
    line: `{"no":${no}}\n`,
    ...more,
  };
}

export function packed(rows: readonly Row[]): PackedRows {
  return PackedRows.read(packRows(rows)) ?? broken("rows that were just packed cannot be read");
}

export function appendOf(edge: number, no: number, rows: readonly Row[]): WaitingAppend {
  return { kind: "append", edge: edgeOf(edge), no: AppendNo.parse(no), rows: packed(rows) };
}

/** A shard that knows nothing yet. */
export function noIdentities(): Identities {
  return new Identities();
}

/** The name of shard `index` of the test's hour, as a holder of rows. */
export function ownerOf(index: number, of: Hour = hour): HolderName {
  return holderName({ hour: of, index: indexOf(index) });
}

/** The counters of a shard that delivered what it accepted: no claim, no move. */
export function countersOfShard(
  index: number,
  tally: Tally,
  more: Partial<ShardCounters> = {},
): ShardCounters {
  return {
    index: indexOf(index),
    hour,
    accepted: tally,
    reassignedIn: [],
    delivered: tally,
    denied: tallyOf([]),
    reassignedOut: [],
    unguarded: 0,
    duplicates: 0,
    ...more,
  };
}

/** Fingerprints of the test's events, one after the other. */
export function packedNos(numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(numbers.flatMap((no) => [...fingerprintNo(no)]));
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
