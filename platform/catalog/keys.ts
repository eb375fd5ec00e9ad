/** Keys as the catalog keeps them: hashes only. A revoked key stays listed, with when; it is never un-revoked. */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import { Scope } from "../../domain/scope.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";
import { bumpVersion } from "./version.ts";

export const keyColumns =
  "id, hash, scopes, note, owner, created_at_ms, revoked_at_ms, expires_at_ms, replaced_by, events_per_second_max, events_per_hour_max, events_per_day_max";

export const KeyRow = z
  .object({
    id: z.string(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    scopes: jsonColumn(z.array(Scope)),
    note: z.string(),
    owner: z.string(),
    created_at_ms: timeColumn,
    revoked_at_ms: timeColumn.nullable(),
    expires_at_ms: timeColumn.nullable(),
    replaced_by: z.string().nullable(),
    events_per_second_max: z.number().int().nullable(),
    events_per_hour_max: z.number().int().nullable(),
    events_per_day_max: z.number().int().nullable(),
  })
  .transform(({ id, hash, scopes, note, owner, ...row }) => ({
    id,
    hash,
    scopes,
    note,
    owner,
    createdAtMs: row.created_at_ms,
    revokedAtMs: row.revoked_at_ms,
    expiresAtMs: row.expires_at_ms,
    /** The key that it was rotated to. */
    replacedBy: row.replaced_by,
    eventsPerSecondMax: row.events_per_second_max,
    eventsPerHourMax: row.events_per_hour_max,
    eventsPerDayMax: row.events_per_day_max,
  }));
export type CatalogKey = z.output<typeof KeyRow>;

/** A key that was just made; `hash` is SHA-256 of its whole text. */
export type NewKey = Pick<
  CatalogKey,
  | "id"
  | "hash"
  | "scopes"
  | "note"
  | "owner"
  | "expiresAtMs"
  | "eventsPerSecondMax"
  | "eventsPerHourMax"
  | "eventsPerDayMax"
>;

/** Throws if the id is taken: ids are random, so that is a broken generator. */
export async function insertKey(db: D1Database, key: NewKey, now: EpochMs): Promise<void> {
  const insert = db
    .prepare(
      `INSERT INTO keys (id, hash, scopes, note, owner, expires_at_ms, created_at_ms, events_per_second_max,
                         events_per_hour_max, events_per_day_max)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    )
    .bind(
      key.id,
      key.hash,
      JSON.stringify(key.scopes),
      key.note,
      key.owner,
      key.expiresAtMs,
      now,
      key.eventsPerSecondMax,
      key.eventsPerHourMax,
      key.eventsPerDayMax,
    );
  await db.batch([insert, bumpVersion(db)]);
}

export async function getKey(db: D1Database, id: string): Promise<CatalogKey | null> {
  const select = db.prepare(`SELECT ${keyColumns} FROM keys WHERE id = ?1`).bind(id);
  return rowsOf(KeyRow, await select.all())[0] ?? null;
}

/**
 * Puts a new key beside an old one, with all that the old one may do, and lets the old one end. False: the old one is
 * revoked, has ended, or was rotated before, and there is no new one.
 */
export async function rotateKey(
  db: D1Database,
  id: string,
  successor: Pick<NewKey, "id" | "hash">,
  endsAtMs: EpochMs,
  now: EpochMs,
): Promise<boolean> {
  const insert = db
    .prepare(
      `INSERT INTO keys (id, hash, scopes, note, owner, events_per_second_max, events_per_hour_max,
                         events_per_day_max, created_at_ms)
       SELECT ?2, ?3, scopes, note, owner, events_per_second_max, events_per_hour_max, events_per_day_max, ?4
       FROM keys
       WHERE id = ?1 AND revoked_at_ms IS NULL AND replaced_by IS NULL AND coalesce(expires_at_ms > ?4, 1)`,
    )
    .bind(id, successor.id, successor.hash, now);
  const end = db
    .prepare(
      `UPDATE keys SET replaced_by = ?2, expires_at_ms = min(coalesce(expires_at_ms, ?3), ?3)
       WHERE id = ?1 AND replaced_by IS NULL AND EXISTS (SELECT 1 FROM keys WHERE id = ?2)`,
    )
    .bind(id, successor.id, endsAtMs);
  const [inserted] = await db.batch([insert, end, bumpVersion(db)]);
  return (inserted?.meta.changes ?? 0) > 0;
}

/** Every key, or those of one owner; revoked ones included, oldest first. */
export async function listKeys(db: D1Database, owner: string | null): Promise<CatalogKey[]> {
  const select = db
    .prepare(`SELECT ${keyColumns} FROM keys WHERE ?1 IS NULL OR owner = ?1 ORDER BY created_at_ms, id`)
    .bind(owner);
  return rowsOf(KeyRow, await select.all());
}

/** False: there is no such key. Revoking again keeps the first time. */
export async function revokeKey(db: D1Database, id: string, now: EpochMs): Promise<boolean> {
  const revoke = db
    .prepare("UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?2) WHERE id = ?1")
    .bind(id, now);
  const [answer] = await db.batch([revoke, bumpVersion(db)]);
  return (answer?.meta.changes ?? 0) > 0;
}
