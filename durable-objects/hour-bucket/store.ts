/** The bucket's only SQL. Every method is one step of the shell: no decision is made here, nothing is awaited. */
import * as z from "zod";
import { Abandoned } from "../../domain/abandon.ts";
import { type Format, encoderOf } from "../../domain/encoding.ts";
import { EpochMs, HourText } from "../../domain/hour.ts";
import { type Holder, ShardIndex, holderName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { Part, PartContent } from "../../domain/manifest.ts";
import { type HeldPage, type PageRun, middlePage } from "../../domain/merge.ts";
import { Plan } from "../../domain/plan.ts";
import { Receipt } from "../../domain/receipt.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import type { SealProgress, SealStepName } from "../../domain/seal.ts";
import { VerdictName } from "../../domain/verdict.ts";
import { type ObjectStorage, isBlank, migrate } from "../../platform/storage.ts";
import { migrations, whole } from "./schema.ts";

/** Characters of one manifest row: at four UTF-8 bytes each it stays far below a row's 2 MB. */
const chunkChars = 400_000;

function json<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.infer<Schema>> {
  return z.string().transform((text) => schema.parse(JSON.parse(text)));
}

const flag = z.number().transform((value) => value !== 0);

const BucketRow = z.object({
  phase: z.enum(["planned", "open", "sealing", "sealed"]),
  plan: json(Plan).nullable(),
  due_at_ms: EpochMs,
  merge_planned: flag,
  parts_checked: flag,
  manifest_sha256: z.string().nullable(),
  manifest_created: flag,
  success_marked: flag,
  sealed_at_ms: EpochMs.nullable(),
  verdict: VerdictName.nullable(),
  attempts: z.number(),
  failed_step: z.string().nullable(),
  error: z.string().nullable(),
  failing_since_ms: EpochMs.nullable(),
});
export type BucketRecord = z.infer<typeof BucketRow>;

const EnrolmentRow = z.object({
  hour: HourText,
  shard: ShardIndex,
  receipt: json(Receipt).nullable(),
  payloads_dropped: flag,
  // Absent in a bucket that was made before there was such a column, until somebody gives a shard of it up.
  abandoned: json(Abandoned).nullable().default(null),
});

const PageRow = z
  .object({
    hour: HourText,
    shard: ShardIndex,
    first_seq: z.number().nullable(),
    last_seq: z.number().nullable(),
    content: json(PartContent),
  })
  .transform(({ hour, shard, first_seq: firstSeq, last_seq: lastSeq, content }): HeldPage => {
    const range = firstSeq === null || lastSeq === null ? null : { firstSeq, lastSeq };
    return { holder: { hour, index: shard }, range, content };
  });

const HolderText = z.strictObject({ hour: HourText, index: ShardIndex });

const MergedRow = z.object({
  no: z.number(),
  /** Those whose tails it is, where older code planned it. */
  shards: json(z.union([z.literal("pages"), z.array(HolderText)])),
  // Absent in a bucket that older code alone has written.
  first_page: z.number().default(0),
  last_page: z.number().default(0),
  key_no: z.number(),
  encoder: z.number(),
  schema: json(z.record(z.string(), z.unknown())).nullable(),
  part: json(Part).nullable(),
});
export type MergedRecord = z.infer<typeof MergedRow>;

/** A shard that the bucket waits for. */
export interface Enrolment {
  readonly holder: Holder;
  readonly receipt: Receipt | null;
  readonly dropped: boolean;
  /** Given up: a receipt that comes all the same comes too late, and is not used. */
  readonly abandoned: Abandoned | null;
}

export class BucketStore {
  readonly #storage: ObjectStorage;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  record(): BucketRecord | null {
    if (isBlank(this.#storage)) return null;
    const [row] = this.#storage.sql.exec("SELECT * FROM bucket").toArray();
    return row === undefined ? null : BucketRow.parse(row);
  }

  /** Fixes the plan of a bucket that has none, whatever its phase: a sealed empty hour gets one for claims, too. */
  fixPlan(plan: Plan, dueAtMs: EpochMs): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec(
      `INSERT INTO bucket (one, phase, plan, due_at_ms) VALUES (1, 'planned', ?, ?)
       ON CONFLICT (one) DO UPDATE SET plan = excluded.plan WHERE plan IS NULL`,
      JSON.stringify(plan),
      dueAtMs,
    );
  }

  open(plan: Plan, dueAtMs: EpochMs): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec(
      `INSERT INTO bucket (one, phase, plan, due_at_ms) VALUES (1, 'open', ?, ?)
       ON CONFLICT (one) DO UPDATE SET phase = 'open' WHERE phase = 'planned'`,
      JSON.stringify(plan),
      dueAtMs,
    );
  }

  enrol({ hour, index }: Holder, now: EpochMs): void {
    this.#storage.sql.exec(
      "INSERT OR IGNORE INTO enrolment (hour, shard, enrolled_at_ms) VALUES (?, ?, ?)",
      hour,
      index,
      now,
    );
  }

  /** Also makes a blank bucket one that is sealing: nothing can enrol any more. */
  stopEnrolment(dueAtMs: EpochMs): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec(
      `INSERT INTO bucket (one, phase, due_at_ms) VALUES (1, 'sealing', ?)
       ON CONFLICT (one) DO UPDATE SET phase = 'sealing' WHERE phase IN ('planned', 'open')`,
      dueAtMs,
    );
  }

  enrolments(): Enrolment[] {
    if (isBlank(this.#storage)) return [];
    return this.#storage.sql
      .exec("SELECT * FROM enrolment ORDER BY hour, shard")
      .toArray()
      .map((row) => {
        const { hour, shard: index, payloads_dropped: dropped, ...rest } = EnrolmentRow.parse(row);
        return { holder: { hour, index }, dropped, ...rest };
      });
  }

  /** Of every shard that was not given up. */
  receipts(): Receipt[] {
    return this.enrolments().flatMap(({ holder, receipt, abandoned }) =>
      abandoned === null ? [receipt ?? broken(`shard ${holderName(holder)} has not given its receipt`)] : [],
    );
  }

  abandoned(): Abandoned[] {
    return this.enrolments().flatMap(({ abandoned }) => (abandoned === null ? [] : [abandoned]));
  }

  /** Gives up a shard that has given no receipt. */
  abandon(given: Abandoned): void {
    migrate(this.#storage, migrations, whole);
    this.#storage.sql.exec(
      "UPDATE enrolment SET abandoned = ? WHERE hour = ? AND shard = ? AND receipt IS NULL AND abandoned IS NULL",
      JSON.stringify(given),
      given.hour,
      given.index,
    );
  }

  recordReceipt({ hour, index }: Holder, receipt: Receipt): void {
    this.#storage.sql.exec(
      "UPDATE enrolment SET receipt = ? WHERE hour = ? AND shard = ?",
      JSON.stringify(receipt),
      hour,
      index,
    );
  }

  recordPayloadsDropped({ hour, index }: Holder): void {
    this.#storage.sql.exec(
      "UPDATE enrolment SET payloads_dropped = 1 WHERE hour = ? AND shard = ?",
      hour,
      index,
    );
  }

  /** Fixes the rows of merged parts: a part of each format for each run of these pages. */
  recordMergePlan(
    pages: readonly HeldPage[],
    runs: readonly PageRun[],
    formats: readonly Format[],
    schema: JsonObject | null,
  ): void {
    migrate(this.#storage, migrations, whole);
    const planned = runs.flatMap((run, keyNo) => formats.map((format) => ({ run, keyNo, format })));
    this.#storage.transactionSync(() => {
      pages.forEach(({ holder, range, content }, no) => {
        this.#storage.sql.exec(
          "INSERT INTO tail_page (no, hour, shard, first_seq, last_seq, content) VALUES (?, ?, ?, ?, ?, ?)",
          no,
          holder.hour,
          holder.index,
          range?.firstSeq ?? null,
          range?.lastSeq ?? null,
          JSON.stringify(content),
        );
      });
      planned.forEach(({ run, keyNo, format }, no) => {
        this.#storage.sql.exec(
          `INSERT INTO merged (no, shards, first_page, last_page, key_no, encoder, schema)
           VALUES (?, '"pages"', ?, ?, ?, ?, ?)`,
          no,
          run.firstPage,
          run.lastPage,
          keyNo,
          encoderOf(format),
          format === "parquet" && schema !== null ? JSON.stringify(schema) : null,
        );
      });
      this.#storage.sql.exec("UPDATE bucket SET merge_planned = 1");
    });
  }

  merged(): MergedRecord[] {
    return this.#storage.sql
      .exec("SELECT * FROM merged ORDER BY no")
      .toArray()
      .map((row) => MergedRow.parse(row));
  }

  /** The pages of a merged part, in the order of its rows; at least one. */
  pagesOf({ no, shards, first_page: first, last_page: last }: MergedRecord): HeldPage[] {
    if (shards !== "pages") return this.#tailsOf(shards);
    const pages = this.#storage.sql
      .exec("SELECT * FROM tail_page WHERE no BETWEEN ? AND ? ORDER BY no", first, last)
      .toArray()
      .map((row) => PageRow.parse(row));
    if (pages.length !== last - first + 1) broken(`merged part ${no} has no pages`);
    return pages;
  }

  #tailsOf(shards: readonly Holder[]): HeldPage[] {
    const receipts = new Map(this.receipts().map((receipt) => [holderName(receipt.counters), receipt]));
    return shards.map((holder) => {
      const name = holderName(holder);
      const content = receipts.get(name)?.tail ?? broken(`shard ${name} is merged and has no tail`);
      return { holder, range: null, content };
    });
  }

  /** Makes two merged parts, of about half of the bytes each, of one that was never put. */
  splitMerged(merged: MergedRecord): void {
    const pages = this.pagesOf(merged);
    if (pages.length < 2) broken(`merged part ${merged.no} is one page of a tail and more than a put takes`);
    const kept = middlePage(pages.map(({ content }) => content.plainBytes)) + 1;
    const { no, shards, first_page: first } = merged;
    migrate(this.#storage, migrations, whole);
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec(
        `INSERT INTO merged (no, shards, first_page, last_page, key_no, encoder, schema)
         SELECT (SELECT max(no) + 1 FROM merged), ?, ?, last_page, (SELECT max(key_no) + 1 FROM merged),
           encoder, schema
         FROM merged WHERE no = ?`,
        JSON.stringify(shards === "pages" ? shards : shards.slice(kept)),
        first + kept,
        no,
      );
      this.#storage.sql.exec(
        "UPDATE merged SET shards = ?, last_page = ? WHERE no = ?",
        JSON.stringify(shards === "pages" ? shards : shards.slice(0, kept)),
        first + kept - 1,
        no,
      );
    });
  }

  recordMerged(no: number, part: Part): void {
    this.#storage.sql.exec("UPDATE merged SET part = ? WHERE no = ?", JSON.stringify(part), no);
  }

  recordStray(no: number, key: string): void {
    this.#storage.transactionSync(() => {
      this.#storage.sql.exec("INSERT OR IGNORE INTO stray (key) VALUES (?)", key);
      this.#storage.sql.exec(
        "UPDATE merged SET key_no = (SELECT max(key_no) + 1 FROM merged) WHERE no = ?",
        no,
      );
    });
  }

  strays(): string[] {
    return this.#storage.sql
      .exec<{ key: string }>("SELECT key FROM stray ORDER BY key")
      .toArray()
      .map((row) => row.key);
  }

  recordPartsChecked(): void {
    this.#storage.sql.exec("UPDATE bucket SET parts_checked = 1");
  }

  /** Fixes the manifest's bytes. */
  freezeManifest(text: string, sha256: string, now: EpochMs): void {
    this.#storage.transactionSync(() => {
      for (let no = 0; no * chunkChars < text.length; no++) {
        const chunk = text.slice(no * chunkChars, (no + 1) * chunkChars);
        this.#storage.sql.exec("INSERT INTO manifest_chunk (no, text) VALUES (?, ?)", no, chunk);
      }
      this.#storage.sql.exec("UPDATE bucket SET manifest_sha256 = ?, sealed_at_ms = ?", sha256, now);
    });
  }

  manifestText(): string {
    return this.#storage.sql
      .exec<{ text: string }>("SELECT text FROM manifest_chunk ORDER BY no")
      .toArray()
      .map((row) => row.text)
      .join("");
  }

  recordManifestCreated(): void {
    this.#storage.sql.exec("UPDATE bucket SET manifest_created = 1");
  }

  recordSuccessMarked(): void {
    this.#storage.sql.exec("UPDATE bucket SET success_marked = 1");
  }

  /** How it failed before stays: it is why the bucket was late. */
  markSealed(): void {
    this.#storage.sql.exec("UPDATE bucket SET phase = 'sealed'");
  }

  recordVerdict(verdict: VerdictName): void {
    this.#storage.sql.exec("UPDATE bucket SET verdict = ?", verdict);
  }

  recordFailure(step: SealStepName, error: string, now: EpochMs): void {
    this.#storage.sql.exec(
      `UPDATE bucket SET attempts = attempts + 1, failed_step = ?, error = ?,
         failing_since_ms = coalesce(failing_since_ms, ?)`,
      step,
      error,
      now,
    );
  }

  /** What is durably done of the seal. `dueAtMs`: for a blank bucket, which has none of its own. */
  progress(dueAtMs: EpochMs): SealProgress {
    const record = this.record();
    const sealing = record !== null && (record.phase === "sealing" || record.phase === "sealed");
    return {
      phase: record?.phase ?? "blank",
      dueAtMs: record?.due_at_ms ?? dueAtMs,
      missingReceipts: this.enrolments()
        .filter(({ receipt, abandoned }) => receipt === null && abandoned === null)
        .map(({ holder }) => holder),
      mergePlanned: record?.merge_planned ?? false,
      unputMerged: sealing
        ? this.merged()
            .filter(({ part }) => part === null)
            .map(({ no }) => no)
        : [],
      partsChecked: record?.parts_checked ?? false,
      manifestFrozen: record !== null && record.manifest_sha256 !== null,
      manifestCreated: record?.manifest_created ?? false,
      successMarked: record?.success_marked ?? false,
    };
  }
}
