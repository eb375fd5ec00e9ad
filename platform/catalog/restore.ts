/**
 * Putting back what the catalog has lost, from what lies in R2: streams and keys from the snapshot, verdicts from the
 * digests; sealed buckets are recorded as ever (sealed.ts). What is there is left as it is, so that repeating is safe and
 * a catalog that has lost nothing stays the same.
 */
import * as z from "zod";
import type { AuditVerdict, DigestEntry } from "../../domain/digest.ts";
import { type EpochMs, type Hour, hourNumber, hourNumberOf, hourOfNumber } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";
import { dueAt } from "../../domain/plan.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { type Priority, type RemovedStream, type Stream, StreamSettings } from "../../domain/stream.ts";
import { rowsOf } from "./border.ts";
import { asExpired, listedAsExpired } from "./digests.ts";
import type { ChangeAuthor } from "./stream-changes.ts";

const priorities: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 };

/** Rows in one statement: with their settings and schemas, its JSON stays below D1's 2 MB. */
const rowsPerStatement = 20;

const hourMs = 3_600_000;

/** Streams and keys that the snapshot has and the catalog does not. */
export async function lostConfig(
  db: D1Database,
  { streams, removed, keys }: Snapshot,
): Promise<{ readonly streams: readonly (Stream | RemovedStream)[]; readonly keys: readonly string[] }> {
  const [knownStreams, knownKeys] = await db.batch([
    db.prepare("SELECT type AS name FROM streams"),
    db.prepare("SELECT id AS name FROM keys"),
  ]);
  const Named = z.object({ name: z.string() });
  const there = new Set(rowsOf(Named, knownStreams).map(({ name }) => name));
  const known = new Set(rowsOf(Named, knownKeys).map(({ name }) => name));
  return {
    streams: [...streams.values(), ...removed].filter(({ type }) => !there.has(type)),
    keys: [...keys.keys()].filter((id) => !known.has(id)),
  };
}

/** Puts them back as of one version past the snapshot's, so that the next snapshot is newer than it. */
export async function restoreConfig(
  db: D1Database,
  snapshot: Snapshot,
  lost: Awaited<ReturnType<typeof lostConfig>>,
  by: ChangeAuthor,
  now: EpochMs,
): Promise<void> {
  const keys = lost.keys.flatMap((id) => snapshot.keys.get(id) ?? []);
  await db.batch([
    db
      .prepare(
        `INSERT INTO stream_versions (version, author, key_id, note, changed_at_ms)
         SELECT (SELECT coalesce(max(version), 0) + 1 FROM stream_versions), ?1, ?2, ?3, ?4 WHERE ?5`,
      )
      .bind(by.author, by.keyId, by.note, now, lost.streams.length),
    ...inPieces(
      lost.streams.map((stream) => streamJson(stream, now)),
      (json) => insertStreams(db, json, now),
    ),
    ...inPieces(keys, (json) => insertKeys(db, json, now)),
    db.prepare("UPDATE config SET version = max(version, ?1) + 1 WHERE id = 1").bind(snapshot.version),
  ]);
}

function inPieces(
  rows: readonly object[],
  statements: (json: string) => readonly D1PreparedStatement[],
): D1PreparedStatement[] {
  const all: D1PreparedStatement[] = [];
  for (let at = 0; at < rows.length; at += rowsPerStatement)
    all.push(...statements(JSON.stringify(rows.slice(at, at + rowsPerStatement))));
  return all;
}

function streamJson(stream: Stream | RemovedStream, now: EpochMs): object {
  const { removedAt, lastHour, ...lost } = { removedAt: null, lastHour: null, ...stream };
  const { type, firstHour, earliestHour = null, planned, schemaVersion, drain = null, ...settings } = lost;
  const next = resumeHour(stream, now);
  return {
    type,
    settings: JSON.stringify(StreamSettings.parse(settings)),
    priority: priorities[stream.priority],
    firstHour,
    planned: JSON.stringify(planned),
    schemaVersion,
    schema: stream.schema === null ? null : JSON.stringify(stream.schema),
    next,
    dueAtMs: dueAt(next, stream.graceMs),
    removedAt,
    lastHour,
    earliestHour,
    drain: drain === null ? null : JSON.stringify(drain),
  };
}

/**
 * From which hour on the flusher asks the stream's buckets again. Within its window they remember that they are sealed
 * and say so; older ones may have retired, and only their manifests tell of them.
 */
function resumeHour({ firstHour, windowMs }: Stream, now: EpochMs): Hour {
  return hourOfNumber(Math.max(hourNumber(firstHour), hourNumberOf(now) - Math.floor(windowMs / hourMs)));
}

