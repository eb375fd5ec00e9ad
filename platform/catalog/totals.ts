/**
 * Totals over the catalog. They walk every bucket of the range that is asked for, so they belong into a report that
 * somebody asks for, not into a cron run.
 */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import { VerdictName } from "../../domain/verdict.ts";
import { rowsOf } from "./border.ts";
import type { BucketFilter } from "./buckets.ts";

const TotalRow = z.object({
  state: z.enum(["due", "sealed"]),
  verdict: VerdictName.nullable(),
  overdue: z.number().int(),
  buckets: z.number().int(),
  rows: z.number().int(),
  bytes: z.number().int(),
});

export interface BucketTotal {
  readonly state: "due" | "sealed";
  /** Null: not audited yet, or not sealed. */
  readonly verdict: VerdictName | null;
  readonly overdue: boolean;
  readonly buckets: number;
  readonly rows: number;
  readonly bytes: number;
}

/** Buckets, rows and bytes by state and verdict; a due bucket is overdue if it was due at or before `overdueFrom`. */
export async function bucketTotals(
  db: D1Database,
  overdueFrom: EpochMs,
  filter: Pick<BucketFilter, "type" | "from" | "to">,
): Promise<BucketTotal[]> {
  const select = db
    .prepare(
      `SELECT state, verdict, state = 'due' AND due_at_ms <= ?1 AS overdue, count(*) AS buckets,
              coalesce(sum(rows), 0) AS rows, coalesce(sum(bytes), 0) AS bytes
       FROM buckets
       WHERE (?2 IS NULL OR type = ?2) AND hour >= coalesce(?3, '') AND hour < coalesce(?4, ':')
       GROUP BY 1, 2, 3`,
    )
    .bind(overdueFrom, filter.type ?? null, filter.from ?? null, filter.to ?? null);
  return rowsOf(TotalRow, await select.all()).map((row) =>
    Object.assign(row, { overdue: row.overdue === 1 }),
  );
}
