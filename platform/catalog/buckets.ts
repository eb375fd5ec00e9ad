/** Buckets as the catalog lists them: one by address, or pages in the order of hour, then type. */
import * as z from "zod";
import { type EpochMs, type Hour, HourText } from "../../domain/hour.ts";
import { type BucketAddress, type EventType, IdentitySumHex } from "../../domain/ids.ts";
import { pageRowsMax } from "../../domain/limits.ts";
import { HourLoad } from "../../domain/load.ts";
import { type Fault, Finding, VerdictName } from "../../domain/verdict.ts";
import { addressColumns, addressOf, jsonColumn, rowsOf, shownVerdict, timeColumn } from "./border.ts";

export const bucketColumns = `type, hour, state, due_at_ms, attempts, last_step, last_error,
  rows, bytes, identity_sum, manifest_sha256, sealed_at_ms,
  ${shownVerdict} AS verdict, findings, finding_count, verified_at_ms, first_fault_at_ms, expired_at_ms, delete_at_ms, load`;

const Seal = z.object({
  rows: z.number().int().min(0),
  bytes: z.number().int().min(0),
  identity_sum: IdentitySumHex,
  manifest_sha256: z.string(),
  sealed_at_ms: timeColumn,
});

export const BucketRow = z
  .object({
    ...addressColumns,
    state: z.enum(["due", "sealed"]),
    due_at_ms: timeColumn,
    attempts: z.number().int().min(0),
    last_step: z.string().nullable(),
    last_error: z.string().nullable(),
    verdict: VerdictName.nullable(),
    findings: jsonColumn(z.array(Finding)),
    finding_count: z.number().int().min(0),
    verified_at_ms: timeColumn.nullable(),
    first_fault_at_ms: timeColumn.nullable(),
    expired_at_ms: timeColumn.nullable(),
    delete_at_ms: timeColumn.nullable(),
    // What cannot be read any more is as good as not counted.
    load: jsonColumn(HourLoad).nullable().catch(null),
  })
  .and(z.union([Seal, z.object({ sealed_at_ms: z.null() })]))
  .transform((row) => ({
    address: addressOf(row),
    state: row.state,
    dueAtMs: row.due_at_ms,
    /** Failed attempts to seal it, and how the last one failed. */
    attempts: row.attempts,
    lastStep: row.last_step,
    lastError: row.last_error,
    /** Null until it is sealed. */
    seal:
      row.sealed_at_ms === null
        ? null
        : {
            rows: row.rows,
            bytes: row.bytes,
            identitySum: row.identity_sum,
            manifestSha256: row.manifest_sha256,
            sealedAtMs: row.sealed_at_ms,
          },
    /** Null until it is audited. */
    verdict: row.verdict,
    findings: row.findings,
    /** How many there were, should not all have been kept. */
    findingCount: row.finding_count,
    verifiedAtMs: row.verified_at_ms,
    firstFaultAtMs: row.first_fault_at_ms,
    /** When it was recorded that it expires; null: it is kept. */
    expiredAtMs: row.expired_at_ms,
    /** When its parts are to be deleted; null: they are kept, or gone. */
    deleteAtMs: row.delete_at_ms,
    /** What the hour asked of its shards; null: it is not audited, or nobody could count it. */
    load: row.load,
  }));
export type CatalogBucket = z.output<typeof BucketRow>;

export async function getBucket(db: D1Database, address: BucketAddress): Promise<CatalogBucket | null> {
  const select = db
    .prepare(`SELECT ${bucketColumns} FROM buckets WHERE type = ?1 AND hour = ?2`)
    .bind(address.type, address.hour);
  return rowsOf(BucketRow, await select.all())[0] ?? null;
}

/** Which buckets a listing shows; what is left out does not matter. */
export interface BucketFilter {
  readonly type?: EventType | undefined;
  /** The first hour. */
  readonly from?: Hour | undefined;
  /** The first hour that is no longer shown. */
  readonly to?: Hour | undefined;
  readonly state?: "due" | "sealed" | undefined;
  readonly verdict?: VerdictName | undefined;
}

/** Which buckets a report looks at; what is left out does not matter. */
export interface ReportFilter extends Pick<BucketFilter, "type" | "from" | "to"> {
  readonly owner?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page starts: after this bucket. Null: this was the last page. */
  readonly next: BucketAddress | null;
}

/** One page of the buckets that match, oldest hour first, from after `after` on. */
export async function listBuckets(
  db: D1Database,
  filter: BucketFilter,
  after: BucketAddress | null,
  limit: number,
): Promise<Page<CatalogBucket>> {
  return pageOf(await selectBuckets(db, filter, after, limit).all(), limit);
}

