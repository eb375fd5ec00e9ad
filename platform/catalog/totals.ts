/**
 * Totals over the catalog. They walk every bucket of the range that is asked for, so they belong into a report that
 * somebody asks for, not into a cron run.
 */
import * as z from "zod";
import { type EpochMs, HourText } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { overdueMs } from "../../domain/limits.ts";
import type { Lateness } from "../../domain/report.ts";
import { VerdictName } from "../../domain/verdict.ts";
import { addressColumns, addressOf, rowsOf, shownVerdict, timeColumn } from "./border.ts";
import { type ReportFilter, ofOwner } from "./buckets.ts";
import { endMs } from "./views.ts";

const TotalRow = z
  .object({
    state: z.enum(["due", "sealed"]),
    verdict: VerdictName.nullable(),
    late: z.number().int(),
    buckets: z.number().int(),
    rows: z.number().int(),
    bytes: z.number().int(),
  })
  .transform(({ late, ...row }) => ({ ...row, late: late === 1 }));

export interface BucketTotal {
  readonly state: "due" | "sealed";
  /** Null: not audited yet, or not sealed. */
  readonly verdict: VerdictName | null;
  /** Due at or before `lateFrom` and not sealed, or sealed at or before it and not audited. */
  readonly late: boolean;
  readonly buckets: number;
  readonly rows: number;
  readonly bytes: number;
}

/** Hours are text and sort in time order: '' is before all of them, ':' after. */
const inRange = `(?1 IS NULL OR type = ?1) AND hour >= coalesce(?2, '') AND hour < coalesce(?3, ':')
  AND (?4 IS NULL OR ${ofOwner.replace("?", "?4")})`;

function boundTo({ type, from, to, owner }: ReportFilter): (string | null)[] {
  return [type ?? null, from ?? null, to ?? null, owner ?? null];
}

/** Buckets, rows and bytes by state and verdict. */
export async function bucketTotals(
  db: D1Database,
  lateFrom: EpochMs,
  filter: ReportFilter,
): Promise<BucketTotal[]> {
  const select = db
    .prepare(
      `SELECT state, ${shownVerdict} AS verdict,
              CASE WHEN state = 'due' THEN due_at_ms <= ?5 ELSE verdict IS NULL AND sealed_at_ms <= ?5 END AS late,
              count(*) AS buckets, coalesce(sum(rows), 0) AS rows, coalesce(sum(bytes), 0) AS bytes
       FROM buckets WHERE ${inRange} GROUP BY 1, 2, 3`,
    )
    .bind(...boundTo(filter), lateFrom);
  return rowsOf(TotalRow, await select.all());
}

/** What a seal is measured by: the target that its stream has now. */
const targetMs = "coalesce(settings ->> '$.targetLatenessMs', (settings ->> '$.graceMs') + ?6)";

const LateRow = z
  .object({
    ...addressColumns,
    sealed_at_ms: timeColumn,
    attempts: z.number().int(),
    last_step: z.string().nullable(),
    last_error: z.string().nullable(),
    late_ms: z.number(),
    target_ms: z.number(),
  })
  .transform((row) => ({
    address: addressOf(row),
    sealedAtMs: row.sealed_at_ms,
    attempts: row.attempts,
    lastStep: row.last_step,
    lastError: row.last_error,
    latenessMs: row.late_ms,
    overTargetMs: row.late_ms - row.target_ms,
  }));
export type LateBucketRow = z.infer<typeof LateRow>;

/** Buckets that were sealed past their stream's target, the latest first. */
export async function lateBuckets(
  db: D1Database,
  filter: ReportFilter,
  limit: number,
): Promise<LateBucketRow[]> {
  const select = db
    .prepare(
      `WITH sealed AS (
         SELECT *, sealed_at_ms - ${endMs} AS late_ms FROM buckets WHERE sealed_at_ms IS NOT NULL AND ${inRange}
       )
       SELECT type, hour, sealed_at_ms, attempts, last_step, last_error, late_ms, ${targetMs} AS target_ms
       FROM sealed JOIN streams USING (type)
       WHERE late_ms > ${targetMs} ORDER BY late_ms - ${targetMs} DESC, hour, type LIMIT ?5`,
    )
    .bind(...boundTo(filter), limit, overdueMs);
  return rowsOf(LateRow, await select.all());
}

