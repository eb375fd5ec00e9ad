/** Streams as the catalog keeps them. Registering is idempotent: the same settings again change nothing but a version. */
import * as z from "zod";
import { type EpochMs, HourText, hourOf } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { dueAt } from "../../domain/plan.ts";
import { type Priority, type Stream, StreamSettings } from "../../domain/stream.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";
import { bumpVersion } from "./version.ts";

const priorities: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 };

export const streamColumns = "type, settings, first_hour, next_hour, created_at_ms, updated_at_ms, version";

export const StreamRow = z
  .object({
    type: EventType,
    settings: jsonColumn(StreamSettings),
    first_hour: HourText,
    next_hour: HourText,
    created_at_ms: timeColumn,
    updated_at_ms: timeColumn,
    version: z.number().int(),
  })
  .transform((row) => ({
    stream: { ...row.settings, type: row.type, firstHour: row.first_hour } satisfies Stream as Stream,
    /** The first hour that the work queue does not have yet. */
    nextHour: row.next_hour,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    version: row.version,
  }));
export type CatalogStream = z.output<typeof StreamRow>;

/** Every stream, in the order of their types. */
export async function listStreams(db: D1Database): Promise<CatalogStream[]> {
  return rowsOf(StreamRow, await db.prepare(`SELECT ${streamColumns} FROM streams ORDER BY type`).all());
}

export async function getStream(db: D1Database, type: EventType): Promise<CatalogStream | null> {
  const select = db.prepare(`SELECT ${streamColumns} FROM streams WHERE type = ?1`).bind(type);
  return rowsOf(StreamRow, await select.all())[0] ?? null;
}

/**
 * Registers a stream from the current hour on, or changes its settings. The first hour never changes. A new grace
 * holds for hours that are not yet in the work queue; a bucket that is open keeps its plan and says so when asked.
 */
export async function putStream(
  db: D1Database,
  type: EventType,
  settings: StreamSettings,
  now: EpochMs,
): Promise<{ readonly stream: CatalogStream; readonly created: boolean }> {
  const hour = hourOf(now);
  const put = db
    .prepare(
      `INSERT INTO streams (type, settings, priority, first_hour, next_hour, due_at_ms, created_at_ms, updated_at_ms, version)
       VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?6, 1)
       ON CONFLICT (type) DO UPDATE SET
         settings = excluded.settings,
         priority = excluded.priority,
         due_at_ms = due_at_ms - json_extract(settings, '$.graceMs') + json_extract(excluded.settings, '$.graceMs'),
         updated_at_ms = max(updated_at_ms, excluded.updated_at_ms),
         version = version + 1
       RETURNING ${streamColumns}`,
    )
    .bind(
      type,
      JSON.stringify(settings),
      priorities[settings.priority],
      hour,
      dueAt(hour, settings.graceMs),
      now,
    );
  const [answer] = await db.batch([put, bumpVersion(db)]);
  const [stream] = rowsOf(StreamRow, answer);
  if (stream === undefined) throw new Error("broken invariant: an upsert returned no row");
  return { stream, created: stream.version === 1 };
}
