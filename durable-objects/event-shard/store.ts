/** The shard's only SQL. Every method is one step of the shell: no decision is made here, nothing is awaited. */
import * as z from "zod";
import { type Batch, type Commit, type ForeignBatch, packTags } from "../../domain/commit.ts";
import type { ShardPhase } from "../../domain/enrol.ts";
import { compactRuns } from "../../domain/compact.ts";
import { fingerprintBytes } from "../../domain/fingerprint.ts";
import { type Format, encoderOf, formatOf } from "../../domain/encoding.ts";
import type { UnfrozenBatch } from "../../domain/flush.ts";
import { type EpochMs, type Hour, HourText } from "../../domain/hour.ts";
import { HolderName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { compactBytesMax, sqliteRowBytesMax, tailPageBytes, windowMsDefault } from "../../domain/limits.ts";
import { type Move, PartContent, addMoves } from "../../domain/manifest.ts";
import type { TailRange } from "../../domain/merge.ts";
import { HomeAddress } from "../../domain/messages.ts";
import { PackedRows } from "../../domain/packed-rows.ts";
import { addContents } from "../../domain/part-content.ts";
import { Plan } from "../../domain/plan.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import { Tally, addTallies } from "../../domain/tally.ts";
import { type ObjectStorage, type SqlValue, blobOf, isBlank, migrate } from "../../platform/storage.ts";
import { migrations, whole } from "./schema.ts";

export interface ShardState {
  readonly phase: ShardPhase;
  readonly plan: Plan | null;
  readonly windowMs: number;
  readonly duplicates: number;
}

/** How far a bucket that this shard delivers to has come. */
export interface Delivery {
  readonly hour: Hour;
  readonly state: "open" | "closed" | "dropped";
}

/** Foreign rows that wait for their claims. */
export interface WaitingForeign {
  readonly seq: number;
  readonly rows: PackedRows;
}

/** What became of the rows of one foreign batch. */
export interface ResolvedForeign {
  readonly seq: number;
  readonly states: Uint8Array<ArrayBuffer>;
  readonly denied: Tally;
  readonly moved: Tally;
  readonly unguarded: number;
}

/** What one home answered in one round of claims. */
export interface AnswerOfHome {
  readonly home: HomeAddress;
  readonly granted: Tally;
  readonly denied: Uint8Array<ArrayBuffer>;
}

/** Tallies of the foreign rows of one delivery. */
export interface ForeignTotals {
  readonly appended: Tally;
  /** Rows that came from other deliveries, and rows that went to others, by their hours. */
  readonly movedIn: Move[];
  readonly movedOut: Move[];
  readonly denied: Tally;
  readonly unguarded: number;
}

/** A part as it was frozen; `put` once R2 has it. */
export interface FrozenPart {
  readonly no: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly keyNo: number;
  readonly encoder: number;
  readonly format: Format;
  readonly schema: JsonObject | null;
  readonly content: PartContent;
  readonly put: { readonly key: string; readonly bytes: number; readonly sha256: string } | null;
}

/** Batches of one delivery that follow each other, and what they hold together. */
export interface BatchRun extends TailRange {
  readonly content: PartContent;
}

/** A batch with its payload, null if that is dropped; for an export. */
export interface StoredBatch {
  readonly seq: number;
  readonly hour: Hour;
  readonly kind: "home" | "claimed";
  readonly rows: number;
  readonly fingerprints: Uint8Array;
  readonly payload: Uint8Array | null;
}

/** Foreign rows that wait for their claims, as they are stored; for an export. */
export interface StoredForeign {
  readonly seq: number;
  readonly hour: Hour;
  readonly movedFrom: Hour | null;
  readonly rows: Uint8Array;
}

interface PartRow extends Record<string, ArrayBuffer | string | number | null> {
  no: number;
  first_seq: number;
  last_seq: number;
  encoder: number;
  schema: string | null;
  content: string;
  key_no: number;
  key: string | null;
  bytes: number | null;
  sha256: string | null;
}

const blank: ShardState = { phase: "blank", plan: null, windowMs: windowMsDefault, duplicates: 0 };

function json<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.infer<Schema>> {
  return z.string().transform((text) => schema.parse(JSON.parse(text)));
}

const ShardRow = z.object({
  phase: z.enum(["guard", "open", "closed"]),
  plan: json(Plan).nullable(),
  window_ms: z.number(),
  duplicates: z.number(),
});
const DeliveryRow = z.object({
  hour: HourText,
  state: z.enum(["open", "closed", "dropped"]),
});
const ContentText = json(PartContent);
const HomeText = json(HomeAddress);
const SchemaText = json(z.record(z.string(), z.unknown()));
const ForeignRow = z.object({
  content: ContentText,
  moved_from: HourText.nullable(),
  denied: json(Tally).nullable(),
  moved: json(Tally).nullable(),
  moved_to: HourText.nullable(),
  unguarded: z.number(),
});

const Blob = z.instanceof(ArrayBuffer).transform((buffer) => new Uint8Array(buffer));
const DroppedRow = z
  .object({
    seq: z.number(),
    kind: z.enum(["home", "claimed"]),
    bytes: z.number(),
    content: ContentText,
    fingerprints: Blob,
    tags: Blob,
    kept_bytes: z.number(),
  })
  .transform(({ kept_bytes: keptBytes, ...row }) => ({ ...row, keptBytes }));

const StoredBatchRow = z
  .object({
    seq: z.number(),
    hour: HourText,
    kind: z.enum(["home", "claimed"]),
    content: ContentText,
    fingerprints: Blob,
    payload: Blob.nullable(),
  })
  .transform(({ content, ...row }) => ({ ...row, rows: content.tally.rows }));
const StoredForeignRow = z
  .object({ seq: z.number(), hour: HourText, moved_from: HourText.nullable(), rows: Blob })
  .transform(({ moved_from: movedFrom, ...row }) => ({ ...row, movedFrom }));

export class ShardStore {
  readonly #storage: ObjectStorage;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  state(): ShardState {
    if (isBlank(this.#storage)) return blank;
    const [row] = this.#storage.sql.exec("SELECT phase, plan, window_ms, duplicates FROM shard").toArray();
    if (row === undefined) return blank;
    const { phase, plan, window_ms: windowMs, duplicates } = ShardRow.parse(row);
    return { phase, plan, windowMs, duplicates };
  }

  deliveries(): Delivery[] {
    if (isBlank(this.#storage)) return [];
    return this.#storage.sql
      .exec("SELECT * FROM delivery ORDER BY hour")
      .toArray()
      .map((row) => DeliveryRow.parse(row));
  }

  delivery(hour: Hour): Delivery | null {
    return this.deliveries().find((delivery) => delivery.hour === hour) ?? null;
  }

  /** The bucket has confirmed the enrolment: from now on the shard may hold rows. */
  open(hour: Hour, plan: Plan, now: EpochMs): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec(
      `INSERT INTO shard (one, phase, plan, window_ms, enrolled_at_ms) VALUES (1, 'open', ?, ?, ?)
       ON CONFLICT (one) DO UPDATE SET phase = 'open', plan = excluded.plan, window_ms = excluded.window_ms,
         enrolled_at_ms = excluded.enrolled_at_ms WHERE phase = 'guard'`,
      JSON.stringify(plan),
      plan.windowMs,
      now,
    );
    this.#storage.sql.exec("INSERT INTO delivery (hour, state) VALUES (?, 'open')", hour);
  }

  /** A claim came first: the shard keeps identities and holds no row. */
  guard(windowMs: number): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec("INSERT INTO shard (one, phase, window_ms) VALUES (1, 'guard', ?)", windowMs);
  }

  /** Writes what a commit decided, all or none. `duplicates` is the running total, kept with whatever is written next. */
  commit(hour: Hour, { batches, foreign, claims, tags }: Commit, duplicates: number): void {
    if (batches.length + foreign.length + claims.length === 0) return;
    this.#storage.transactionSync(() => {
      let untagged = packTags(tags);
      for (const batch of batches) {
        this.#insertBatch(hour, "home", batch, untagged);
        untagged = new Uint8Array();
      }
      for (const rows of foreign) {
        this.#insertForeign(hour, null, rows, untagged);
        untagged = new Uint8Array();
      }
      for (const { owner, fingerprints } of claims) {
        this.#storage.sql.exec(
          "INSERT INTO claim (owner, fingerprints) VALUES (?, ?)",
          owner,
          blobOf(fingerprints),
        );
      }
      if (duplicates > 0) {
        this.#storage.sql.exec(
          "UPDATE shard SET duplicates = ? WHERE duplicates <> ?",
          duplicates,
          duplicates,
        );
      }
    });
  }

  #insertBatch(hour: Hour, kind: "home" | "claimed", batch: Batch, tags: Uint8Array<ArrayBuffer>): void {
    const content = JSON.stringify(batch.content);
    assertRowBytes(content.length + batch.fingerprints.length + tags.length + batch.payload.length);
    this.#storage.sql.exec(
      "INSERT INTO batch (hour, kind, bytes, content, fingerprints, tags, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
      hour,
      kind,
      batch.content.plainBytes,
      content,
      blobOf(batch.fingerprints),
      blobOf(tags),
      blobOf(batch.payload),
    );
  }

  #insertForeign(
    hour: Hour,
    movedFrom: Hour | null,
    batch: ForeignBatch,
    tags: Uint8Array<ArrayBuffer>,
  ): void {
    const content = JSON.stringify(batch.content);
    assertRowBytes(content.length + tags.length + batch.rows.length);
    this.#storage.sql.exec(
      "INSERT INTO foreign_batch (hour, moved_from, bytes, content, tags, rows) VALUES (?, ?, ?, ?, ?, ?)",
      hour,
      movedFrom,
      batch.content.plainBytes,
      content,
      blobOf(tags),
      blobOf(batch.rows),
    );
  }

  /** From now on the shard takes no row. A blank shard is closed too, so that it can never come to life. */
  close(hour: Hour, duplicates: number, now: EpochMs): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec(
      `INSERT INTO shard (one, phase, window_ms, closed_at_ms, duplicates) VALUES (1, 'closed', ?, ?, ?)
       ON CONFLICT (one) DO UPDATE SET phase = 'closed', closed_at_ms = excluded.closed_at_ms,
         duplicates = excluded.duplicates WHERE phase <> 'closed'`,
      windowMsDefault,
      now,
      duplicates,
    );
    this.#storage.sql.exec("INSERT OR IGNORE INTO delivery (hour, state) VALUES (?, 'open')", hour);
  }

  /** A bucket asks for its receipt and no row has moved there: there is one delivery more, without rows. */
  addDelivery(hour: Hour): void {
    this.#storage.sql.exec("INSERT OR IGNORE INTO delivery (hour, state) VALUES (?, 'open')", hour);
  }

  /** The delivery's figures are final: nothing is held for it. */
  closeDelivery(hour: Hour): void {
    this.#storage.sql.exec("UPDATE delivery SET state = 'closed' WHERE hour = ? AND state = 'open'", hour);
  }

  // ── Foreign rows ─────────────────────────────────────────────────────────────────────────────────────────

  /** Sum of the bytes of foreign rows that wait for their claims. */
  unresolvedBytes(hour: Hour): number {
    const [row] = this.#storage.sql
      .exec<{ bytes: number }>(
        "SELECT coalesce(sum(bytes), 0) AS bytes FROM foreign_batch WHERE hour = ? AND states IS NULL",
        hour,
      )
      .toArray();
    return row?.bytes ?? 0;
  }

  /** The first foreign batches that wait for their claims: at least one if any waits, up to about `bytesMax`. */
  unresolved(hour: Hour, bytesMax: number): WaitingForeign[] {
    const waiting: WaitingForeign[] = [];
    let bytes = 0;
    for (const row of this.#storage.sql.exec<{ seq: number; rows: ArrayBuffer }>(
      "SELECT seq, rows FROM foreign_batch WHERE hour = ? AND states IS NULL ORDER BY seq",
      hour,
    )) {
      const rows =
        PackedRows.read(new Uint8Array(row.rows)) ?? broken(`foreign batch ${row.seq} is no packed rows`);
      waiting.push({ seq: row.seq, rows });
      bytes += row.rows.byteLength;
      if (bytes >= bytesMax) break;
    }
    return waiting;
  }

  /**
   * Records what became of foreign rows, in one transaction: their states, the granted ones as rows to deliver, and
   * those that move as foreign rows of the later bucket.
   */
  resolve(
    hour: Hour,
    resolved: readonly ResolvedForeign[],
    granted: readonly Batch[],
    answers: readonly AnswerOfHome[],
    move: { readonly to: Hour; readonly batches: readonly ForeignBatch[] } | null,
  ): void {
    const none = new Uint8Array();
    this.#storage.transactionSync(() => {
      for (const { seq, states, denied, moved, unguarded } of resolved) {
        this.#storage.sql.exec(
          `UPDATE foreign_batch SET states = ?, denied = ?, moved = ?, moved_to = ?, unguarded = ?
           WHERE seq = ? AND states IS NULL`,
          blobOf(states),
          JSON.stringify(denied),
          JSON.stringify(moved),
          moved.rows === 0 ? null : (move?.to ?? broken(`${moved.rows} rows move nowhere`)),
          unguarded,
          seq,
        );
      }
      for (const batch of granted) this.#insertBatch(hour, "claimed", batch, none);
      for (const { home, granted: tally, denied } of answers) {
        this.#storage.sql.exec(
          "INSERT INTO answer (home, granted, denied) VALUES (?, ?, ?)",
          JSON.stringify(home),
          JSON.stringify(tally),
          blobOf(denied),
        );
      }
      if (move === null) return;
      this.addDelivery(move.to);
      for (const batch of move.batches) this.#insertForeign(move.to, hour, batch, none);
    });
  }

  foreignTotals(hour: Hour): ForeignTotals {
    const appended: Tally[] = [];
    const movedIn: Move[] = [];
    const movedOut: Move[] = [];
    const denied: Tally[] = [];
    let unguarded = 0;
    for (const found of this.#storage.sql.exec(
      "SELECT content, moved_from, denied, moved, moved_to, unguarded FROM foreign_batch WHERE hour = ?",
      hour,
    )) {
      const row = ForeignRow.parse(found);
      if (row.moved_from === null) appended.push(row.content.tally);
      else movedIn.push({ hour: row.moved_from, tally: row.content.tally });
      if (row.denied !== null) denied.push(row.denied);
      if (row.moved !== null && row.moved_to !== null)
        movedOut.push({ hour: row.moved_to, tally: row.moved });
      unguarded += row.unguarded;
    }
    return {
      appended: addTallies(appended),
      movedIn: addMoves(movedIn),
      movedOut: addMoves(movedOut),
      denied: addTallies(denied),
      unguarded,
    };
  }

  /** What homes answered, in order, from the first one after `seq`. */
  *answers(seq: number): Generator<AnswerOfHome & { readonly seq: number }> {
    if (isBlank(this.#storage)) return;
    for (const row of this.#storage.sql.exec<{
      seq: number;
      home: string;
      granted: string;
      denied: ArrayBuffer;
    }>("SELECT seq, home, granted, denied FROM answer WHERE seq > ? ORDER BY seq", seq)) {
      yield {
        seq: row.seq,
        home: HomeText.parse(row.home),
        granted: json(Tally).parse(row.granted),
        denied: new Uint8Array(row.denied),
      };
    }
  }

  /** True if no foreign row of any delivery waits for its claims. */
  get settled(): boolean {
    if (isBlank(this.#storage)) return true;
    return (
      this.#storage.sql.exec("SELECT 1 AS one FROM foreign_batch WHERE states IS NULL LIMIT 1").toArray()
        .length === 0
    );
  }

  // ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sum of the bytes of batches that no part holds yet. */
  unfrozenBytes(hour: Hour): number {
    const [row] = this.#storage.sql
      .exec<{ bytes: number }>(
        `SELECT coalesce(sum(bytes), 0) AS bytes FROM batch WHERE hour = ?1
           AND seq > (SELECT coalesce(max(last_seq), 0) FROM part WHERE hour = ?1)`,
        hour,
      )
      .toArray();
    return row?.bytes ?? 0;
  }

  /** What a delivery holds that is not in R2 yet, and of its foreign rows what is not claimed yet. A scan. */
  held(hour: Hour): { unfrozenBytes: number; unresolvedBytes: number } {
    if (isBlank(this.#storage)) return { unfrozenBytes: 0, unresolvedBytes: 0 };
    return { unfrozenBytes: this.unfrozenBytes(hour), unresolvedBytes: this.unresolvedBytes(hour) };
  }

  unfrozenBatches(hour: Hour): UnfrozenBatch[] {
    return this.#storage.sql
      .exec<{ seq: number; bytes: number }>(
        `SELECT seq, bytes FROM batch WHERE hour = ?1
           AND seq > (SELECT coalesce(max(last_seq), 0) FROM part WHERE hour = ?1) ORDER BY seq`,
        hour,
      )
      .toArray();
  }

  /**
   * Fixes the rows of the next parts, one of each format: everything of the delivery from its first unfrozen batch up to
   * `lastSeq`. One statement: the rows are frozen in all formats or in none.
   */
  freeze(hour: Hour, lastSeq: number, formats: readonly Format[], schema: JsonObject | null): void {
    const [next] = this.#storage.sql
      .exec<{ no: number; first_seq: number; key_no: number }>(
        `SELECT (SELECT coalesce(max(no), 0) + 1 FROM part) AS no,
           coalesce(max(last_seq), 0) + 1 AS first_seq, coalesce(max(key_no), -1) + 1 AS key_no
         FROM part WHERE hour = ?`,
        hour,
      )
      .toArray();
    if (next === undefined) broken("an aggregate without a row");
    const content = JSON.stringify(this.#contentBetween(hour, next.first_seq, lastSeq));
    this.#storage.sql.exec(
      `INSERT INTO part (no, hour, first_seq, last_seq, encoder, schema, content, key_no)
       VALUES ${formats.map(() => "(?, ?, ?, ?, ?, ?, ?, ?)").join(", ")}`,
      ...formats.flatMap((format, at) => [
        next.no + at,
        hour,
        next.first_seq,
        lastSeq,
        encoderOf(format),
        format === "parquet" && schema !== null ? JSON.stringify(schema) : null,
        content,
        next.key_no,
      ]),
    );
  }

  /** Makes two parts, of about half of the bytes each, of one that was never put. */
  split(hour: Hour, { no, firstSeq, lastSeq, content }: FrozenPart): void {
    const middle = this.#middle(hour, firstSeq, lastSeq, content.plainBytes / 2);
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        `INSERT INTO part (no, hour, first_seq, last_seq, encoder, schema, content, key_no)
         SELECT (SELECT max(no) + 1 FROM part), hour, ?, last_seq, encoder, schema, ?,
           (SELECT max(key_no) + 1 FROM part WHERE hour = ?)
         FROM part WHERE no = ?`,
        middle + 1,
        JSON.stringify(this.#contentBetween(hour, middle + 1, lastSeq)),
        hour,
        no,
      );
      this.#storage.sql.exec(
        "UPDATE part SET last_seq = ?, content = ? WHERE no = ?",
        middle,
        JSON.stringify(this.#contentBetween(hour, firstSeq, middle)),
        no,
      );
    });
  }

  /** The batch with which the first ones hold so many bytes; never the last one. */
  #middle(hour: Hour, firstSeq: number, lastSeq: number, bytesWanted: number): number {
    let bytes = 0;
    for (const batch of this.#storage.sql.exec<{ seq: number; bytes: number }>(
      "SELECT seq, bytes FROM batch WHERE hour = ? AND seq BETWEEN ? AND ? ORDER BY seq",
      hour,
      firstSeq,
      lastSeq - 1,
    )) {
      bytes += batch.bytes;
      if (bytes >= bytesWanted) return batch.seq;
    }
    return broken(`a part of the batches ${firstSeq} to ${lastSeq} cannot be split`);
  }

  #contentBetween(hour: Hour, firstSeq: number, lastSeq: number): PartContent {
    const rows = this.#storage.sql.exec<{ content: string }>(
      "SELECT content FROM batch WHERE hour = ? AND seq BETWEEN ? AND ? ORDER BY seq",
      hour,
      firstSeq,
      lastSeq,
    );
    return addContents(contentsOf(rows));
  }

  /** What no part of the delivery holds: the tail. Null if there is none. */
  tail(hour: Hour): BatchRun | null {
    const unfrozen = this.unfrozenBatches(hour);
    const first = unfrozen.at(0);
    const last = unfrozen.at(-1);
    if (first === undefined || last === undefined) return null;
    return this.run(hour, { firstSeq: first.seq, lastSeq: last.seq });
  }

  /** The tail in runs that end with the batch with which they have `tailPageBytes`. */
  tailPages(hour: Hour): BatchRun[] {
    const runs: TailRange[] = [];
    let firstSeq: number | null = null;
    let bytes = 0;
    const unfrozen = this.unfrozenBatches(hour);
    for (const batch of unfrozen) {
      firstSeq ??= batch.seq;
      bytes += batch.bytes;
      if (bytes < tailPageBytes && batch !== unfrozen.at(-1)) continue;
      runs.push({ firstSeq, lastSeq: batch.seq });
      firstSeq = null;
      bytes = 0;
    }
    return runs.map((range) => this.run(hour, range));
  }

  /** Batches of a delivery, and what they hold together. */
  run(hour: Hour, { firstSeq, lastSeq }: TailRange): BatchRun {
    return { firstSeq, lastSeq, content: this.#contentBetween(hour, firstSeq, lastSeq) };
  }

  parts(hour: Hour): FrozenPart[] {
    return this.#storage.sql
      .exec<PartRow>("SELECT * FROM part WHERE hour = ? ORDER BY no", hour)
      .toArray()
      .map(frozenPart);
  }

  nextUnputPart(hour: Hour): FrozenPart | null {
    const [row] = this.#storage.sql
      .exec<PartRow>("SELECT * FROM part WHERE hour = ? AND sha256 IS NULL ORDER BY no LIMIT 1", hour)
      .toArray();
    return row === undefined ? null : frozenPart(row);
  }

  recordPut(
    no: number,
    put: { readonly key: string; readonly bytes: number; readonly sha256: string },
  ): void {
    this.#storage.sql.exec(
      "UPDATE part SET key = ?, bytes = ?, sha256 = ? WHERE no = ?",
      put.key,
      put.bytes,
      put.sha256,
      no,
    );
  }

  /** The key of part `no` is taken by other content: remember the stray and move the part to a free number. */
  recordStray(hour: Hour, no: number, strayKey: string): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("INSERT OR IGNORE INTO stray (key, hour) VALUES (?, ?)", strayKey, hour);
      this.#storage.sql.exec(
        "UPDATE part SET key_no = (SELECT max(key_no) + 1 FROM part WHERE hour = ?) WHERE no = ?",
        hour,
        no,
      );
    });
  }

  strays(hour: Hour): string[] {
    return this.#storage.sql
      .exec<{ key: string }>("SELECT key FROM stray WHERE hour = ? ORDER BY key", hour)
      .toArray()
      .map((row) => row.key);
  }

  /** False: some of these batches' payloads were dropped. */
  keepsPayloads(hour: Hour, firstSeq: number, lastSeq: number): boolean {
    const dropped = this.#storage.sql.exec(
      "SELECT 1 AS one FROM batch WHERE hour = ? AND seq BETWEEN ? AND ? AND payload IS NULL LIMIT 1",
      hour,
      firstSeq,
      lastSeq,
    );
    return dropped.toArray().length === 0;
  }

  /** Payloads of the delivery in row order. One statement a batch, so that commits may come in between. */
  *payloads(hour: Hour, firstSeq: number, lastSeq: number): Generator<Uint8Array<ArrayBuffer>> {
    for (let seq = firstSeq; ;) {
      const [row] = this.#storage.sql
        .exec<{ seq: number; payload: ArrayBuffer | null }>(
          "SELECT seq, payload FROM batch WHERE hour = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1",
          hour,
          seq,
          lastSeq,
        )
        .toArray();
      if (row === undefined) return;
      if (row.payload === null) broken(`batch ${row.seq} has no payload`);
      yield new Uint8Array(row.payload);
      seq = row.seq + 1;
    }
  }

  // ── What is remembered ───────────────────────────────────────────────────────────────────────────────────

  /** Packed fingerprints of every row that was appended here, batch by batch. */
  *fingerprints(): Generator<Uint8Array> {
    if (isBlank(this.#storage)) return;
    for (const row of this.#storage.sql.exec<{ fingerprints: ArrayBuffer }>(
      "SELECT fingerprints FROM batch ORDER BY seq",
    )) {
      yield new Uint8Array(row.fingerprints);
    }
    yield* this.#foreignRows();
  }

  /** Of those, the ones that came as foreign rows. */
  *foreignFingerprints(): Generator<Uint8Array> {
    if (isBlank(this.#storage)) return;
    for (const row of this.#storage.sql.exec<{ fingerprints: ArrayBuffer }>(
      "SELECT fingerprints FROM batch WHERE kind = 'claimed' ORDER BY seq",
    )) {
      yield new Uint8Array(row.fingerprints);
    }
    yield* this.#foreignRows();
  }

  *#foreignRows(): Generator<Uint8Array> {
    for (const row of this.#storage.sql.exec<{ rows: ArrayBuffer }>(
      "SELECT rows FROM foreign_batch WHERE rows IS NOT NULL ORDER BY seq",
    )) {
      const rows = PackedRows.read(new Uint8Array(row.rows)) ?? broken("foreign rows that do not add up");
      for (let at = 0; at < rows.count; at++) {
        const from = rows.fingerprintAt(at);
        yield rows.bytes.subarray(from, from + fingerprintBytes);
      }
    }
  }

  *claims(): Generator<{ readonly owner: HolderName; readonly fingerprints: Uint8Array }> {
    if (isBlank(this.#storage)) return;
    for (const row of this.#storage.sql.exec<{ owner: string; fingerprints: ArrayBuffer }>(
      "SELECT owner, fingerprints FROM claim ORDER BY seq",
    )) {
      yield { owner: HolderName.parse(row.owner), fingerprints: new Uint8Array(row.fingerprints) };
    }
  }

  /** Packed append tags, batch by batch. */
  *tags(): Generator<Uint8Array<ArrayBuffer>> {
    for (const row of this.#storage.sql.exec<{ tags: ArrayBuffer }>(
      `SELECT tags FROM batch WHERE length(tags) > 0
       UNION ALL SELECT tags FROM foreign_batch WHERE length(tags) > 0`,
    )) {
      yield new Uint8Array(row.tags);
    }
  }

  // ── For an export: what is stored after a number, one record at a time ────────────────────────────────────

  /** Another one, once anything that is exported was added, changed or dropped. A scan, without payloads. */
  exportMark(): string {
    if (isBlank(this.#storage)) return "blank";
    const [row] = this.#storage.sql
      .exec<{ mark: string }>(
        `SELECT (SELECT phase FROM shard)
           || '-' || (SELECT coalesce(max(seq), 0) || '-' || count(*) || '-' || count(payload) FROM batch)
           || '-' || (SELECT coalesce(max(seq), 0) || '-' || count(states) FROM foreign_batch)
           || '-' || (SELECT coalesce(max(seq), 0) FROM claim)
           || '-' || (SELECT coalesce(max(seq), 0) FROM answer)
           || '-' || (SELECT count(*) || '-' || count(sha256) FROM part) AS mark`,
      )
      .toArray();
    return row?.mark ?? broken("an aggregate without a row");
  }

  *partsAfter(no: number): Generator<FrozenPart & { readonly hour: Hour }> {
    const rows = this.#storage.sql.exec<PartRow>("SELECT * FROM part WHERE no > ? ORDER BY no", no);
    for (const row of rows) yield { hour: HourText.parse(row["hour"]), ...frozenPart(row) };
  }

  *tagsAfter(
    table: "batch" | "foreign_batch",
    seq: number,
  ): Generator<{ readonly seq: number; readonly tags: Uint8Array }> {
    for (const row of this.#storage.sql.exec<{ seq: number; tags: ArrayBuffer }>(
      `SELECT seq, tags FROM ${table} WHERE seq > ? AND length(tags) > 0 ORDER BY seq`,
      seq,
    )) {
      yield { seq: row.seq, tags: new Uint8Array(row.tags) };
    }
  }

  *claimsAfter(
    seq: number,
  ): Generator<{ readonly seq: number; readonly owner: HolderName; readonly fingerprints: Uint8Array }> {
    for (const row of this.#storage.sql.exec<{ seq: number; owner: string; fingerprints: ArrayBuffer }>(
      "SELECT seq, owner, fingerprints FROM claim WHERE seq > ? ORDER BY seq",
      seq,
    )) {
      const fingerprints = new Uint8Array(row.fingerprints);
      yield { seq: row.seq, owner: HolderName.parse(row.owner), fingerprints };
    }
  }

  /** Foreign rows that wait for their claims. */
  *waitingAfter(seq: number): Generator<StoredForeign> {
    for (const row of this.#storage.sql.exec(
      "SELECT seq, hour, moved_from, rows FROM foreign_batch WHERE seq > ? AND states IS NULL ORDER BY seq",
      seq,
    )) {
      yield StoredForeignRow.parse(row);
    }
  }

  *batchesAfter(seq: number): Generator<StoredBatch> {
    for (const row of this.#storage.sql.exec(
      "SELECT seq, hour, kind, content, fingerprints, payload FROM batch WHERE seq > ? ORDER BY seq",
      seq,
    )) {
      yield StoredBatchRow.parse(row);
    }
  }

  /** Home rows that the shard accepted. */
  acceptedHome(hour: Hour): Tally {
    const rows = this.#storage.sql.exec<{ content: string }>(
      "SELECT content FROM batch WHERE hour = ? AND kind = 'home'",
      hour,
    );
    return addContents(contentsOf(rows)).tally;
  }

  /**
   * Forgets the payloads of a delivery, at most `batchesMax` batches at a time; true when none is left. Rows are written
   * anew: SQLite gives back the pages of rows that are deleted, and not those of rows that shrink.
   */
  dropPayloads(hour: Hour, batchesMax: number): boolean {
    const { sql } = this.#storage;
    const dropped = sql
      .exec(
        `SELECT seq, kind, bytes, content, fingerprints, tags, length(fingerprints) + length(tags) AS kept_bytes
         FROM batch WHERE hour = ? AND payload IS NOT NULL ORDER BY seq LIMIT ?`,
        hour,
        batchesMax,
      )
      .toArray()
      .map((row) => DroppedRow.parse(row));
    const ends = sql.exec<{ last_seq: number }>("SELECT last_seq FROM part WHERE hour = ?", hour).toArray();
    const partEnds = new Set(ends.map(({ last_seq }) => last_seq));
    for (const run of compactRuns(dropped, partEnds, compactBytesMax)) this.#compact(hour, run);
    if (dropped.length === batchesMax) return false;
    const foreign = sql
      .exec(
        "SELECT * FROM foreign_batch WHERE hour = ? AND rows IS NOT NULL ORDER BY seq LIMIT ?",
        hour,
        batchesMax,
      )
      .toArray();
    for (const row of foreign) this.#dropForeign(row);
    if (foreign.length === batchesMax) return false;
    sql.exec("UPDATE delivery SET state = 'dropped' WHERE hour = ? AND state = 'closed'", hour);
    return true;
  }

  /** Puts one row in the place of several, under the number of the last one. */
  #compact(hour: Hour, run: readonly z.infer<typeof DroppedRow>[]): void {
    const { sql } = this.#storage;
    const last = run.at(-1) ?? broken("a run without a batch");
    for (const { seq } of run) sql.exec("DELETE FROM batch WHERE seq = ?", seq);
    sql.exec(
      "INSERT INTO batch (seq, hour, kind, bytes, content, fingerprints, tags) VALUES (?, ?, ?, ?, ?, ?, ?)",
      last.seq,
      hour,
      last.kind,
      run.reduce((sum, { bytes }) => sum + bytes, 0),
      JSON.stringify(addContents(run.map(({ content }) => content))),
      blobOf(joined(run.map(({ fingerprints }) => fingerprints))),
      blobOf(joined(run.map(({ tags }) => tags))),
    );
  }

  #dropForeign(row: Record<string, SqlValue>): void {
    const columns = Object.keys(row);
    this.#storage.sql.exec("DELETE FROM foreign_batch WHERE seq = ?", row["seq"] ?? null);
    this.#storage.sql.exec(
      `INSERT INTO foreign_batch (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
      ...columns.map((column) => (column === "rows" ? null : (row[column] ?? null))),
    );
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function assertRowBytes(bytes: number): void {
  // 64: the row's numbers, its hour and its header.
  if (bytes + 64 > sqliteRowBytesMax) broken(`a row of ${bytes} bytes is over ${sqliteRowBytesMax}`);
}

function* contentsOf(rows: Iterable<{ content: string }>): Generator<PartContent> {
  for (const row of rows) yield ContentText.parse(row.content);
}

function frozenPart(row: PartRow): FrozenPart {
  const { key, bytes, sha256 } = row;
  return {
    no: row.no,
    firstSeq: row.first_seq,
    lastSeq: row.last_seq,
    keyNo: row.key_no,
    encoder: row.encoder,
    format: formatOf(row.encoder),
    schema: row.schema === null ? null : SchemaText.parse(row.schema),
    content: ContentText.parse(row.content),
    put: key === null || bytes === null || sha256 === null ? null : { key, bytes, sha256 },
  };
}