const LatenessRow = z.object({
  buckets: z.number().int(),
  over_target: z.number().int().nullable(),
  median_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  worst_ms: z.number().nullable(),
  worst_type: z.string().nullable(),
  worst_hour: HourText.nullable(),
});

/** How late buckets were sealed, or are, against the targets that their streams have now. Null: none was due. */
export async function latenessOf(
  db: D1Database,
  now: EpochMs,
  filter: ReportFilter,
): Promise<Lateness | null> {
  const select = db
    .prepare(
      `WITH late AS (
         SELECT type, hour, max(0, coalesce(sealed_at_ms, ?5) - ${endMs}) AS late_ms
         FROM buckets WHERE ${inRange}
       ), placed AS (
         SELECT *, row_number() OVER (ORDER BY late_ms, hour, type) AS place, count(*) OVER () AS of FROM late
       )
       SELECT count(*) AS buckets,
              sum(late_ms > ${targetMs}) AS over_target,
              max(CASE WHEN place = (of + 1) / 2 THEN late_ms END) AS median_ms,
              max(CASE WHEN place = (of * 95 + 99) / 100 THEN late_ms END) AS p95_ms,
              max(CASE WHEN place = of THEN late_ms END) AS worst_ms,
              max(CASE WHEN place = of THEN placed.type END) AS worst_type,
              max(CASE WHEN place = of THEN hour END) AS worst_hour
       FROM placed LEFT JOIN streams ON streams.type = placed.type`,
    )
    .bind(...boundTo(filter), now, overdueMs);
  const [row] = rowsOf(LatenessRow, await select.all());
  if (row === undefined || row.buckets === 0) return null;
  return {
    buckets: row.buckets,
    overTarget: row.over_target ?? 0,
    medianMs: row.median_ms ?? 0,
    p95Ms: row.p95_ms ?? 0,
    worstMs: row.worst_ms ?? 0,
    worstType: row.worst_type ?? "",
    worstHour: row.worst_hour ?? "",
  };
}

const StrainedRow = z
  .object({
    type: EventType,
    hours: z.number().int(),
    last_hour: HourText,
    rows: z.number().int(),
    spilled_rows: z.number().int(),
    quarantined_events: z.number().int(),
  })
  .transform((row) => ({
    type: row.type,
    hours: row.hours,
    lastHour: row.last_hour,
    rows: row.rows,
    spilledRows: row.spilled_rows,
    quarantinedEvents: row.quarantined_events,
  }));
export type StrainedRow = z.infer<typeof StrainedRow>;

/** Streams of whose hours overflow shards took rows, or events are in quarantine: the most of both first. */
export async function strainedStreams(
  db: D1Database,
  filter: ReportFilter,
  limit: number,
): Promise<StrainedRow[]> {
  const select = db
    .prepare(
      `WITH strained AS (
         SELECT type, hour, load ->> '$.rows' AS rows, load ->> '$.spilledRows' AS spilled,
                coalesce(load ->> '$.quarantined', 0) AS quarantined
         FROM buckets WHERE load IS NOT NULL AND ${inRange}
       )
       SELECT type, count(*) AS hours, max(hour) AS last_hour, sum(rows) AS rows,
              sum(spilled) AS spilled_rows, sum(quarantined) AS quarantined_events
       FROM strained WHERE spilled + quarantined > 0
       GROUP BY type ORDER BY sum(spilled + quarantined) DESC, type LIMIT ?5`,
    )
    .bind(...boundTo(filter), limit);
  return rowsOf(StrainedRow, await select.all());
}
