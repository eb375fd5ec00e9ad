/** The audit queue: sealed buckets that have no verdict, or one that may still change; and the verdicts. */
import * as z from "zod";
import { auditRetryAt } from "../../domain/audit-retry.ts";
import type { EpochMs, Hour } from "../../domain/hour.ts";
import { type BucketAddress, IdentitySumHex } from "../../domain/ids.ts";
import {
  bucketsPerStreamPerRunMax,
  detailCharsMax,
  findingsPerBucketMax,
  unsettledMsMax,
} from "../../domain/limits.ts";
import type { HourLoad } from "../../domain/load.ts";
import type { SealedSummary } from "../../domain/messages.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { type Finding, VerdictName, verdictOf } from "../../domain/verdict.ts";
import { addressColumns, addressOf, jsonColumn, timeColumn, workOf } from "./border.ts";

const UnverifiedRow = z
  .object({
    ...addressColumns,
    settings: jsonColumn(StreamSettings),
    rows: z.number().int().min(0),
    bytes: z.number().int().min(0),
    identity_sum: IdentitySumHex,
    manifest_sha256: z.string(),
    sealed_at_ms: timeColumn,
    verdict: VerdictName.nullable(),
    audit_attempts: z.number().int().min(0),
    first_fault_at_ms: timeColumn.nullable(),
  })
  .transform((row) => ({
    address: addressOf(row),
    settings: row.settings,
    /** What the catalog was told at the seal; the auditor compares it with what it finds. */
    summary: {
      sealedAtMs: row.sealed_at_ms,
      manifestSha256: row.manifest_sha256,
      tally: { rows: row.rows, sum: row.identity_sum },
      bytes: row.bytes,
    } satisfies SealedSummary as SealedSummary,
    /** The verdict before this audit; null: never audited. */
    verdict: row.verdict,
    attempts: row.audit_attempts,
    /** Since when it is known not to balance. */
    faultAtMs: row.first_fault_at_ms,
  }));
export type UnverifiedBucket = z.output<typeof UnverifiedRow>;

/**
 * What is to be audited now: never audited buckets first, so that old faults do not hold up new hours; then by the
 * stream's priority and the hour; of one stream no more than a run takes up.
 */
export async function unverifiedBuckets(
  db: D1Database,
  now: EpochMs,
  limit: number,
): Promise<UnverifiedBucket[]> {
  return workOf(UnverifiedRow, await selectUnverified(db, now, limit).all());
}

