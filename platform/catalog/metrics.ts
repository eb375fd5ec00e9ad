/** What the metrics say of buckets: what is not balanced, from its index, and the last day's, by stream. */
import * as z from "zod";
import type { EpochMs, Hour } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { VerdictName } from "../../domain/verdict.ts";
import { rowsOf, timeColumn } from "./border.ts";
import { endMs } from "./views.ts";

const UnsettledRow = z.object({
  type: EventType,
  state: z.enum(["due", "sealed"]),
  verdict: VerdictName.nullable(),
  overdue: z.number().transform((value) => value === 1),
  failing: z.number().int(),
  buckets: z.number().int(),
  oldest_due_ms: timeColumn,
  missing_rows: z.number().int(),
  surplus_rows: z.number().int(),
});
export type UnsettledOfStream = z.output<typeof UnsettledRow>;

const StreamDayRow = z.object({
  type: EventType,
  balanced: z.number().int(),
  rows: z.number().int(),
  median_ms: z.number(),
  p95_ms: z.number(),
  worst_ms: z.number(),
});
export type StreamDay = z.output<typeof StreamDayRow>;

const WaitingRow = z.object({ waiting: z.number().int() });

export interface BucketFigures {
  /** Buckets that are not balanced, by stream and by what they are; of any time. */
  readonly unsettled: readonly UnsettledOfStream[];
  /** Buckets of the hours from `since` on, by stream. */
  readonly days: readonly StreamDay[];
  readonly undigested: number;
  /** Messages of alerts that their receiver has not taken. */
  readonly untold: number;
}

export async function bucketFigures(
  db: D1Database,
  since: Hour,
  overdueFrom: EpochMs,
  now: EpochMs,
): Promise<BucketFigures> {
  const [unsettled, days, undigested, untold] = await db.batch([
    selectUnsettledByStream(db, overdueFrom),
    db
      .prepare(
        `WITH late AS (
           SELECT type, verdict, rows, max(0, coalesce(sealed_at_ms, ?2) - ${endMs}) AS late_ms
           FROM buckets WHERE hour >= ?1
         ), placed AS (
           SELECT *, row_number() OVER (PARTITION BY type ORDER BY late_ms) AS place,
                  count(*) OVER (PARTITION BY type) AS of
           FROM late
         )
         SELECT type, sum(verdict IS 'balanced') AS balanced, coalesce(sum(rows), 0) AS rows,
                max(CASE WHEN place = (of + 1) / 2 THEN late_ms END) AS median_ms,
                max(CASE WHEN place = (of * 95 + 99) / 100 THEN late_ms END) AS p95_ms,
                max(late_ms) AS worst_ms
         FROM placed GROUP BY type`,
      )
      .bind(since, now),
    db.prepare(
      `SELECT count(*) AS waiting FROM buckets INDEXED BY buckets_undigested
       WHERE verdict IS NOT NULL AND digest_sequence IS NULL`,
    ),
    db.prepare("SELECT count(*) AS waiting FROM alert_messages"),
  ]);
  return {
    unsettled: rowsOf(UnsettledRow, unsettled),
    days: rowsOf(StreamDayRow, days),
    undigested: rowsOf(WaitingRow, undigested)[0]?.waiting ?? 0,
    untold: rowsOf(WaitingRow, untold)[0]?.waiting ?? 0,
  };
}

export function selectUnsettledByStream(db: D1Database, overdueFrom: EpochMs): D1PreparedStatement {
  const rowsOfKind = (kind: "missing" | "surplus"): string =>
    `coalesce(sum((SELECT sum(value ->> '$.rows') FROM json_each(findings) WHERE value ->> '$.kind' = '${kind}')), 0)`;
  return db
    .prepare(
      `SELECT type, state, verdict, state = 'due' AND due_at_ms <= ?1 AS overdue,
              sum(state = 'due' AND attempts > 0) AS failing, count(*) AS buckets, min(due_at_ms) AS oldest_due_ms,
              ${rowsOfKind("missing")} AS missing_rows, ${rowsOfKind("surplus")} AS surplus_rows
       FROM buckets INDEXED BY buckets_unsettled WHERE verdict IS NOT 'balanced'
       GROUP BY type, state, verdict, overdue`,
    )
    .bind(overdueFrom);
}
