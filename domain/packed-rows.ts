/**
 * Packed rows: how the rows of one append travel from edge to shard, as bytes and not as objects.
 *
 *     u32 count · count × header · payload
 *     header: fingerprint (16) · partition hash (u32) · home hour number (i32) · time ms (f64, NaN: undated) · length (u32)
 *
 * All numbers are little-endian. The payload is the rows' lines, one after the other, each ending in "\n".
 * The reader checks every length against the bytes it was given; a body that does not add up is no rows at all.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { fingerprintBytes } from "./fingerprint.ts";
import { type EpochMs, type Hour, hourNumber, hourOfNumber } from "./hour.ts";

/** Bytes of one row's header. */
export const headerBytes = fingerprintBytes + 4 + 4 + 8 + 4;

/** One row as the edge makes it. */
export interface Row {
  readonly fingerprint: Uint8Array;
  readonly partitionHash: number;
  readonly homeHour: Hour;
  readonly timeMs: EpochMs | null;
  /** The row's line, `\n` included: what is stored, delivered and re-read. */
  readonly line: string;
}

export function packRows(rows: readonly Row[]): Uint8Array<ArrayBuffer> {
  const lines = rows.map((row) => utf8ToBytes(row.line));
  const payloadAt = 4 + rows.length * headerBytes;
  const packed = new Uint8Array(lines.reduce((bytes, line) => bytes + line.length, payloadAt));
  const view = new DataView(packed.buffer);
  view.setUint32(0, rows.length, true);
  let at = payloadAt;
  rows.forEach((row, index) => {
    const line = lines[index] ?? new Uint8Array();
    const header = 4 + index * headerBytes;
    packed.set(row.fingerprint, header);
    view.setUint32(header + 16, row.partitionHash, true);
    view.setInt32(header + 20, hourNumber(row.homeHour), true);
    view.setFloat64(header + 24, row.timeMs ?? Number.NaN, true);
    view.setUint32(header + 32, line.length, true);
    packed.set(line, at);
    at += line.length;
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

  partitionHash(row: number): number {
    return this.#view.getUint32(this.#header(row) + 16, true);
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

  /** The row's line, as a view into `bytes`. */
  line(row: number): Uint8Array {
    return this.bytes.subarray(this.#starts[row], this.#starts[row + 1]);
  }

  lineBytes(row: number): number {
    return (this.#starts[row + 1] ?? 0) - (this.#starts[row] ?? 0);
  }

  #header(row: number): number {
    if (row < 0 || row >= this.count) throw new RangeError(`row ${row} of ${this.count}`);
    return 4 + row * headerBytes;
  }
}