function insertStreams(db: D1Database, json: string, now: EpochMs): readonly D1PreparedStatement[] {
  return [
    db
      .prepare(
        `INSERT INTO streams (type, settings, priority, first_hour, next_hour, due_at_ms, created_at_ms, updated_at_ms,
                              version, schema_version, planned, removed_at_ms, last_hour, earliest_hour, drain)
         SELECT value ->> '$.type', value ->> '$.settings', value ->> '$.priority', value ->> '$.firstHour',
                value ->> '$.next', value ->> '$.dueAtMs', ?1, ?1, 1, value ->> '$.schemaVersion', value ->> '$.planned',
                value ->> '$.removedAt', value ->> '$.lastHour', value ->> '$.earliestHour', value ->> '$.drain'
         FROM json_each(?2) WHERE true ON CONFLICT (type) DO NOTHING`,
      )
      .bind(now, json),
    db
      .prepare(
        `INSERT OR IGNORE INTO stream_schemas (type, version, schema, since_ms)
         SELECT value ->> '$.type', value ->> '$.schemaVersion', value ->> '$.schema', ?1
         FROM json_each(?2) WHERE value ->> '$.schema' IS NOT NULL`,
      )
      .bind(now, json),
    db
      .prepare(
        `INSERT INTO stream_changes (version, type, change, before, after)
         SELECT (SELECT max(version) FROM stream_versions), value ->> '$.type', 'restore', NULL, value ->> '$.settings'
         FROM json_each(?1)`,
      )
      .bind(json),
  ];
}

function insertKeys(db: D1Database, json: string, now: EpochMs): readonly D1PreparedStatement[] {
  return [
    db
      .prepare(
        `INSERT INTO keys (id, hash, scopes, note, created_at_ms, expires_at_ms, events_per_second_max,
                           events_per_hour_max, events_per_day_max)
         SELECT value ->> '$.id', value ->> '$.hash', value -> '$.scopes', 'restored', ?1, value ->> '$.expiresAt',
                value ->> '$.eventsPerSecondMax', value ->> '$.eventsPerHourMax', value ->> '$.eventsPerDayMax'
         FROM json_each(?2) WHERE true ON CONFLICT (id) DO NOTHING`,
      )
      .bind(now, json),
  ];
}

const KnownRow = z.object({
  hour: z.string(),
  state: z.enum(["due", "sealed"]),
  manifest_sha256: z.string().nullable(),
});
export type KnownBucket = z.infer<typeof KnownRow>;

/** What the catalog knows of a stream's hours. */
export async function knownBuckets(
  db: D1Database,
  type: EventType,
  range: { readonly from: Hour; readonly to: Hour },
): Promise<ReadonlyMap<string, KnownBucket>> {
  const select = db
    .prepare("SELECT hour, state, manifest_sha256 FROM buckets WHERE type = ?1 AND hour >= ?2 AND hour < ?3")
    .bind(type, range.from, range.to);
  return new Map(rowsOf(KnownRow, await select.all()).map((row) => [row.hour, row]));
}

/** One digest's entries; `entries` as the digest lists them. */
export interface ListedVerdicts {
  readonly sequence: number;
  readonly writtenAtMs: EpochMs;
  readonly entries: readonly (Pick<DigestEntry, "type" | "hour" | "manifestSha256"> & {
    readonly verdict: AuditVerdict;
  })[];
}

/**
 * Takes a digest's verdicts over, for buckets with the manifest that it lists and without a better one: a later digest's,
 * or any that an audit found since. `unaudited` is no better one: it is what an audit finds once the objects have retired.
 * Nothing is better than `expired`: whoever looked since has missed parts that were deleted. Answers how many.
 */
export async function restoreVerdicts(db: D1Database, listed: ListedVerdicts): Promise<number> {
  const verdicts = db
    .prepare(
      `UPDATE buckets SET
         verdict = listed.value ->> '$.verdict',
         verified_at_ms = ?2,
         findings = '[]',
         finding_count = 0,
         first_fault_at_ms = CASE WHEN listed.value ->> '$.verdict' = 'balanced' THEN NULL ELSE ?2 END,
         audit_retry_at_ms = CASE WHEN listed.value ->> '$.verdict' = 'balanced' THEN NULL ELSE audit_retry_at_ms END,
         digest_sequence = CASE WHEN buckets.verdict IS 'unaudited' THEN NULL ELSE ?1 END
       FROM json_each(?3) AS listed
       WHERE buckets.type = listed.value ->> '$.type' AND buckets.hour = listed.value ->> '$.hour'
         AND buckets.manifest_sha256 = listed.value ->> '$.manifestSha256'
         AND listed.value ->> '$.verdict' NOT IN ('unaudited', 'expired') AND buckets.expired_at_ms IS NULL
         AND (buckets.verdict IS NULL OR buckets.verdict = 'unaudited' OR buckets.digest_sequence < ?1)`,
    )
    .bind(listed.sequence, listed.writtenAtMs, JSON.stringify(listed.entries));
  const expiries = db
    .prepare(
      `UPDATE buckets SET ${asExpired("?2")},
         digest_sequence = CASE WHEN buckets.digest_sequence > ?1 THEN NULL ELSE ?1 END
       FROM json_each(?3) AS listed
       WHERE ${listedAsExpired}`,
    )
    .bind(listed.sequence, listed.writtenAtMs, JSON.stringify(listed.entries));
  const updates = await db.batch([verdicts, expiries]);
  return updates.reduce((sum, update) => sum + update.meta.changes, 0);
}
