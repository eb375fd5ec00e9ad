/** The shard's only SQL. Every method is one step of the shell: no decision is made here, nothing is awaited. */
import { broken } from "../../domain/invariant.ts";
import * as z from "zod";
import type { AppendTag, Commit } from "../../domain/commit.ts";
import { packTags } from "../../domain/commit.ts";
import type { ShardPhase } from "../../domain/enrol.ts";
import { type UnfrozenBatch, encoderVersion } from "../../domain/flush.ts";
import type { EpochMs } from "../../domain/hour.ts";
import { sqliteRowBytesMax } from "../../domain/limits.ts";
import { PartContent } from "../../domain/manifest.ts";
import { addContents } from "../../domain/part-content.ts";
import { Plan } from "../../domain/plan.ts";
import { type ObjectStorage, blobOf, isBlank, migrate } from "../../platform/storage.ts";
import { migrations } from "./schema.ts";

export interface ShardState {
  readonly phase: ShardPhase;
  /** True once the payloads were dropped: the bucket is verified. */
  readonly dropped: boolean;
  readonly plan: Plan | null;
  readonly duplicates: number;
}

/** A part as it was frozen; `put` once R2 has it. */
export interface FrozenPart {
  readonly no: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly keyNo: number;
  readonly content: PartContent;
  readonly put: { readonly key: string; readonly bytes: number; readonly sha256: string } | null;
}

interface PartRow extends Record<string, ArrayBuffer | string | number | null> {
  no: number;
  first_seq: number;
  last_seq: number;
  content: string;
  key_no: number;
  key: string | null;
  bytes: number | null;
  sha256: string | null;
}

const blank: ShardState = { phase: "blank", dropped: false, plan: null, duplicates: 0 };
const PlanText = z.string().transform((text) => Plan.parse(JSON.parse(text)));
const ContentText = z.string().transform((text) => PartContent.parse(JSON.parse(text)));

