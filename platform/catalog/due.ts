/**
 * The seal queue: hours that are due and not known to be sealed.
 *
 * A stream that was removed has hours for as long as an edge may not have heard of it, and one of its hours is not settled:
 * the moves of rows to the next open bucket are part of a balanced verdict, so none is under way when all have one.
 *
 * Two flushers may run all of this at once: hours are taken up by compare-and-set on the stream's next hour, and
 * taking one up twice is taking it up once. Nothing here decides that a bucket seals; the bucket itself does.
 */
import * as z from "zod";
import { type EpochMs, type Hour, HourText, plusHours } from "../../domain/hour.ts";
import { type BucketAddress, EventType } from "../../domain/ids.ts";
import { bucketsPerStreamPerRunMax, unsettledMsMax } from "../../domain/limits.ts";
import { dueAt } from "../../domain/plan.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { addressColumns, addressOf, jsonColumn, timeColumn, workOf } from "./border.ts";
import { endedDueAtMs } from "./streams.ts";

/** Streams in one statement: with `bucketsPerStreamPerRunMax` hours each, its JSON stays far below D1's 2 MB. */
const streamsPerStatement = 100;

const BehindRow = z.object({
  type: EventType,
  settings: jsonColumn(StreamSettings),
  next_hour: HourText,
  version: z.number().int(),
  last_hour: HourText.nullable(),
  unsettled: z.number(),
});

/** The hours from `next` on that are due, at most as many as one run takes up, and where the stream stands then. */
export function hoursDue(
  next: Hour,
  graceMs: number,
  now: EpochMs,
  last: Hour | null = null,
): { readonly hours: readonly { hour: Hour; dueAtMs: EpochMs }[]; readonly next: Hour } {
  const hours: { hour: Hour; dueAtMs: EpochMs }[] = [];
  let hour = next;
  const isOwn = (own: Hour): boolean => last === null || own <= last;
  while (hours.length < bucketsPerStreamPerRunMax && dueAt(hour, graceMs) <= now && isOwn(hour)) {
    hours.push({ hour, dueAtMs: dueAt(hour, graceMs) });
    hour = plusHours(hour, 1);
  }
  return { hours, next: hour };
}

/**
 * Takes up the hours that have become due, for at most `limit` streams, the longest waiting first. Answers how many
 * rows are new, and how many streams it looked at: as many as `limit` means that there may be more.
 */
export async function enumerateDue(
  db: D1Database,
  now: EpochMs,
  limit: number,
): Promise<{ readonly streams: number; readonly buckets: number }> {
  const steps = workOf(BehindRow, await selectBehind(db, now, limit).all()).map(
    ({ type, settings, next_hour, version, last_hour, unsettled }) => {
      // An hour that is not settled may still let rows go to one that comes after it, past the last hour too.
      const last = unsettled === 1 ? null : last_hour;
      const { hours, next } = hoursDue(next_hour, settings.graceMs, now, last);
      const due = hours.map(({ hour, dueAtMs }) => [hour, dueAtMs]);
      const ends = last !== null && next_hour > last;
      const nextDueAtMs = ends ? endedDueAtMs : dueAt(next, settings.graceMs);
      return { type, version, from: next_hour, next, nextDueAtMs, hours: due };
    },
  );
  if (steps.length === 0) return { streams: 0, buckets: 0 };
  const statements: D1PreparedStatement[] = [];
  for (let at = 0; at < steps.length; at += streamsPerStatement) {
    const json = JSON.stringify(steps.slice(at, at + streamsPerStatement));
    statements.push(insertDue(db).bind(json), advance(db).bind(json));
  }
  const answers = await db.batch(statements);
  const inserted = answers.filter((_, index) => index % 2 === 0);
  return {
    streams: steps.length,
    buckets: inserted.reduce((sum, answer) => sum + answer.meta.changes, 0),
  };
}

export function selectBehind(db: D1Database, now: EpochMs, limit: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT type, settings, next_hour, version, last_hour,
         last_hour IS NOT NULL AND EXISTS (
           SELECT 1 FROM buckets INDEXED BY buckets_unsettled
           WHERE buckets.type = streams.type AND verdict IS NOT 'balanced' AND (state = 'due' OR sealed_at_ms > ?3)
         ) AS unsettled
       FROM streams WHERE due_at_ms <= ?1 ORDER BY due_at_ms, type LIMIT ?2`,
    )
    .bind(now, limit, now - unsettledMsMax);
}

/** Both statements act only on streams that still stand where they were read: settings too, for the grace. */
const stillThere = `streams.type = step.value ->> '$.type'
  AND streams.next_hour = step.value ->> '$.from'
  AND streams.version = step.value ->> '$.version'`;

function insertDue(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `INSERT OR IGNORE INTO buckets (type, hour, state, due_at_ms, retry_at_ms)
     SELECT streams.type, due.value ->> 0, 'due', due.value ->> 1, due.value ->> 1
     FROM json_each(?1) AS step
     JOIN streams ON ${stillThere}
     JOIN json_each(step.value, '$.hours') AS due`,
  );
}

function advance(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `UPDATE streams SET next_hour = step.value ->> '$.next', due_at_ms = step.value ->> '$.nextDueAtMs'
     FROM json_each(?1) AS step WHERE ${stillThere}`,
  );
}

const DueRow = z
  .object({
    ...addressColumns,
    due_at_ms: timeColumn,
    attempts: z.number().int().min(0),
    settings: jsonColumn(StreamSettings),
  })
  .transform((row) => ({
    address: addressOf(row),
    settings: row.settings,
    dueAtMs: row.due_at_ms,
    attempts: row.attempts,
  }));
export type DueBucket = z.output<typeof DueRow>;

/**
 * What is to be sealed now. What has not failed yet comes first: what fails may go on failing, and must not hold up what
 * would not. Then the most important streams, then the oldest hours; of one stream no more than a run takes up, so that a
 * stream far behind leaves room for the others.
 */
export async function dueBuckets(db: D1Database, now: EpochMs, limit: number): Promise<DueBucket[]> {
  return workOf(DueRow, await selectDue(db, now, limit).all());
}

export function selectDue(db: D1Database, now: EpochMs, limit: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT due.type, due.hour, due.due_at_ms, due.attempts, streams.settings
       FROM (
         SELECT type, hour, due_at_ms, attempts, row_number() OVER (PARTITION BY type ORDER BY attempts > 0, hour) AS place
         FROM buckets INDEXED BY buckets_due WHERE state = 'due' AND retry_at_ms <= ?1
       ) AS due
       JOIN streams ON streams.type = due.type
       WHERE due.place <= ?2
       ORDER BY due.attempts > 0, streams.priority, due.hour, due.type LIMIT ?3`,
    )
    .bind(now, bucketsPerStreamPerRunMax, limit);
}

/** The bucket's own plan says that it is due later: it has a longer grace than the stream has now. */
export async function postponeDue(db: D1Database, address: BucketAddress, dueAtMs: EpochMs): Promise<void> {
  await db
    .prepare(
      `UPDATE buckets SET due_at_ms = ?3, retry_at_ms = ?3
       WHERE type = ?1 AND hour = ?2 AND state = 'due'`,
    )
    .bind(address.type, address.hour, dueAtMs)
    .run();
}
