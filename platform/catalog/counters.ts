/** Counters that only grow. Each addition is made once: it is bound to what says that it was made. */
import * as z from "zod";
import { type Hour, HourText } from "../../domain/hour.ts";
import type { BucketAddress } from "../../domain/ids.ts";
import { rowsOf } from "./border.ts";

export type Counters = Readonly<Record<string, number>>;

const CounterRow = z.object({ name: z.string(), value: z.number().int() });
const FoldRow = z.object({ through_hour: HourText.nullable() });

/** All counters, and the last hour whose ledgers are in them, as of one moment. */
export async function readCounters(
  db: D1Database,
): Promise<{ readonly counters: ReadonlyMap<string, number>; readonly through: Hour | null }> {
  const [counters, fold] = await db.batch([
    db.prepare("SELECT name, value FROM counters"),
    db.prepare("SELECT through_hour FROM ledger_fold WHERE id = 1"),
  ]);
  return {
    counters: new Map(rowsOf(CounterRow, counters).map(({ name, value }) => [name, value])),
    through: rowsOf(FoldRow, fold)[0]?.through_hour ?? null,
  };
}

/** Adds what a bucket's manifest counts, unless that was done before. */
export async function countBucket(
  db: D1Database,
  { type, hour }: BucketAddress,
  facts: Counters,
): Promise<void> {
  const uncounted = "EXISTS (SELECT 1 FROM buckets WHERE type = ?2 AND hour = ?3 AND counted = 0)";
  await db.batch([
    db.prepare(addIf(uncounted)).bind(JSON.stringify(facts), type, hour),
    db
      .prepare("UPDATE buckets SET counted = 1 WHERE type = ?1 AND hour = ?2 AND counted = 0")
      .bind(type, hour),
  ]);
}

/** Adds an hour's ledgers, if they are the next ones; of two that add them at once one does. */
export async function foldLedgers(
  db: D1Database,
  before: Hour | null,
  hour: Hour,
  counters: Counters,
): Promise<void> {
  const next = "EXISTS (SELECT 1 FROM ledger_fold WHERE id = 1 AND through_hour IS ?2)";
  await db.batch([
    db.prepare(addIf(next)).bind(JSON.stringify(counters), before),
    db
      .prepare("UPDATE ledger_fold SET through_hour = ?1 WHERE id = 1 AND through_hour IS ?2")
      .bind(hour, before),
  ]);
}

/** What adds nothing is not written: each row that is costs, and most counters of most buckets stand still. */
function addIf(condition: string): string {
  return `INSERT INTO counters (name, value)
    SELECT added.key, added.value FROM json_each(?1) AS added WHERE added.value <> 0 AND ${condition}
    ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`;
}
