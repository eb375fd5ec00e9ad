/** Freezes as the catalog keeps them. */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import type { Freeze } from "../../domain/freeze.ts";
import { rowsOf, timeColumn } from "./border.ts";

/** A stream's name is never empty. */
const all = "";

const FreezeRow = z
  .object({ type: z.string(), since_ms: timeColumn, author: z.string(), note: z.string() })
  .transform(({ type, since_ms: sinceMs, author, note }) => ({
    type: type === all ? null : EventType.parse(type),
    sinceMs,
    author,
    note,
  }));

/** The one of all streams first. */
export async function listFreezes(db: D1Database): Promise<Freeze[]> {
  return rowsOf(FreezeRow, await db.prepare("SELECT * FROM freezes ORDER BY type").all());
}

/** False: it was frozen already, and stays so since then. */
export async function addFreeze(
  db: D1Database,
  { type, author, note }: Pick<Freeze, "type" | "author" | "note">,
  now: EpochMs,
): Promise<boolean> {
  const insert = db
    .prepare(
      "INSERT INTO freezes (type, since_ms, author, note) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )
    .bind(type ?? all, now, author, note);
  return (await insert.run()).meta.changes > 0;
}

/** False: there was none. */
export async function liftFreeze(db: D1Database, type: EventType | null): Promise<boolean> {
  const lift = db.prepare("DELETE FROM freezes WHERE type = ?1").bind(type ?? all);
  return (await lift.run()).meta.changes > 0;
}
