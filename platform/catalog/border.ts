/**
 * The border between D1's rows and the domain: every row is checked where it comes in, and bound on one JSON parameter
 * where many go out (D1 allows 100 parameters per statement).
 */
import * as z from "zod";
import { EpochMs, HourText } from "../../domain/hour.ts";
import { type BucketAddress, EventType } from "../../domain/ids.ts";
import { log } from "../log.ts";

/** A column of JSON text, as the value it holds. */
export function jsonColumn<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text, ctx): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        ctx.addIssue({ code: "custom", message: "not JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** The columns that name a bucket. */
export const addressColumns = { type: EventType, hour: HourText } as const;

export const timeColumn = EpochMs;

/** What a bucket is shown as: one that has expired was balanced. */
export const shownVerdict = "CASE WHEN expired_at_ms IS NULL THEN verdict ELSE 'expired' END";

export function addressOf(row: BucketAddress): BucketAddress {
  return { type: row.type, hour: row.hour };
}

/** The rows of an answer. Throws on a row that does not fit: half a configuration must not pass for a whole one. */
export function rowsOf<Schema extends z.ZodType>(
  schema: Schema,
  answer: D1Result | undefined,
): z.output<Schema>[] {
  if (answer === undefined) throw new Error("broken invariant: a batch left a statement unanswered");
  return answer.results.map((row) => schema.parse(row));
}

/** The rows of a work queue. A row that does not fit is logged and passed over: it must not hold up the others. */
export function workOf<Schema extends z.ZodType>(schema: Schema, { results }: D1Result): z.output<Schema>[] {
  const rows: z.output<Schema>[] = [];
  for (const result of results) {
    const row = schema.safeParse(result);
    if (row.success) rows.push(row.data);
    else log("catalog", "broken_row", { row: nameOf(result), issues: z.prettifyError(row.error) });
  }
  return rows;
}

const Named = z.object({ type: z.string().optional(), hour: z.string().optional() });

function nameOf(row: unknown): unknown {
  return Named.safeParse(row).data;
}
