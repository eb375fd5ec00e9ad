/**
 * The decision at the heart of a shard: which rows of the waiting appends are new, and which batch rows they become.
 *
 * Appends are decided in the order in which they came; an identity counts from the first row that brought it.
 * The identities are changed while deciding. That is safe only because its owner answers nobody before the batches are
 * durable, and aborts, memory and all, when they cannot be written.
 */
import type { Identities } from "./identities.ts";
import type { AppendNo, EdgeId, HolderName } from "./ids.ts";
import {
  appendsPerCommitMax,
  batchPayloadBytesMax,
  batchRowsMax,
  commitBytesMax,
  foreignRowsMax,
} from "./limits.ts";
import type { PartContent } from "./manifest.ts";
import { type PackedRows, type RowRun, RowRuns, claims as claimsOfRow, selectRows } from "./packed-rows.ts";
import { ContentCounter } from "./part-content.ts";
import { IdentitySum, fingerprintBytes } from "./fingerprint.ts";

import type { Tally } from "./tally.ts";

/** One append as it waits in the queue. */
export interface WaitingAppend {
  readonly kind: "append";
  readonly edge: EdgeId;
  readonly no: AppendNo;
  readonly rows: PackedRows;
}

/** One claim as it waits in the queue: it is decided in the same order as appends are. */
export interface WaitingClaim {
  readonly kind: "claim";
  readonly owner: HolderName;
  /** Packed fingerprints. */
  readonly fingerprints: Uint8Array;
}

export type Waiting = WaitingAppend | WaitingClaim;

