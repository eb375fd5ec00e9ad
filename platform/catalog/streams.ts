/** Streams as the catalog keeps them. How they change: stream-changes.ts. */
import * as z from "zod";
import { HourText } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { PlanSteps } from "../../domain/planned.ts";
import { type Stream, StreamSettings } from "../../domain/stream.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";

export const streamColumns =
  "type, settings, first_hour, planned, next_hour, created_at_ms, updated_at_ms, version, schema_version";

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
  })
  .transform((row) => ({
    stream: {
      ...row.settings,
      type: row.type,
      firstHour: row.first_hour,
      planned: row.planned,
      schemaVersion: row.schema_version,
    } satisfies Stream as Stream,
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
