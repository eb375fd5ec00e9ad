/**
 * What was told of buckets, and the messages that are to tell more. Each step is one transaction on conditions that it
 * checks itself, so that two runs at once tell everything once.
 *
 *     note   what a bucket is now, where that is not what is noted; a change that nobody was told of yet is overwritten
 *     gather what nobody was told of into messages, an address at a time; their text is fixed here
 *     send   (the caller), and forget the message or put it off
 */
import * as z from "zod";
import { BucketAlert } from "../../domain/alert/message.ts";
import type { EpochMs } from "../../domain/hour.ts";
import { alertsPerMessageMax, detailCharsMax } from "../../domain/limits.ts";
import { jsonColumn, rowsOf, timeColumn, workOf } from "./border.ts";

/** What a bucket that is not balanced is; NULL: nothing to tell of yet. `?1`: late from. */
const conditionOf = `CASE
    WHEN buckets.state = 'due' THEN CASE WHEN buckets.due_at_ms <= ?1 THEN 'overdue' END
    WHEN buckets.verdict IS NULL THEN CASE WHEN buckets.sealed_at_ms <= ?1 THEN 'unaudited' END
    ELSE buckets.verdict END`;

/** `?`: the deployment's address, empty if it has none. */
const urlOf = (parameter: string): string =>
  `coalesce(nullif(streams.settings ->> '$.alertUrl', ''), ${parameter})`;

/** Notes what has become overdue or a fault, and what has recovered. Buckets that have no address are passed over. */
export async function noteAlerts(
  db: D1Database,
  lateFrom: EpochMs,
  defaultUrl: string,
  now: EpochMs,
): Promise<number> {
  const [raised, , recovered] = await db.batch([
    db
      .prepare(
        `INSERT INTO alerts (type, hour, condition, changed_at_ms)
         SELECT type, hour, condition, ?2 FROM (
           SELECT buckets.type, buckets.hour, ${conditionOf} AS condition
           FROM buckets INDEXED BY buckets_unsettled JOIN streams ON streams.type = buckets.type
           WHERE buckets.verdict IS NOT 'balanced' AND ${urlOf("?3")} <> ''
         ) WHERE condition IS NOT NULL
         ON CONFLICT (type, hour) DO UPDATE SET
           condition = excluded.condition, changed_at_ms = excluded.changed_at_ms,
           -- Back to what was told last: nobody needs to hear it again.
           message_id = CASE WHEN excluded.condition = told THEN 'told' END
         WHERE condition <> excluded.condition`,
      )
      .bind(lateFrom, now, defaultUrl),
    // What recovered before anybody was told needs no telling.
    db.prepare(`DELETE FROM alerts WHERE told IS NULL AND ${isBalanced}`),
    db
      .prepare(
        `UPDATE alerts SET condition = 'recovered', changed_at_ms = ?1, message_id = NULL
         WHERE condition <> 'recovered' AND ${isBalanced}`,
      )
      .bind(now),
  ]);
  return (raised?.meta.changes ?? 0) + (recovered?.meta.changes ?? 0);
}

const isBalanced = `EXISTS (SELECT 1 FROM buckets WHERE buckets.type = alerts.type AND buckets.hour = alerts.hour
  AND buckets.verdict = 'balanced')`;

const UrlRow = z.object({ url: z.string() });

/** The addresses that somebody waits to be told at. */
export async function untoldUrls(db: D1Database, defaultUrl: string, limit: number): Promise<string[]> {
  const select = db
    .prepare(
      `SELECT DISTINCT ${urlOf("?1")} AS url
       FROM alerts INDEXED BY alerts_untold JOIN streams ON streams.type = alerts.type
       WHERE alerts.message_id IS NULL AND ${urlOf("?1")} <> '' LIMIT ?2`,
    )
    .bind(defaultUrl, limit);
  return rowsOf(UrlRow, await select.all()).map(({ url }) => url);
}

