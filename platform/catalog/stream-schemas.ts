/** The schemas that streams have had. How they change: stream-changes.ts. */
import * as z from "zod";
import type { EventType } from "../../domain/ids.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";

const SchemaRow = z
  .object({ schema: jsonColumn(z.record(z.string(), z.unknown())), since_ms: timeColumn })
  .transform(({ schema, since_ms: sinceMs }) => ({ schema, sinceMs }));
export type CatalogSchema = z.output<typeof SchemaRow>;

export async function getSchema(
  db: D1Database,
  type: EventType,
  version: number,
): Promise<CatalogSchema | null> {
  const select = db
    .prepare("SELECT schema, since_ms FROM stream_schemas WHERE type = ?1 AND version = ?2")
    .bind(type, version);
  return rowsOf(SchemaRow, await select.all())[0] ?? null;
}
