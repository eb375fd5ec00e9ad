/**
 * The decision at the heart of a shard: which rows of the waiting appends are new, and which batch rows they become.
 *
 * Appends are decided in the order in which they came; an identity counts from the first row that brought it.
 * The set is changed while deciding. That is safe only because its owner answers nobody before the batches are
 * durable, and aborts, set and all, when they cannot be written.
 */
import type { IdentitySet } from "./identity-set.ts";
import type { AppendNo, EdgeId } from "./ids.ts";
import { appendsPerCommitMax, batchPayloadBytesMax, batchRowsMax, commitBytesMax } from "./limits.ts";
import type { PartContent } from "./manifest.ts";
import type { PackedRows } from "./packed-rows.ts";
import { ContentCounter } from "./part-content.ts";
import { fingerprintBytes } from "./fingerprint.ts";
import { IdentitySum } from "./fingerprint.ts";
import type { Tally } from "./tally.ts";

/** One append as it waits in the queue. */
export interface WaitingAppend {
  readonly edge: EdgeId;
  readonly no: AppendNo;
  readonly rows: PackedRows;
}

/** What becomes of one append. */
export interface AppendOutcome {
  readonly accepted: Tally;
  readonly duplicates: number;
  /** One byte a row: 1 accepted, 0 duplicate. */
  readonly acceptedRows: Uint8Array<ArrayBuffer>;
}

/** What a shard remembers of an append that brought rows, so that its fate can be looked up. */
export interface AppendTag {
  readonly edge: EdgeId;
  readonly no: AppendNo;
  readonly accepted: Tally;
}

/** One batch row: new rows of one or more appends, as they will be stored. */
export interface Batch {
  readonly content: PartContent;
  readonly fingerprints: Uint8Array<ArrayBuffer>;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface Commit {
  /** In the order of the appends. */
  readonly outcomes: readonly AppendOutcome[];
  readonly batches: readonly Batch[];
  /** Tags of the appends that brought rows; stored with the first batch. */
  readonly tags: readonly AppendTag[];
  readonly duplicates: number;
}

/** How many of the waiting appends the next commit takes: at least one, bounded in bytes and count. */
export function appendsOfNextCommit(waiting: readonly WaitingAppend[]): number {
  let bytes = 0;
  let count = 0;
  for (const append of waiting) {
    bytes += append.rows.bytes.length;
    if (count > 0 && (bytes > commitBytesMax || count >= appendsPerCommitMax)) break;
    count++;
  }
  return count;
}

export function decideCommit(seen: IdentitySet, appends: readonly WaitingAppend[]): Commit {
  const writer = new BatchWriter();
  const outcomes: AppendOutcome[] = [];
  const tags: AppendTag[] = [];
  let duplicates = 0;
  for (const { edge, no, rows } of appends) {
    const acceptedRows = new Uint8Array(rows.count);
    const sum = new IdentitySum();
    let accepted = 0;
    for (let row = 0; row < rows.count; row++) {
      const at = rows.fingerprintAt(row);
      if (!seen.add(rows.bytes, at)) continue;
      acceptedRows[row] = 1;
      accepted++;
      sum.addFingerprint(rows.bytes, at);
      writer.add(rows, row);
    }
    const outcome = {
      accepted: { rows: accepted, sum: sum.hex() },
      duplicates: rows.count - accepted,
      acceptedRows,
    };
    duplicates += outcome.duplicates;
    outcomes.push(outcome);
    if (accepted > 0) tags.push({ edge, no, accepted: outcome.accepted });
  }
  return { outcomes, batches: writer.finish(), tags, duplicates };
}

/** Cuts rows into batches that fit a SQLite row each. */
class BatchWriter {
  readonly #batches: Batch[] = [];
  #kept: { rows: PackedRows; row: number }[] = [];
  #counter = new ContentCounter();

  add(rows: PackedRows, row: number): void {
    const full =
      this.#counter.rows > 0 &&
      (this.#counter.rows >= batchRowsMax ||
        this.#counter.bytes + rows.lineBytes(row) > batchPayloadBytesMax);
    if (full) this.#cut();
    this.#kept.push({ rows, row });
    this.#counter.addRow(rows, row);
  }

  finish(): readonly Batch[] {
    if (this.#counter.rows > 0) this.#cut();
    return this.#batches;
  }

  #cut(): void {
    const fingerprints = new Uint8Array(this.#counter.rows * fingerprintBytes);
    const payload = new Uint8Array(this.#counter.bytes);
    let at = 0;
    this.#kept.forEach(({ rows, row }, index) => {
      const from = rows.fingerprintAt(row);
      fingerprints.set(rows.bytes.subarray(from, from + fingerprintBytes), index * fingerprintBytes);
      payload.set(rows.line(row), at);
      at += rows.lineBytes(row);
    });
    this.#batches.push({ content: this.#counter.content(), fingerprints, payload });
    this.#kept = [];
    this.#counter = new ContentCounter();
  }
}

// ── Tags, packed: 8 bytes edge id · u32 append number · u32 rows · 8 bytes identity sum ────────────────────

export const tagBytes = 24;

export function packTags(tags: readonly AppendTag[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(tags.length * tagBytes);
  const view = new DataView(packed.buffer);
  tags.forEach((tag, index) => {
    const at = index * tagBytes;
    setHex(view, at, tag.edge);
    view.setUint32(at + 8, tag.no);
    view.setUint32(at + 12, tag.accepted.rows);
    setHex(view, at + 16, tag.accepted.sum);
  });
  return packed;
}

export function unpackTags(packed: Uint8Array): AppendTag[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const tags: AppendTag[] = [];
  for (let at = 0; at + tagBytes <= packed.length; at += tagBytes) {
    tags.push({
      edge: getHex(view, at) as EdgeId,
      no: view.getUint32(at + 8) as AppendNo,
      accepted: { rows: view.getUint32(at + 12), sum: getHex(view, at + 16) as Tally["sum"] },
    });
  }
  return tags;
}

function setHex(view: DataView, at: number, hex: string): void {
  view.setUint32(at, Number.parseInt(hex.slice(0, 8), 16));
  view.setUint32(at + 4, Number.parseInt(hex.slice(8), 16));
}

function getHex(view: DataView, at: number): string {
  return (
    view.getUint32(at).toString(16).padStart(8, "0") +
    view
      .getUint32(at + 4)
      .toString(16)
      .padStart(8, "0")
  );
}