export class ShardStore {
  readonly #storage: ObjectStorage;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  state(): ShardState {
    if (isBlank(this.#storage)) return blank;
    const [row] = this.#storage.sql
      .exec<{ phase: string; plan: string | null; duplicates: number }>(
        "SELECT phase, plan, duplicates FROM shard",
      )
      .toArray();
    if (row === undefined) return blank;
    return {
      phase: row.phase === "open" ? "open" : "closed",
      dropped: row.phase === "dropped",
      plan: row.plan === null ? null : PlanText.parse(row.plan),
      duplicates: row.duplicates,
    };
  }

  /** The bucket has confirmed the enrolment: from now on the shard may hold rows. */
  open(plan: Plan, now: EpochMs): void {
    migrate(this.#storage, migrations);
    this.#storage.sql.exec(
      "INSERT INTO shard (one, phase, plan, enrolled_at_ms) VALUES (1, 'open', ?, ?)",
      JSON.stringify(plan),
      now,
    );
  }

  /** Writes a commit's batches, all or none. `duplicates` is the running total, kept with whatever is written next. */
  commit({ batches, tags }: Commit, duplicates: number): void {
    if (batches.length === 0) return;
    this.#storage.transactionSync(() => {
      batches.forEach((batch, index) => {
        this.#insertBatch(batch, index === 0 ? tags : []);
      });
      if (duplicates > 0)
        this.#storage.sql.exec(
          "UPDATE shard SET duplicates = ? WHERE duplicates <> ?",
          duplicates,
          duplicates,
        );
    });
  }

  #insertBatch(batch: Commit["batches"][number], tags: readonly AppendTag[]): void {
    const content = JSON.stringify(batch.content);
    const packedTags = packTags(tags);
    const rowBytes =
      content.length + batch.fingerprints.length + packedTags.length + batch.payload.length + 32;
    if (rowBytes > sqliteRowBytesMax) {
      broken(`a batch row of ${rowBytes} bytes is over ${sqliteRowBytesMax}`);
    }
    this.#storage.sql.exec(
      "INSERT INTO batch (bytes, content, fingerprints, tags, payload) VALUES (?, ?, ?, ?, ?)",
      batch.content.plainBytes,
      content,
      blobOf(batch.fingerprints),
      blobOf(packedTags),
      blobOf(batch.payload),
    );
  }

  /** From now on the shard takes no row. A blank shard is closed too, so that it can never come to life. */
  close(duplicates: number, now: EpochMs): void {
    migrate(this.#storage, migrations);
    this.#storage.sql.exec(
      `INSERT INTO shard (one, phase, closed_at_ms, duplicates) VALUES (1, 'closed', ?, ?)
       ON CONFLICT (one) DO UPDATE SET phase = 'closed', closed_at_ms = excluded.closed_at_ms,
         duplicates = excluded.duplicates WHERE phase = 'open'`,
      now,
      duplicates,
    );
  }

  /** Sum of the bytes of batches that no part holds yet. */
  unfrozenBytes(): number {
    const [row] = this.#storage.sql
      .exec<{ bytes: number }>(
        "SELECT coalesce(sum(bytes), 0) AS bytes FROM batch WHERE seq > (SELECT coalesce(max(last_seq), 0) FROM part)",
      )
      .toArray();
    return row?.bytes ?? 0;
  }

  unfrozenBatches(): UnfrozenBatch[] {
    return this.#storage.sql
      .exec<{ seq: number; bytes: number }>(
        "SELECT seq, bytes FROM batch WHERE seq > (SELECT coalesce(max(last_seq), 0) FROM part) ORDER BY seq",
      )
      .toArray();
  }

  /** Fixes the rows of the next part: everything from the first unfrozen batch up to `lastSeq`. */
  freeze(lastSeq: number): void {
    const [next] = this.#storage.sql
      .exec<{ no: number; first_seq: number; key_no: number }>(
        `SELECT coalesce(max(no), 0) + 1 AS no, coalesce(max(last_seq), 0) + 1 AS first_seq,
           coalesce(max(key_no), -1) + 1 AS key_no FROM part`,
      )
      .toArray();
    if (next === undefined) broken("an aggregate without a row");
    this.#storage.sql.exec(
      "INSERT INTO part (no, first_seq, last_seq, encoder, content, key_no) VALUES (?, ?, ?, ?, ?, ?)",
      next.no,
      next.first_seq,
      lastSeq,
      encoderVersion,
      JSON.stringify(this.#contentBetween(next.first_seq, lastSeq)),
      next.key_no,
    );
  }

  #contentBetween(firstSeq: number, lastSeq: number): PartContent {
    const rows = this.#storage.sql.exec<{ content: string }>(
      "SELECT content FROM batch WHERE seq BETWEEN ? AND ? ORDER BY seq",
      firstSeq,
      lastSeq,
    );
    return addContents(contentsOf(rows));
  }

  /** What no part holds: the tail. Null if there is none. */
  tail(): { readonly content: PartContent; readonly firstSeq: number; readonly lastSeq: number } | null {
    const unfrozen = this.unfrozenBatches();
    const first = unfrozen.at(0);
    const last = unfrozen.at(-1);
    if (first === undefined || last === undefined) return null;
    return { content: this.#contentBetween(first.seq, last.seq), firstSeq: first.seq, lastSeq: last.seq };
  }

  parts(): FrozenPart[] {
    return this.#storage.sql.exec<PartRow>("SELECT * FROM part ORDER BY no").toArray().map(frozenPart);
  }

  nextUnputPart(): FrozenPart | null {
    const [row] = this.#storage.sql
      .exec<PartRow>("SELECT * FROM part WHERE sha256 IS NULL ORDER BY no LIMIT 1")
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
  recordStray(no: number, strayKey: string): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("INSERT OR IGNORE INTO stray (key) VALUES (?)", strayKey);
      this.#storage.sql.exec("UPDATE part SET key_no = (SELECT max(key_no) + 1 FROM part) WHERE no = ?", no);
    });
  }

  strays(): string[] {
    return this.#storage.sql
      .exec<{ key: string }>("SELECT key FROM stray ORDER BY key")
      .toArray()
      .map((row) => row.key);
  }

  /** Payloads in row order. One statement a batch, so that commits may come in between. */
  *payloads(firstSeq: number, lastSeq: number): Generator<Uint8Array<ArrayBuffer>> {
    for (let seq = firstSeq; seq <= lastSeq; seq++) {
      const [row] = this.#storage.sql
        .exec<{ payload: ArrayBuffer | null }>("SELECT payload FROM batch WHERE seq = ?", seq)
        .toArray();
      if (row === undefined || row.payload === null) broken(`batch ${seq} has no payload`);
      yield new Uint8Array(row.payload);
    }
  }

  /** Packed fingerprints of every row, batch by batch. */
  *fingerprints(): Generator<Uint8Array<ArrayBuffer>> {
    for (const row of this.#storage.sql.exec<{ fingerprints: ArrayBuffer }>(
      "SELECT fingerprints FROM batch ORDER BY seq",
    )) {
      yield new Uint8Array(row.fingerprints);
    }
  }

  /** Packed append tags, batch by batch. */
  *tags(): Generator<Uint8Array<ArrayBuffer>> {
    for (const row of this.#storage.sql.exec<{ tags: ArrayBuffer }>(
      "SELECT tags FROM batch WHERE length(tags) > 0",
    )) {
      yield new Uint8Array(row.tags);
    }
  }

  /** Everything the shard accepted. */
  accepted(): PartContent {
    if (isBlank(this.#storage)) return addContents([]);
    return this.#contentBetween(0, Number.MAX_SAFE_INTEGER);
  }

  /** Forgets payloads, at most `batchesMax` batches at a time; true when none is left. */
  dropPayloads(batchesMax: number): boolean {
    this.#storage.sql.exec(
      "UPDATE batch SET payload = NULL WHERE seq IN (SELECT seq FROM batch WHERE payload IS NOT NULL LIMIT ?)",
      batchesMax,
    );
    const left = this.#storage.sql
      .exec("SELECT 1 AS one FROM batch WHERE payload IS NOT NULL LIMIT 1")
      .toArray();
    if (left.length === 0)
      this.#storage.sql.exec("UPDATE shard SET phase = 'dropped' WHERE phase = 'closed'");
    return left.length === 0;
  }
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
    content: ContentText.parse(row.content),
    put: key === null || bytes === null || sha256 === null ? null : { key, bytes, sha256 },
  };
}
