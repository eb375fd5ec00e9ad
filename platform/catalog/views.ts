/**
 * What the pages for operators are made of: many buckets, few columns. Each query is bounded by its hours, and the grid's
 * by its streams as well.
 */
import * as z from "zod";
import { type EpochMs, type Hour, HourText } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { HourLoad } from "../../domain/load.ts";
import { VerdictName } from "../../domain/verdict.ts";
import type { GridBucket } from "../../domain/view/grid.ts";
import { type TrendHour, emptyTrendHour } from "../../domain/view/trend.ts";
import { jsonColumn, rowsOf, shownVerdict, timeColumn } from "./border.ts";
import { type CatalogStream, StreamRow, streamColumns } from "./streams.ts";

export interface HourRange {
  readonly from: Hour;
  /** Exclusive. */
  readonly to: Hour;
}

/** One page of streams in the order of their types, from after `after` on; one more than `limit` if there are more. */
export async function pageOfStreams(
  db: D1Database,
  after: EventType | null,
  limit: number,
): Promise<CatalogStream[]> {
  const select = db
    .prepare(`SELECT ${streamColumns} FROM streams WHERE type > ?1 ORDER BY type LIMIT ?2`)
    .bind(after ?? "", limit);
  return rowsOf(StreamRow, await select.all());
}

/** Tens of thousands at a time. The hour is only looked up by the hours of the grid: one that is none is never found. */
const CellRow = z
  .object({
    type: EventType,
    hour: z.string().transform((hour) => hour as Hour),
    state: z.enum(["due", "sealed"]),
    due_at_ms: timeColumn,
    verdict: VerdictName.nullable(),
    rows: z.number().int().nullable(),
  })
  .transform(({ due_at_ms: dueAtMs, ...row }) => ({ ...row, dueAtMs }));

/** The buckets of the streams from `first` to `last`, both included, by stream. */
export async function gridBuckets(
  db: D1Database,
  streams: { readonly first: EventType; readonly last: EventType },
  range: HourRange,
): Promise<ReadonlyMap<string, readonly GridBucket[]>> {
  const select = db
    .prepare(
      `SELECT type, hour, state, due_at_ms, ${shownVerdict} AS verdict, rows FROM buckets
       WHERE hour >= ?1 AND hour < ?2 AND type BETWEEN ?3 AND ?4`,
    )
    .bind(range.from, range.to, streams.first, streams.last);
  return Map.groupBy(rowsOf(CellRow, await select.all()), ({ type }) => type);
}

const SeriesRow = z.object({
  hour: HourText,
  rows: z.number().int(),
  bytes: z.number().int(),
  sealed_at_ms: timeColumn,
  // What cannot be read any more is as good as not counted.
  load: jsonColumn(HourLoad).nullable().catch(null),
});
export type SealedHour = z.output<typeof SeriesRow>;

/** The sealed hours of one stream, oldest first. */
export async function sealedHours(db: D1Database, type: EventType, range: HourRange): Promise<SealedHour[]> {
  const select = db
    .prepare(
      `SELECT hour, rows, bytes, sealed_at_ms, load FROM buckets
       WHERE type = ?1 AND hour >= ?2 AND hour < ?3 AND state = 'sealed' ORDER BY hour`,
    )
    .bind(type, range.from, range.to);
  return rowsOf(SeriesRow, await select.all());
}

const TrendRow = z.object({
  hour: HourText,
  buckets: z.number().int(),
  sealed: z.number().int(),
  faults: z.number().int(),
  rows: z.number().int(),
  bytes: z.number().int(),
  missing_rows: z.number().int(),
  surplus_rows: z.number().int(),
  median_ms: z.number().nullable(),
  p95_ms: z.number().nullable(),
  worst_ms: z.number().nullable(),
  worst_type: z.string().nullable(),
});

/** When the hour of a row ended, in milliseconds. */
export const endMs = "(unixepoch(substr(hour, 1, 10) || ' ' || substr(hour, 12) || ':00:00') + 3600) * 1000";

/** What a bucket's findings of a kind say in rows; only buckets with a fault are looked into. */
function findingRows(kind: "missing" | "surplus"): string {
  return `sum(CASE WHEN verdict IS NULL OR verdict = 'balanced' THEN 0 ELSE (
    SELECT coalesce(sum(value ->> '$.rows'), 0) FROM json_each(findings) WHERE value ->> '$.kind' = '${kind}'
  ) END)`;
}

/** Hour by hour, over all streams or one. Hours without any row are left out. */
export async function trendHours(
  db: D1Database,
  type: EventType | null,
  range: HourRange,
  now: EpochMs,
): Promise<readonly TrendHour[]> {
  const select = db
    .prepare(
      `WITH late AS (
         SELECT *, max(0, coalesce(sealed_at_ms, ?4) - ${endMs}) AS late_ms
         FROM buckets WHERE hour >= ?1 AND hour < ?2 AND (?3 IS NULL OR type = ?3)
       ), placed AS (
         SELECT *, row_number() OVER (PARTITION BY hour ORDER BY late_ms, type) AS place,
                count(*) OVER (PARTITION BY hour) AS of
         FROM late
       )
       SELECT hour, count(*) AS buckets,
              sum(state = 'sealed') AS sealed,
              sum(verdict IS NOT NULL AND verdict <> 'balanced') AS faults,
              coalesce(sum(rows), 0) AS rows, coalesce(sum(bytes), 0) AS bytes,
              ${findingRows("missing")} AS missing_rows, ${findingRows("surplus")} AS surplus_rows,
              max(CASE WHEN place = (of + 1) / 2 THEN late_ms END) AS median_ms,
              max(CASE WHEN place = (of * 95 + 99) / 100 THEN late_ms END) AS p95_ms,
              max(CASE WHEN place = of THEN late_ms END) AS worst_ms,
              max(CASE WHEN place = of THEN type END) AS worst_type
       FROM placed GROUP BY hour ORDER BY hour`,
    )
    .bind(range.from, range.to, type, now);
  return rowsOf(TrendRow, await select.all()).map((row) => ({
    ...emptyTrendHour,
    hour: row.hour,
    buckets: row.buckets,
    sealed: row.sealed,
    faults: row.faults,
    rows: row.rows,
    bytes: row.bytes,
    missingRows: row.missing_rows,
    surplusRows: row.surplus_rows,
    lateness:
      row.median_ms === null || row.p95_ms === null || row.worst_ms === null || row.worst_type === null
        ? null
        : { medianMs: row.median_ms, p95Ms: row.p95_ms, worstMs: row.worst_ms, worstType: row.worst_type },
  }));
}
