/**
 * Packed rows: how the rows of one append travel from edge to shard, as bytes and not as objects.
 *
 *     u32 count · count × header · payload
 *     header: fingerprint (16) · hash by source (u32) · home hour number (i32)
 *             · time ms (f64, NaN: undated) · length (u32) · claims (u32) · hash by id (u32)
 *
 * All numbers are little-endian. The payload is the rows' lines, one after the other, each ending in "\n".
 * The reader checks every length against the bytes it was given; a body that does not add up is no rows at all.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { utf8Length } from "./event/utf8.ts";
import { fingerprintBytes } from "./fingerprint.ts";
import { type EpochMs, type Hour, hourNumber, hourOfNumber } from "./hour.ts";
import type { PartitionHashes } from "./plan.ts";
import type { PartitionBy } from "./stream.ts";

/** Bytes of one row's header. */
export const headerBytes = fingerprintBytes + 4 + 4 + 4 + 8 + 4 + 4;

/**
 * Where a row's identity must be claimed before the row is delivered. A row without claims is a home row: the shard that
 * holds it is its home, and decides at once whether it is new.
 */
export const claims = { none: 0, dated: 1, undated: 2, both: 3 } as const;
export type Claims = (typeof claims)[keyof typeof claims];

/** One row as the edge makes it. */
export interface Row {
  readonly fingerprint: Uint8Array;
  /** By either key that a plan can choose: an hour's home is found by that hour's plan, whichever the edge assumed. */
  readonly hashes: PartitionHashes;
  readonly homeHour: Hour;
  readonly timeMs: EpochMs | null;
  readonly claims: Claims;
  /** The row's line, `\n` included: what is stored, delivered and re-read. */
  readonly line: string;
}

/** Writes as much of a text as there is room for, as UTF-8; `read` is in units of the text. The platform's, see TextEncoder. */
export type EncodeInto = (text: string, to: Uint8Array) => { readonly read: number };

/**
 * With `encodeInto`, a text that is all ASCII, as JSON mostly is, is written where it goes: to encode it elsewhere and copy it
 * took half of the CPU of packing. The bytes are the same without.
 */
export function packRows(rows: readonly Row[], encodeInto?: EncodeInto): Uint8Array<ArrayBuffer> {
  // All lines at once: the platform's encoder costs as much for a line as for ten thousand characters.
  const text = rows.map(({ line }) => line).join("");
  const payloadAt = 4 + rows.length * headerBytes;
  let packed = new Uint8Array(payloadAt + text.length);
  const ascii = encodeInto?.(text, packed.subarray(payloadAt)).read === text.length;
  if (!ascii) {
    const payload = utf8ToBytes(text);
    packed = new Uint8Array(payloadAt + payload.length);
    packed.set(payload, payloadAt);
  }
  const view = new DataView(packed.buffer);
  view.setUint32(0, rows.length, true);
  rows.forEach(({ fingerprint, hashes, homeHour, timeMs, line, claims: needed }, index) => {
    const header = 4 + index * headerBytes;
    packed.set(fingerprint, header);
    view.setUint32(header + 16, hashes.source, true);
    view.setUint32(header + 40, hashes.id, true);
    view.setInt32(header + 20, hourNumber(homeHour), true);
    view.setFloat64(header + 24, timeMs ?? Number.NaN, true);
    view.setUint32(header + 32, ascii ? line.length : utf8Length(line), true);
    view.setUint32(header + 36, needed, true);
  });
  return packed;
}

/** Packed rows, read in place: nothing is copied until a row is kept. */
export class PackedRows {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly #view: DataView;
  /** Where each row's line starts; one more entry than rows. */
  readonly #starts: Uint32Array;

  private constructor(bytes: Uint8Array, view: DataView, count: number, starts: Uint32Array) {
    this.bytes = bytes;
    this.#view = view;
    this.count = count;
    this.#starts = starts;
  }

