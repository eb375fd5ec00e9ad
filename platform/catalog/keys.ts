/** Keys as the catalog keeps them: hashes only. A revoked key stays listed, with when; it is never un-revoked. */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import { Scope } from "../../domain/scope.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";
import { bumpVersion } from "./version.ts";

export const keyColumns = "id, hash, scopes, note, created_at_ms, revoked_at_ms";

export const KeyRow = z
  .object({
    id: z.string(),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    scopes: jsonColumn(z.array(Scope)),
    note: z.string(),
    created_at_ms: timeColumn,
    revoked_at_ms: timeColumn.nullable(),
  })
  .transform(({ created_at_ms, revoked_at_ms, ...row }) => ({
    ...row,
    createdAtMs: created_at_ms,
    revokedAtMs: revoked_at_ms,
  }));
export type CatalogKey = z.output<typeof KeyRow>;

/** A key that was just made; `hash` is SHA-256 of its whole text. */
export type NewKey = Pick<CatalogKey, "id" | "hash" | "scopes" | "note">;

/** Throws if the id is taken: ids are random, so that is a broken generator. */
export async function insertKey(db: D1Database, key: NewKey, now: EpochMs): Promise<void> {
  const insert = db
    .prepare("INSERT INTO keys (id, hash, scopes, note, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)")
    .bind(key.id, key.hash, JSON.stringify(key.scopes), key.note, now);
  await db.batch([insert, bumpVersion(db)]);
}

/** Every key, revoked ones included, oldest first. */
export async function listKeys(db: D1Database): Promise<CatalogKey[]> {
  return rowsOf(KeyRow, await db.prepare(`SELECT ${keyColumns} FROM keys ORDER BY created_at_ms, id`).all());
}

/** False: there is no such key. Revoking again keeps the first time. */
export async function revokeKey(db: D1Database, id: string, now: EpochMs): Promise<boolean> {
  const revoke = db
    .prepare("UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?2) WHERE id = ?1")
    .bind(id, now);
  const [answer] = await db.batch([revoke, bumpVersion(db)]);
  return (answer?.meta.changes ?? 0) > 0;
}
