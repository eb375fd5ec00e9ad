/**
 * Freezes as the catalog keeps them, and the one place that says what they keep: a condition in SQL, because hours that expire
 * are left out by the very statement that records them, and objects ask by the same condition.
 */
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

/** True of a freeze that keeps what is of a stream; `stream`: an expression that names it, null for what is of several. */
function keeps(stream: string): string {
  return `(freezes.type IN ('${all}', ${stream}) OR ${stream} IS NULL)`;
}

/** A condition: no freeze keeps what is of the stream that this column names. */
export function notFrozen(column: string): string {
  return `NOT EXISTS (SELECT 1 FROM freezes WHERE ${keeps(column)})`;
}

/** The freeze that keeps what is of this stream; null: it may be deleted. `type` null: what is of several streams. */
export async function freezeOf(db: D1Database, type: EventType | null): Promise<Freeze | null> {
  const select = db.prepare(`SELECT * FROM freezes WHERE ${keeps("?1")} ORDER BY type LIMIT 1`).bind(type);
  return rowsOf(FreezeRow, await select.all())[0] ?? null;
}

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