/** One message with what nobody was told of at that address, the oldest first. True if there was anything. */
export async function gatherMessage(
  db: D1Database,
  id: string,
  url: string,
  defaultUrl: string,
  now: EpochMs,
): Promise<boolean> {
  const finding = (what: string): string =>
    `(SELECT substr(value ->> '$.${what}', 1, ${detailCharsMax}) FROM json_each(buckets.findings) LIMIT 1)`;
  const [, made] = await db.batch([
    db
      .prepare(
        `UPDATE alerts SET message_id = ?1 WHERE message_id IS NULL AND (type, hour) IN (
           SELECT alerts.type, alerts.hour
           FROM alerts INDEXED BY alerts_untold JOIN streams ON streams.type = alerts.type
           WHERE alerts.message_id IS NULL AND ${urlOf("?3")} = ?2
           ORDER BY alerts.changed_at_ms, alerts.type, alerts.hour LIMIT ${alertsPerMessageMax}
         )`,
      )
      .bind(id, url, defaultUrl),
    db
      .prepare(
        `INSERT INTO alert_messages (id, url, alerts, created_at_ms, retry_at_ms)
         SELECT ?1, ?2, json_group_array(json_object(
             'type', alerts.type, 'hour', alerts.hour,
             'owner', coalesce(streams.settings ->> '$.owner', ''),
             'contact', coalesce(streams.settings ->> '$.contact', ''),
             'condition', alerts.condition, 'before', alerts.told, 'changedAtMs', alerts.changed_at_ms,
             'dueAtMs', buckets.due_at_ms, 'sealedAtMs', buckets.sealed_at_ms, 'rows', buckets.rows,
             'missingRows', coalesce((SELECT sum(value ->> '$.rows') FROM json_each(buckets.findings)
               WHERE value ->> '$.kind' = 'missing'), 0),
             'hop', ${finding("hop")},
             'why', coalesce(${finding("detail")}, buckets.last_step || ': ' || buckets.last_error)
           )), ?3, ?3
         FROM alerts
         JOIN buckets ON buckets.type = alerts.type AND buckets.hour = alerts.hour
         JOIN streams ON streams.type = alerts.type
         WHERE alerts.message_id = ?1 HAVING count(*) > 0`,
      )
      .bind(id, url, now),
    db.prepare("DELETE FROM alerts WHERE message_id = ?1 AND condition = 'recovered'").bind(id),
    db.prepare("UPDATE alerts SET told = condition WHERE message_id = ?1").bind(id),
  ]);
  return (made?.meta.changes ?? 0) > 0;
}

const MessageRow = z
  .object({
    id: z.string(),
    url: z.string(),
    alerts: jsonColumn(z.array(BucketAlert)),
    created_at_ms: timeColumn,
    attempts: z.number().int(),
    retry_at_ms: timeColumn,
    last_error: z.string().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    url: row.url,
    alerts: row.alerts,
    createdAtMs: row.created_at_ms,
    attempts: row.attempts,
    retryAtMs: row.retry_at_ms,
    lastError: row.last_error,
  }));
export type AlertMessage = z.output<typeof MessageRow>;

const messageColumns = "id, url, alerts, created_at_ms, attempts, retry_at_ms, last_error";

/** Messages that are to be sent now, the ones that wait longest first. */
export async function dueMessages(db: D1Database, now: EpochMs, limit: number): Promise<AlertMessage[]> {
  const select = db
    .prepare(
      `SELECT ${messageColumns} FROM alert_messages WHERE retry_at_ms <= ?1 ORDER BY retry_at_ms, id LIMIT ?2`,
    )
    .bind(now, limit);
  return workOf(MessageRow, await select.all());
}

/** Messages that wait, whether or not they are due. */
export async function waitingMessages(db: D1Database, limit: number): Promise<AlertMessage[]> {
  const select = db
    .prepare(`SELECT ${messageColumns} FROM alert_messages ORDER BY created_at_ms, id LIMIT ?1`)
    .bind(limit);
  return workOf(MessageRow, await select.all());
}

/** Takes a message up for one attempt, which ends before `untilMs`. False: another run has it. */
export async function takeUpMessage(
  db: D1Database,
  { id, retryAtMs }: AlertMessage,
  untilMs: EpochMs,
): Promise<boolean> {
  const update = await db
    .prepare("UPDATE alert_messages SET retry_at_ms = ?3 WHERE id = ?1 AND retry_at_ms = ?2")
    .bind(id, retryAtMs, untilMs)
    .run();
  return update.meta.changes > 0;
}

/** The receiver has it, or never will. `givenUp` is counted. */
export async function forgetMessage(db: D1Database, id: string, givenUp: boolean): Promise<void> {
  const name = givenUp ? "alerts_given_up" : "alerts_delivered";
  await db.batch([
    db
      .prepare(
        `INSERT INTO counters (name, value) SELECT ?2, 1 WHERE EXISTS (SELECT 1 FROM alert_messages WHERE id = ?1)
         ON CONFLICT (name) DO UPDATE SET value = value + 1`,
      )
      .bind(id, name),
    db.prepare("DELETE FROM alert_messages WHERE id = ?1").bind(id),
  ]);
}

export async function putOffMessage(
  db: D1Database,
  { id, attempts }: AlertMessage,
  error: string,
  retryAtMs: EpochMs,
): Promise<void> {
  await db
    .prepare(
      "UPDATE alert_messages SET attempts = max(attempts, ?2), last_error = ?3, retry_at_ms = ?4 WHERE id = ?1",
    )
    .bind(id, attempts + 1, error.slice(0, detailCharsMax).toWellFormed(), retryAtMs)
    .run();
}