/** One byte a fingerprint: 1 granted, 0 denied. */
export interface ClaimOutcome {
  readonly granted: Uint8Array<ArrayBuffer>;
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

/** Rows that must be claimed before they are delivered, as they will be stored. */
export interface ForeignBatch {
  readonly content: PartContent;
  /** Packed rows, see packed-rows.ts. */
  readonly rows: Uint8Array<ArrayBuffer>;
}

/** Identities of this home that somebody else owns from now on. */
export interface NewClaim {
  readonly owner: HolderName;
  readonly fingerprints: Uint8Array<ArrayBuffer>;
}

export interface Commit {
  /** In the order of what waited. */
  readonly outcomes: readonly (AppendOutcome | ClaimOutcome)[];
  readonly batches: readonly Batch[];
  readonly foreign: readonly ForeignBatch[];
  readonly claims: readonly NewClaim[];
  /** Tags of the appends that brought rows; stored with the first batch. */
  readonly tags: readonly AppendTag[];
  readonly duplicates: number;
}

/** How much of what waits the next commit takes: at least one, bounded in bytes and count. */
export function countOfNextCommit(waiting: readonly Waiting[]): number {
  let bytes = 0;
  let count = 0;
  for (const one of waiting) {
    bytes += waitingBytes(one);
    if (count > 0 && (bytes > commitBytesMax || count >= appendsPerCommitMax)) break;
    count++;
  }
  return count;
}

export function waitingBytes(waiting: Waiting): number {
  return waiting.kind === "append" ? waiting.rows.bytes.length : waiting.fingerprints.length;
}

export function decideCommit(identities: Identities, waiting: readonly Waiting[]): Commit {
  const home = new BatchWriter();
  const foreign = new ForeignWriter();
  const claims: NewClaim[] = [];
  const outcomes: (AppendOutcome | ClaimOutcome)[] = [];
  const tags: AppendTag[] = [];
  let duplicates = 0;
  for (const one of waiting) {
    if (one.kind === "claim") {
      const { granted, claimed } = decideClaim(identities, one);
      outcomes.push({ granted });
      if (claimed.fingerprints.length > 0) claims.push(claimed);
      continue;
    }
    const outcome = decideAppend(identities, one.rows, home, foreign);
    duplicates += outcome.duplicates;
    outcomes.push(outcome);
    if (outcome.accepted.rows > 0) tags.push({ edge: one.edge, no: one.no, accepted: outcome.accepted });
  }
  return { outcomes, batches: home.finish(), foreign: foreign.finish(), claims, tags, duplicates };
}

function decideAppend(
  identities: Identities,
  rows: PackedRows,
  home: BatchWriter,
  foreign: ForeignWriter,
): AppendOutcome {
  const acceptedRows = new Uint8Array(rows.count);
  const sum = new IdentitySum();
  let accepted = 0;
  for (let row = 0; row < rows.count; row++) {
    const at = rows.fingerprintAt(row);
    const foreignRow = rows.claims(row) !== claimsOfRow.none;
    if (!identities.addRow(rows.bytes, at, foreignRow)) continue;
    acceptedRows[row] = 1;
    accepted++;
    sum.addFingerprint(rows.bytes, at);
    if (foreignRow) foreign.add(rows, row);
    else home.add(rows, row);
  }
  return { accepted: { rows: accepted, sum: sum.hex() }, duplicates: rows.count - accepted, acceptedRows };
}

function decideClaim(
  identities: Identities,
  { owner, fingerprints }: WaitingClaim,
): { readonly granted: Uint8Array<ArrayBuffer>; readonly claimed: NewClaim } {
  const count = Math.floor(fingerprints.length / fingerprintBytes);
  const granted = new Uint8Array(count);
  const claimed: Uint8Array[] = [];
  for (let no = 0; no < count; no++) {
    const fingerprint = fingerprints.subarray(no * fingerprintBytes, (no + 1) * fingerprintBytes);
    const outcome = identities.claim(fingerprint, owner);
    if (outcome === "denied") continue;
    granted[no] = 1;
    if (outcome === "granted") claimed.push(fingerprint);
  }
  const packed = new Uint8Array(claimed.length * fingerprintBytes);
  claimed.forEach((fingerprint, index) => {
    packed.set(fingerprint, index * fingerprintBytes);
  });
  return { granted, claimed: { owner, fingerprints: packed } };
}

/** Cuts rows into runs that fit a SQLite row each. */
abstract class RowCutter<Run> {
  readonly #runs: Run[] = [];
  readonly #rowsMax: number;
  #kept = new RowRuns();
  #counter = new ContentCounter();

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  add(rows: PackedRows, row: number): void {
    const full =
      this.#counter.rows > 0 &&
      (this.#counter.rows >= this.#rowsMax ||
        this.#counter.bytes + rows.lineBytes(row) > batchPayloadBytesMax);
    if (full) this.#cut();
    this.#kept.add(rows, row);
    this.#counter.addRow(rows, row);
  }

  finish(): readonly Run[] {
    if (this.#counter.rows > 0) this.#cut();
    return this.#runs;
  }

  #cut(): void {
    this.#runs.push(this.run(this.#kept.runs, this.#counter.content()));
    this.#kept = new RowRuns();
    this.#counter = new ContentCounter();
  }

  protected abstract run(kept: readonly RowRun[], content: PartContent): Run;
}

/** Rows that are sure to be delivered. */
export class BatchWriter extends RowCutter<Batch> {
  constructor() {
    super(batchRowsMax);
  }

  protected override run(kept: readonly RowRun[], content: PartContent): Batch {
    const fingerprints = new Uint8Array(content.tally.rows * fingerprintBytes);
    const payload = new Uint8Array(content.plainBytes);
    let fingerprintAt = 0;
    let at = 0;
    for (const { rows, first, end } of kept) {
      for (let row = first; row < end; row++, fingerprintAt += fingerprintBytes)
        rows.copyFingerprint(row, fingerprints, fingerprintAt);
      payload.set(rows.lines(first, end), at);
      at += rows.lineAt(end) - rows.lineAt(first);
    }
    return { content, fingerprints, payload };
  }
}

/** Rows that wait for their claims. */
export class ForeignWriter extends RowCutter<ForeignBatch> {
  constructor() {
    super(foreignRowsMax);
  }

  protected override run(kept: readonly RowRun[], content: PartContent): ForeignBatch {
    return { content, rows: selectRows(kept) };
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
