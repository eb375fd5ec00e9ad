/** Drains as the catalog keeps them: with their stream, and with a version, for edges read them in the snapshot. */
import type { Drain } from "../../domain/drain.ts";
import type { EventType } from "../../domain/ids.ts";
import { bumpVersion } from "./version.ts";

/** False: it was drained already, and stays so since then. */
export async function addDrain(db: D1Database, type: EventType, drain: Drain): Promise<boolean> {
  return set(
    db,
    db
      .prepare("UPDATE streams SET drain = ?2 WHERE type = ?1 AND drain IS NULL")
      .bind(type, JSON.stringify(drain)),
  );
}

/** False: it was not drained. */
export async function liftDrain(db: D1Database, type: EventType): Promise<boolean> {
  return set(
    db,
    db.prepare("UPDATE streams SET drain = NULL WHERE type = ?1 AND drain IS NOT NULL").bind(type),
  );
}

async function set(db: D1Database, update: D1PreparedStatement): Promise<boolean> {
  const [done] = await db.batch([update, bumpVersion(db)]);
  return (done?.meta.changes ?? 0) > 0;
}