  /** The rows in these bytes, or null if the lengths do not add up. */
  static read(bytes: Uint8Array): PackedRows | null {
    if (bytes.length < 4) return null;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = view.getUint32(0, true);
    const payloadAt = 4 + count * headerBytes;
    if (payloadAt > bytes.length) return null;
    const starts = new Uint32Array(count + 1);
    let at = payloadAt;
    for (let row = 0; row < count; row++) {
      starts[row] = at;
      at += view.getUint32(4 + row * headerBytes + 32, true);
      if (at > bytes.length) return null;
    }
    starts[count] = at;
    return at === bytes.length ? new PackedRows(bytes, view, count, starts) : null;
  }

  /** Where the row's fingerprint starts in `bytes`. */
  fingerprintAt(row: number): number {
    return this.#header(row);
  }

  copyFingerprint(row: number, to: Uint8Array, at: number): void {
    const from = this.#header(row);
    for (let byte = 0; byte < fingerprintBytes; byte++) to[at + byte] = this.bytes[from + byte] ?? 0;
  }

  /** The row's hash by the partition key of a plan. */
  hash(row: number, by: PartitionBy): number {
    return this.#view.getUint32(this.#header(row) + (by === "source" ? 16 : 40), true);
  }

  homeHourNumber(row: number): number {
    return this.#view.getInt32(this.#header(row) + 20, true);
  }

  homeHour(row: number): Hour {
    return hourOfNumber(this.homeHourNumber(row));
  }

  /** Event time in ms; NaN if undated. */
  timeMs(row: number): number {
    return this.#view.getFloat64(this.#header(row) + 24, true);
  }

  /** 0 for a home row; see `claims`. */
  claims(row: number): number {
    return this.#view.getUint32(this.#header(row) + 36, true);
  }

  /** The row's line, as a view into `bytes`. */
  line(row: number): Uint8Array {
    return this.lines(row, row + 1);
  }

  /** The lines of rows that follow one another, `end` not included. */
  lines(first: number, end: number): Uint8Array {
    return this.bytes.subarray(this.#starts[first], this.#starts[end]);
  }

  /** Where the row's line starts in `bytes`. Of the row after the last one: where the lines end. */
  lineAt(row: number): number {
    return this.#starts[row] ?? 0;
  }

  lineBytes(row: number): number {
    return this.lineAt(row + 1) - this.lineAt(row);
  }

  #header(row: number): number {
    if (row < 0 || row >= this.count) throw new RangeError(`row ${row} of ${this.count}`);
    return 4 + row * headerBytes;
  }
}

/** Rows of some packed rows that follow one another, `end` not included. */
export interface RowRun {
  readonly rows: PackedRows;
  readonly first: number;
  readonly end: number;
}

/**
 * Rows that are kept one by one, as runs: mostly all rows of an append are, and then they are copied at once. To copy
 * each by itself, with a view of its line and one of its fingerprint, took a quarter of the CPU of deciding a commit.
 */
export class RowRuns {
  readonly #runs: { readonly rows: PackedRows; readonly first: number; end: number }[] = [];

  add(rows: PackedRows, row: number): void {
    const last = this.#runs.at(-1);
    if (last?.rows === rows && last.end === row) last.end++;
    else this.#runs.push({ rows, first: row, end: row + 1 });
  }

  get runs(): readonly RowRun[] {
    return this.#runs;
  }
}

/** Some rows of some packed rows, packed anew: headers and lines are copied as they are. */
export function selectRows(runs: readonly RowRun[]): Uint8Array<ArrayBuffer> {
  let count = 0;
  let lineBytes = 0;
  for (const { rows, first, end } of runs) {
    count += end - first;
    lineBytes += rows.lineAt(end) - rows.lineAt(first);
  }
  const packed = new Uint8Array(4 + count * headerBytes + lineBytes);
  new DataView(packed.buffer).setUint32(0, count, true);
  let headerAt = 4;
  let at = 4 + count * headerBytes;
  for (const { rows, first, end } of runs) {
    const from = rows.fingerprintAt(first);
    packed.set(rows.bytes.subarray(from, from + (end - first) * headerBytes), headerAt);
    packed.set(rows.lines(first, end), at);
    headerAt += (end - first) * headerBytes;
    at += rows.lineAt(end) - rows.lineAt(first);
  }
  return packed;
}
