/** Which verdicts wait for a digest, and how far the catalog has taken in the chain of digests. */
import * as z from "zod";
import { AuditVerdict, type ChainHead, type VerifiedBucket } from "../../domain/digest.ts";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { IdentitySumHex } from "../../domain/ids.ts";
import type { FoundDigest } from "../digests.ts";
import { addressColumns, addressOf, rowsOf, shownVerdict, workOf } from "./border.ts";

const UndigestedRow = z
  .object({
    ...addressColumns,
    manifest_sha256: z.string(),
    verdict: AuditVerdict,
    rows: z.number().int().min(0),
    identity_sum: IdentitySumHex,
  })
  .transform((row): VerifiedBucket => ({
    address: addressOf(row),
    manifestSha256: row.manifest_sha256,
    verdict: row.verdict,
    tally: { rows: row.rows, sum: row.identity_sum },
  }));

/** Buckets whose present verdict no digest lists, as far as the chain was taken in; the oldest hours first. */
export async function undigestedBuckets(db: D1Database, limit: number): Promise<VerifiedBucket[]> {
  return workOf(UndigestedRow, await selectUndigested(db, limit).all());
}

export function selectUndigested(db: D1Database, limit: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT type, hour, manifest_sha256, ${shownVerdict} AS verdict, rows, identity_sum
       FROM buckets INDEXED BY buckets_undigested WHERE verdict IS NOT NULL AND digest_sequence IS NULL
       ORDER BY hour, type LIMIT ?1`,
    )
    .bind(limit);
}

const HeadRow = z.object({ sequence: z.number().int().min(0), sha256: z.string().nullable() });

/** The newest digest that was taken in. */
export async function digestHead(db: D1Database): Promise<ChainHead> {
  const select = db.prepare("SELECT sequence, sha256 FROM digest_head WHERE id = 1");
  const [head] = rowsOf(HeadRow, await select.all());
  if (head === undefined) throw new Error("broken invariant: the catalog has no head of digests");
  return head;
}

/** Buckets that the digest entries in `listed` name as expired, and that the catalog has not as such. */
export const listedAsExpired = `buckets.type = listed.value ->> '$.type' AND buckets.hour = listed.value ->> '$.hour'
  AND buckets.manifest_sha256 = listed.value ->> '$.manifestSha256'
  AND listed.value ->> '$.verdict' = 'expired' AND buckets.expired_at_ms IS NULL`;

/** What such a bucket becomes: whatever was found since, its parts are deleted, once more if they were. */
export function asExpired(at: string): string {
  return `verdict = 'balanced', findings = '[]', finding_count = 0, first_fault_at_ms = NULL, audit_retry_at_ms = NULL,
    verified_at_ms = coalesce(verified_at_ms, ${at}), expired_at_ms = ${at}, delete_at_ms = ${at}`;
}

/**
 * Takes a digest in: buckets that still have the verdict it lists wait no more. Digests are taken in once each and in
 * order; one that is not past the head changes nothing, as a later one may list newer verdicts. An hour that it lists as
 * expired is, whatever the catalog has forgotten: its parts may be gone.
 */
export async function takeInDigest(db: D1Database, { sequence, sha256, digest }: FoundDigest): Promise<void> {
  const listed = (digest?.buckets ?? []).map(({ type, hour, verdict, manifestSha256 }) => ({
    type,
    hour,
    verdict,
    manifestSha256,
  }));
  const writtenAtMs = digest === null ? null : parseTimestamp(digest.writtenAt);
  const expire = db
    .prepare(
      `UPDATE buckets SET ${asExpired("?3")}, digest_sequence = NULL
       FROM json_each(?2) AS listed
       WHERE ${listedAsExpired}
         AND ?1 > (SELECT sequence FROM digest_head WHERE id = 1)`,
    )
    .bind(sequence, JSON.stringify(listed), writtenAtMs ?? 0);
  const mark = db
    .prepare(
      `UPDATE buckets SET digest_sequence = ?1
       FROM json_each(?2) AS listed
       WHERE buckets.type = listed.value ->> '$.type' AND buckets.hour = listed.value ->> '$.hour'
         AND ${shownVerdict} = listed.value ->> '$.verdict'
         AND buckets.manifest_sha256 = listed.value ->> '$.manifestSha256'
         AND buckets.digest_sequence IS NULL
         AND ?1 > (SELECT sequence FROM digest_head WHERE id = 1)`,
    )
    .bind(sequence, JSON.stringify(listed));
  const forget = countForgotten(db).bind(JSON.stringify(listed), 0, sequence);
  const advance = db
    .prepare("UPDATE digest_head SET sequence = ?1, sha256 = ?2 WHERE id = 1 AND sequence < ?1")
    .bind(sequence, sha256);
  await db.batch([expire, mark, forget, advance]);
}

/**
 * Adds the hours that the digest entries in `?1` name and the catalog does not know, to what is known of `?2`: 1, and the
 * count begins anew. Only for a digest past the head, `?3`; null: for any.
 */
function countForgotten(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `UPDATE digest_head SET forgotten = iif(?2 = 1, 0, forgotten) + (
       SELECT count(*) FROM json_each(?1) AS listed WHERE NOT EXISTS (
         SELECT 1 FROM buckets
         WHERE buckets.type = listed.value ->> '$.type' AND buckets.hour = listed.value ->> '$.hour'))
     WHERE id = 1 AND (?3 IS NULL OR sequence < ?3)`,
  );
}

/** Counts them again while all digests are read from the first one on, as a rebuild does. */
export async function recountForgotten(
  db: D1Database,
  entries: readonly { readonly type: string; readonly hour: string }[],
  first: boolean,
): Promise<void> {
  await countForgotten(db)
    .bind(JSON.stringify(entries.map(({ type, hour }) => ({ type, hour }))), first ? 1 : 0, null)
    .run();
}

const ForgottenRow = z.object({ forgotten: z.number().int().min(0), version: z.number().int().min(0) });

/** Verdicts of hours that the catalog does not know, and the version of its configuration. */
export async function readForgotten(
  db: D1Database,
): Promise<{ readonly forgotten: number; readonly version: number }> {
  const select = db.prepare(
    "SELECT forgotten, (SELECT version FROM config WHERE id = 1) AS version FROM digest_head WHERE id = 1",
  );
  const [row] = rowsOf(ForgottenRow, await select.all());
  if (row === undefined) throw new Error("broken invariant: the catalog has no head of digests");
  return row;
}