export function selectUnverified(db: D1Database, now: EpochMs, limit: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT waiting.*, streams.settings
       FROM (
         SELECT type, hour, rows, bytes, identity_sum, manifest_sha256, sealed_at_ms, verdict, audit_attempts,
                first_fault_at_ms,
                row_number() OVER (PARTITION BY type ORDER BY verdict IS NOT NULL, hour) AS place
         FROM buckets INDEXED BY buckets_audit WHERE audit_retry_at_ms IS NOT NULL AND audit_retry_at_ms <= ?1
       ) AS waiting
       JOIN streams ON streams.type = waiting.type
       WHERE waiting.place <= ?2
       ORDER BY waiting.verdict IS NOT NULL, streams.priority, waiting.hour, waiting.type LIMIT ?3`,
    )
    .bind(now, bucketsPerStreamPerRunMax, limit);
}

export interface AuditOutcome {
  readonly address: BucketAddress;
  /** All that was found; none means balanced. The verdict follows from it. */
  readonly findings: readonly Finding[];
  /** What the hour asked of its shards, if it could be counted. */
  readonly load?: HourLoad | null;
  /** As the queue gave it. */
  readonly attempts: number;
  readonly at: EpochMs;
}

/**
 * Records a verdict and forgets the parts that were checked for it. Of two auditors the later look wins. A fault keeps
 * the time at which it was first seen until the bucket balances. A verdict that changed waits for a digest again. An hour
 * that has expired meanwhile keeps what was found before: its parts may be gone.
 */
export async function recordVerdict(db: D1Database, outcome: AuditOutcome): Promise<VerdictName> {
  const { address, findings, load = null, attempts, at } = outcome;
  const verdict = verdictOf(findings);
  const balanced = verdict === "balanced";
  const kept = keptFindings(findings);
  const update = db
    .prepare(
      `UPDATE buckets SET
         verdict = ?3,
         findings = ?4,
         finding_count = ?5,
         verified_at_ms = ?6,
         first_fault_at_ms = CASE WHEN ?7 THEN NULL ELSE coalesce(first_fault_at_ms, ?6) END,
         audit_retry_at_ms = ?8,
         audit_attempts = CASE WHEN ?7 THEN 0 ELSE max(audit_attempts, ?9) END,
         load = coalesce(?10, load),
         digest_sequence = CASE WHEN verdict IS ?3 THEN digest_sequence END
       WHERE type = ?1 AND hour = ?2 AND state = 'sealed' AND coalesce(verified_at_ms, ?6) <= ?6
         AND expired_at_ms IS NULL`,
    )
    .bind(
      address.type,
      address.hour,
      verdict,
      JSON.stringify(kept),
      findings.length,
      at,
      balanced ? 1 : 0,
      auditRetryAt(verdict, attempts, at),
      attempts + 1,
      load === null ? null : JSON.stringify(load),
    );
  await db.batch([update, deletePartChecks(db, address)]);
  return verdict;
}

/** Findings of the verdict's own kind first; what is stored of one bucket is bounded. */
function keptFindings(findings: readonly Finding[]): Finding[] {
  const worst = verdictOf(findings);
  return findings
    .toSorted((a, b) => Number(b.kind === worst) - Number(a.kind === worst))
    .slice(0, findingsPerBucketMax)
    .map(shortened);
}

function shortened(finding: Finding): Finding {
  return { ...finding, detail: finding.detail.slice(0, detailCharsMax).toWellFormed() };
}

/** True if some stream's bucket of this hour waits for its audit, or is to be audited again, see domain/settled.ts. */
export async function awaitsAudit(db: D1Database, hour: Hour, now: EpochMs): Promise<boolean> {
  const [answer] = workOf(AwaitsRow, await selectAwaits(db, hour, now).all());
  return answer?.awaits !== 0;
}

export function selectAwaits(db: D1Database, hour: Hour, now: EpochMs): D1PreparedStatement {
  return db
    .prepare(
      `SELECT EXISTS (SELECT 1 FROM streams INDEXED BY streams_due WHERE due_at_ms <= ?2 AND next_hour <= ?1)
         OR EXISTS (
           SELECT 1 FROM buckets INDEXED BY buckets_unsettled
           WHERE hour = ?1 AND verdict IS NOT 'balanced' AND coalesce(first_fault_at_ms > ?3, 1)
         ) AS awaits`,
    )
    .bind(hour, now, now - unsettledMsMax);
}

const AwaitsRow = z.object({ awaits: z.number() });

/** Puts a sealed bucket back into the audit queue, whatever its verdict is. False: no such sealed bucket, or an expired one. */
export async function requeueAudit(
  db: D1Database,
  { type, hour }: BucketAddress,
  now: EpochMs,
): Promise<boolean> {
  const update = await db
    .prepare(
      `UPDATE buckets SET audit_retry_at_ms = ?3
       WHERE type = ?1 AND hour = ?2 AND state = 'sealed' AND expired_at_ms IS NULL`,
    )
    .bind(type, hour, now)
    .run();
  return update.meta.changes > 0;
}

// ── Progress of one audit ──────────────────────────────────────────────────────────────────────────────────

const PartCheckRow = z.object({ key: z.string(), outcome: z.string() });

/** The parts of this bucket that the running audit has read, with what the auditor noted. */
export async function readPartChecks<Schema extends z.ZodType>(
  db: D1Database,
  address: BucketAddress,
  outcome: Schema,
): Promise<Map<string, z.output<Schema>>> {
  const select = db
    .prepare("SELECT key, outcome FROM part_checks WHERE type = ?1 AND hour = ?2")
    .bind(address.type, address.hour);
  const checks = new Map<string, z.output<Schema>>();
  for (const { key, outcome: text } of workOf(PartCheckRow, await select.all())) {
    // A note that no longer fits is as good as none: the part is read again.
    const note = jsonColumn(outcome).safeParse(text);
    if (note.success) checks.set(key, note.data);
  }
  return checks;
}

export async function writePartCheck(
  db: D1Database,
  address: BucketAddress,
  check: { readonly key: string; readonly outcome: unknown; readonly at: EpochMs },
): Promise<void> {
  await db
    .prepare(
      `INSERT INTO part_checks (type, hour, key, outcome, checked_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
       ON CONFLICT (type, hour, key) DO UPDATE SET outcome = excluded.outcome, checked_at_ms = excluded.checked_at_ms`,
    )
    .bind(address.type, address.hour, check.key, JSON.stringify(check.outcome), check.at)
    .run();
}

/** For an audit that starts over; recording a verdict does it too. */
export async function clearPartChecks(db: D1Database, address: BucketAddress): Promise<void> {
  await deletePartChecks(db, address).run();
}

function deletePartChecks(db: D1Database, { type, hour }: BucketAddress): D1PreparedStatement {
  return db.prepare("DELETE FROM part_checks WHERE type = ?1 AND hour = ?2").bind(type, hour);
}