export function selectBuckets(
  db: D1Database,
  filter: BucketFilter,
  after: BucketAddress | null,
  limit: number,
): D1PreparedStatement {
  const where = new Conditions();
  where.addIf("type = ?", filter.type);
  where.addIf("hour >= ?", filter.from);
  where.addIf("hour < ?", filter.to);
  where.addIf("state = ?", filter.state);
  where.addIf(`${shownVerdict} = ?`, filter.verdict);
  return page(db, where, after, limit);
}

/** When a due bucket, and a sealed one that nobody has audited, are late. */
export interface LateFrom {
  readonly dueBefore: EpochMs;
  readonly sealedBefore: EpochMs;
}

/** The buckets that a report names: sealed ones with a fault or without an audit, and due ones, if late enough. */
export async function listUnsettled(
  db: D1Database,
  late: LateFrom,
  filter: ReportFilter & { readonly faults?: readonly Fault[] | undefined },
  after: BucketAddress | null,
  limit: number,
): Promise<Page<CatalogBucket>> {
  return pageOf(await selectUnsettled(db, late, filter, after, limit).all(), limit);
}

export function selectUnsettled(
  db: D1Database,
  late: LateFrom,
  filter: ReportFilter & { readonly faults?: readonly Fault[] | undefined },
  after: BucketAddress | null,
  limit: number,
): D1PreparedStatement {
  const where = unsettled(filter);
  where.addIf("(state = 'sealed' OR due_at_ms <= ?)", late.dueBefore);
  where.addIf("(state = 'due' OR verdict IS NOT NULL OR sealed_at_ms <= ?)", late.sealedBefore);
  return page(db, where, after, limit);
}

const CountRow = z.object({ buckets: z.number().int(), oldest: HourText.nullable() });

/** How many buckets are not balanced, whatever they wait for, and the oldest hour of them. */
export async function countUnsettled(
  db: D1Database,
  filter: ReportFilter & { readonly faults?: readonly Fault[] | undefined },
): Promise<{ readonly buckets: number; readonly oldest: Hour | null }> {
  const where = unsettled(filter);
  const select = db
    .prepare(`SELECT count(*) AS buckets, min(hour) AS oldest FROM buckets ${where.text()}`)
    .bind(...where.values);
  return rowsOf(CountRow, await select.all())[0] ?? { buckets: 0, oldest: null };
}

function unsettled(filter: ReportFilter & { readonly faults?: readonly Fault[] | undefined }): Conditions {
  const where = new Conditions();
  // Word for word the condition of the partial index.
  where.add("verdict IS NOT 'balanced'");
  where.addIf("type = ?", filter.type);
  where.addIf("hour >= ?", filter.from);
  where.addIf("hour < ?", filter.to);
  where.addIf(ofOwner, filter.owner);
  if (filter.faults !== undefined)
    where.add(`(${filter.faults.map((fault) => faultTerms[fault]).join(" OR ")})`);
  return where;
}

/** A bucket of a stream that this owner has now. */
export const ofOwner = "type IN (SELECT type FROM streams WHERE settings ->> '$.owner' = ?)";

const faultTerms: Readonly<Record<Fault, string>> = {
  overdue: "state = 'due'",
  missing: "verdict = 'missing'",
  surplus: "verdict = 'surplus'",
  corrupt: "verdict = 'corrupt'",
  unaudited: "verdict = 'unaudited' OR (state = 'sealed' AND verdict IS NULL)",
};

/** Conditions that all hold, with their values in order. */
class Conditions {
  readonly #terms: string[] = [];
  readonly values: (string | number)[] = [];

  add(term: string, ...values: readonly (string | number)[]): void {
    this.#terms.push(term);
    this.values.push(...values);
  }

  addIf(term: string, value: string | number | undefined): void {
    if (value !== undefined) this.add(term, value);
  }

  text(): string {
    return this.#terms.length === 0 ? "" : `WHERE ${this.#terms.join(" AND ")}`;
  }
}

/** Reads one row more than the page holds, to know whether there is a next one. */
function page(
  db: D1Database,
  where: Conditions,
  after: BucketAddress | null,
  limit: number,
): D1PreparedStatement {
  if (limit < 1 || limit > pageRowsMax) throw new RangeError(`a page has 1 to ${pageRowsMax} rows`);
  if (after !== null) where.add("(hour, type) > (?, ?)", after.hour, after.type);
  return db
    .prepare(`SELECT ${bucketColumns} FROM buckets ${where.text()} ORDER BY hour, type LIMIT ?`)
    .bind(...where.values, limit + 1);
}

function pageOf(answer: D1Result, limit: number): Page<CatalogBucket> {
  const rows = rowsOf(BucketRow, answer);
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.address ?? null) : null };
}
