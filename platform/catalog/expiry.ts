/**
 * Hours whose retention is over: recording that they expire, and which of them still have parts to delete.
 *
 * What an operator has frozen (freezes.ts) is neither recorded nor deleted: the queries leave it out, so that it stands
 * in no other stream's way. Recording is one statement on conditions that it checks itself, so two runs at once record an hour once, and an audit
 * that is asked for, or a retention that is changed meanwhile, keeps it. The order of the steps: domain/expiry.ts.
 */
import * as z from "zod";
import { expiredBefore } from "../../domain/expiry.ts";
import type { EpochMs } from "../../domain/hour.ts";
import { type BucketAddress, EventType } from "../../domain/ids.ts";
import { bucketsPerStreamPerRunMax } from "../../domain/limits.ts";
import { addressColumns, addressOf, workOf } from "./border.ts";
import { notFrozen } from "./freezes.ts";

const ExpiringRow = z.object({
  type: EventType,
  retention_ms: z.number().int().min(1),
  version: z.number().int(),
});

/** Records hours whose retention is over, at most `limit`, and of each stream as many as a run takes up. Answers how many. */
export async function recordExpired(db: D1Database, now: EpochMs, limit: number): Promise<number> {
  const streams = workOf(
    ExpiringRow,
    await db
      .prepare(
        `SELECT type, settings ->> '$.retentionMs' AS retention_ms, version FROM streams INDEXED BY streams_expiring
         WHERE settings ->> '$.retentionMs' IS NOT NULL`,
      )
      .all(),
  ).map(({ type, retention_ms, version }) => ({ type, version, before: expiredBefore(retention_ms, now) }));
  if (streams.length === 0) return 0;
  const update = await markExpired(db, JSON.stringify(streams), now, limit).run();
  return update.meta.changes;
}

/** Their verdict goes into a digest anew: as `expired`. */
export function markExpired(
  db: D1Database,
  streams: string,
  now: EpochMs,
  limit: number,
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE buckets SET expired_at_ms = ?2, delete_at_ms = ?2, digest_sequence = NULL
       WHERE (type, hour) IN (
         SELECT kept.type, kept.hour
         FROM json_each(?1) AS step
         JOIN streams ON streams.type = step.value ->> '$.type' AND streams.version = step.value ->> '$.version'
           AND ${notFrozen("streams.type")}
         JOIN buckets AS kept ON kept.type = streams.type AND kept.hour IN (
           SELECT hour FROM buckets AS oldest INDEXED BY buckets_kept
           WHERE oldest.type = step.value ->> '$.type' AND oldest.hour < step.value ->> '$.before'
             AND oldest.verdict = 'balanced' AND oldest.expired_at_ms IS NULL AND oldest.audit_retry_at_ms IS NULL
             AND oldest.digest_sequence IS NOT NULL
           ORDER BY oldest.hour LIMIT ?3
         )
         LIMIT ?4
       )`,
    )
    .bind(streams, now, bucketsPerStreamPerRunMax, limit);
}

const UndeletedRow = z
  .object({ ...addressColumns, manifest_sha256: z.string() })
  .transform((row) => ({ address: addressOf(row), manifestSha256: row.manifest_sha256 }));
export type UndeletedHour = z.output<typeof UndeletedRow>;

/** Expired hours that a digest lists and whose parts are to be deleted now. */
export async function undeletedHours(db: D1Database, now: EpochMs, limit: number): Promise<UndeletedHour[]> {
  return workOf(UndeletedRow, await selectUndeleted(db, now, limit).all());
}

export function selectUndeleted(db: D1Database, now: EpochMs, limit: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT type, hour, manifest_sha256 FROM buckets INDEXED BY buckets_undeleted
       WHERE delete_at_ms IS NOT NULL AND delete_at_ms <= ?1
         AND expired_at_ms IS NOT NULL AND digest_sequence IS NOT NULL
         AND ${notFrozen("buckets.type")}
       ORDER BY delete_at_ms LIMIT ?2`,
    )
    .bind(now, limit);
}

/** Nothing of them is left to delete. */
export async function recordDeleted(db: D1Database, hours: readonly BucketAddress[]): Promise<void> {
  await setDeleteAt(db, hours, null);
}

/** They are tried again then. */
export async function postponeDelete(
  db: D1Database,
  hours: readonly BucketAddress[],
  at: EpochMs,
): Promise<void> {
  await setDeleteAt(db, hours, at);
}

async function setDeleteAt(
  db: D1Database,
  hours: readonly BucketAddress[],
  at: EpochMs | null,
): Promise<void> {
  await db
    .prepare(
      `UPDATE buckets SET delete_at_ms = ?1 WHERE expired_at_ms IS NOT NULL
       AND (type, hour) IN (SELECT value ->> '$.type', value ->> '$.hour' FROM json_each(?2))`,
    )
    .bind(at, JSON.stringify(hours))
    .run();
}
