/** Streams as the catalog keeps them. How they change: stream-changes.ts. */
import * as z from "zod";
import { Drain } from "../../domain/drain.ts";
import { HourText } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { PlanSteps } from "../../domain/planned.ts";
import { type Stream, StreamSettings } from "../../domain/stream.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";

export const streamColumns =
  "type, settings, first_hour, planned, next_hour, created_at_ms, updated_at_ms, version, schema_version, due_at_ms, removed_at_ms, last_hour, earliest_hour, drain";

/** When the next hour is due of a stream that has none: it was removed, and all its hours are settled. */
export const endedDueAtMs = 8_640_000_000_000_000;

export const StreamRow = z
  .object({
    type: EventType,
    settings: jsonColumn(StreamSettings),
    first_hour: HourText,
    planned: jsonColumn(PlanSteps),
    next_hour: HourText,
    created_at_ms: timeColumn,
    updated_at_ms: timeColumn,
    version: z.number().int(),
    schema_version: z.number().int().min(0),
    due_at_ms: z.number().int(),
    removed_at_ms: timeColumn.nullable(),
    last_hour: HourText.nullable(),
    earliest_hour: HourText.nullable(),
    drain: jsonColumn(Drain).nullable(),
  })
  .transform((row) => ({
    stream: {
      ...row.settings,
      type: row.type,
      firstHour: row.first_hour,
      planned: row.planned,
      schemaVersion: row.schema_version,
      ...(row.earliest_hour === null ? {} : { earliestHour: row.earliest_hour }),
      ...(row.drain === null ? {} : { drain: row.drain }),
    } satisfies Stream as Stream,
    /** The first hour that the work queue does not have yet. */
    nextHour: row.next_hour,
    /** From this hour on it has none; null: it goes on. */
    end: row.removed_at_ms !== null && row.due_at_ms === endedDueAtMs ? row.next_hour : null,
    /** Null: it is there. */
    removed:
      row.removed_at_ms === null || row.last_hour === null
        ? null
        : { atMs: row.removed_at_ms, lastHour: row.last_hour },
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
