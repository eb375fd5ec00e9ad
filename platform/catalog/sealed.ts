/** What became of a seal: recorded once per bucket, and failures with when to try again. */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import { type BucketAddress, bucketName } from "../../domain/ids.ts";
import { detailCharsMax } from "../../domain/limits.ts";
import type { SealTrouble, SealedSummary } from "../../domain/messages.ts";
import { partitionHash } from "../../domain/plan.ts";
import { type SealStepName, retryDelayMs } from "../../domain/seal.ts";
import { addressColumns, addressOf, rowsOf } from "./border.ts";

export interface SealedEntry {
  readonly address: BucketAddress;
  readonly dueAtMs: EpochMs;
  readonly summary: SealedSummary;
  /** What the bucket itself met with: failures while the catalog was away stand nowhere else. */
  readonly trouble?: SealTrouble | null;
  /**
   * When it is audited; as soon as it is sealed if nothing is said. Said of hours whose records were lost: what waited for
   * their audit may be gone, so they count as not balanced since they were due.
   */
  readonly auditAtMs?: EpochMs;
}

/** A bucket that is recorded with another manifest: a broken invariant of that bucket; its record is left alone. */
export interface SealConflict {
  readonly address: BucketAddress;
  readonly recordedSha256: string;
  readonly givenSha256: string;
}

const ConflictRow = z.object({ ...addressColumns, recorded: z.string(), given: z.string() });

const entriesPerStatement = 200;

/** Records sealed buckets. Recording one again changes nothing; another manifest than the recorded one is answered. */
export async function recordSealed(
  db: D1Database,
  entries: readonly SealedEntry[],
): Promise<readonly SealConflict[]> {
  const conflicts: SealConflict[] = [];
  for (let at = 0; at < entries.length; at += entriesPerStatement) {
    const json = JSON.stringify(entries.slice(at, at + entriesPerStatement));
    const [, disagreeing] = await db.batch([upsert(db).bind(json), disagreements(db).bind(json)]);
    for (const row of rowsOf(ConflictRow, disagreeing)) {
      conflicts.push({ address: addressOf(row), recordedSha256: row.recorded, givenSha256: row.given });
    }
  }
  return conflicts;
}

function upsert(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `INSERT INTO buckets (type, hour, state, due_at_ms, retry_at_ms,
                          rows, bytes, identity_sum, manifest_sha256, sealed_at_ms, audit_retry_at_ms,
                          first_fault_at_ms, attempts, last_step, last_error)
     SELECT value ->> '$.address.type', value ->> '$.address.hour', 'sealed', value ->> '$.dueAtMs', value ->> '$.dueAtMs',
            value ->> '$.summary.tally.rows', value ->> '$.summary.bytes', value ->> '$.summary.tally.sum',
            value ->> '$.summary.manifestSha256', value ->> '$.summary.sealedAtMs',
            coalesce(value ->> '$.auditAtMs', value ->> '$.summary.sealedAtMs'), 
            CASE WHEN value ->> '$.auditAtMs' IS NOT NULL THEN value ->> '$.dueAtMs' END,
            coalesce(value ->> '$.trouble.attempts', 0), value ->> '$.trouble.step', value ->> '$.trouble.error'
     FROM json_each(?1) WHERE true
     ON CONFLICT (type, hour) DO UPDATE SET
       state = excluded.state,
       rows = excluded.rows,
       bytes = excluded.bytes,
       identity_sum = excluded.identity_sum,
       manifest_sha256 = excluded.manifest_sha256,
       sealed_at_ms = excluded.sealed_at_ms,
       audit_retry_at_ms = excluded.audit_retry_at_ms,
       attempts = max(attempts, excluded.attempts),
       last_step = coalesce(excluded.last_step, last_step),
       last_error = coalesce(excluded.last_error, last_error)
     WHERE buckets.state = 'due'`,
  );
}

function disagreements(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `SELECT buckets.type, buckets.hour, manifest_sha256 AS recorded, value ->> '$.summary.manifestSha256' AS given
     FROM json_each(?1) JOIN buckets
       ON buckets.type = value ->> '$.address.type' AND buckets.hour = value ->> '$.address.hour'
     WHERE manifest_sha256 <> value ->> '$.summary.manifestSha256'`,
  );
}

export interface SealFailure {
  readonly address: BucketAddress;
  /** As the queue gave it: two flushers that fail together count as one attempt. */
  readonly attempts: number;
  /** `ask`: the bucket could not be asked at all. */
  readonly step: SealStepName | "ask";
  readonly error: string;
}

/** Puts the bucket back into the queue, later each time up to a bound. */
export async function recordSealFailure(db: D1Database, failure: SealFailure, now: EpochMs): Promise<void> {
  const { address, attempts, step, error } = failure;
  const jitter = partitionHash(bucketName(address)) / 2 ** 32;
  await db
    .prepare(
      `UPDATE buckets SET attempts = max(attempts, ?3), retry_at_ms = ?4, last_step = ?5, last_error = ?6
       WHERE type = ?1 AND hour = ?2 AND state = 'due'`,
    )
    .bind(
      address.type,
      address.hour,
      attempts + 1,
      now + retryDelayMs(attempts, jitter),
      step,
      error.slice(0, detailCharsMax).toWellFormed(),
    )
    .run();
}
