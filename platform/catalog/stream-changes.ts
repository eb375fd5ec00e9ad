/**
 * Changing streams, all of a change or nothing of it.
 *
 *   1. read the streams and the version that they stand at, in one transaction
 *   2. decide what the change does (domain/stream-change.ts)
 *   3. write the next version, what changed, and the streams, in one transaction
 *
 * Two changes decided on the same version meet in step 3 at the version's primary key: the second one is undone as a
 * whole and decided anew, or answered as a conflict if its author reviewed it on that version. A reply that was lost is
 * made good by asking again: what is there already is no change.
 */
import * as z from "zod";
import { type EpochMs, hourOf } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";
import { streamChangeTriesMax } from "../../domain/limits.ts";
import { dueAt } from "../../domain/plan.ts";
import { type Result, no, ok } from "../../domain/refusal.ts";
import { type Priority, type StreamSettings, lastHourOf } from "../../domain/stream.ts";
import {
  type ChangeRefusal,
  type CurrentSettings,
  type NamedSettings,
  type StreamChange,
  planChange,
} from "../../domain/stream-change.ts";
import { rowsOf } from "./border.ts";
import { type CatalogStream, StreamRow, endedDueAtMs, getStream, streamColumns } from "./streams.ts";
import { bumpVersion } from "./version.ts";

const priorities: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 };

/** Who makes a change. */
export interface ChangeAuthor {
  readonly author: string;
  readonly keyId: string;
  readonly note: string;
}

export interface StreamsAtVersion {
  /** 0: nothing was ever changed. */
  readonly version: number;
  readonly streams: readonly CatalogStream[];
}

const VersionRow = z.object({ version: z.number().int().min(0) });

/** All streams, and the version that a change of them is based on. */
export async function readStreams(db: D1Database): Promise<StreamsAtVersion> {
  const [version, streams] = await db.batch([
    db.prepare("SELECT coalesce(max(version), 0) AS version FROM stream_versions"),
    db.prepare(`SELECT ${streamColumns} FROM streams ORDER BY type`),
  ]);
  return { version: rowsOf(VersionRow, version)[0]?.version ?? 0, streams: rowsOf(StreamRow, streams) };
}

export type ChangeOutcome =
  | { readonly outcome: "applied"; readonly version: number; readonly changes: readonly StreamChange[] }
  | { readonly outcome: "refused"; readonly version: number; readonly refused: readonly ChangeRefusal[] }
  /** The streams stand at another version than the one that the change was reviewed on. */
  | { readonly outcome: "conflict"; readonly version: number };

/**
 * Sets these streams, and removes those in `removed`. `base`: the version that the change was reviewed on; null: whatever is there. A change that does
 * nothing is applied at any version, so that repeating one is safe.
 */
export async function changeStreams(
  db: D1Database,
  wanted: readonly NamedSettings[],
  base: number | null,
  by: ChangeAuthor,
  now: EpochMs,
  removed: readonly EventType[] = [],
): Promise<ChangeOutcome> {
  for (let tries = 0; tries < streamChangeTriesMax; tries++) {
    const { version, streams } = await readStreams(db);
    const plan = planChange(streams.map(currentSettings), wanted, removed);
    if (plan.ok && plan.changes.length === 0) return { outcome: "applied", version, changes: [] };
    if (base !== null && base !== version) return { outcome: "conflict", version };
    if (!plan.ok) return { outcome: "refused", version, refused: plan.refused };
    if (await write(db, version + 1, plan.changes, by, now)) {
      return { outcome: "applied", version: version + 1, changes: plan.changes };
    }
  }
  throw new Error(`streams were changed by others ${streamChangeTriesMax} times in a row`);
}

export function currentSettings({ stream, removed }: CatalogStream): CurrentSettings {
  const {
    type,
    firstHour: _firstHour,
    earliestHour: _earliestHour,
    planned: _planned,
    schemaVersion: _schemaVersion,
    drain: _drain,
    ...settings
  } = stream;
  return { type, settings, removed: removed !== null };
}

const noAuthor: ChangeAuthor = { author: "", keyId: "", note: "" };

/** Registers one stream from the current hour on, for the first time or again, or changes its settings. */
export async function putStream(
  db: D1Database,
  type: EventType,
  settings: StreamSettings,
  now: EpochMs,
  by: ChangeAuthor = noAuthor,
): Promise<Result<{ readonly stream: CatalogStream; readonly created: boolean }, readonly ChangeRefusal[]>> {
  const outcome = await changeStreams(db, [{ type, settings }], null, by, now);
  if (outcome.outcome === "refused") return no(outcome.refused);
  if (outcome.outcome === "conflict") throw new Error("broken invariant: a change without a base conflicts");
  const stream = await getStream(db, type);
  if (stream === null) throw new Error("broken invariant: a stream that was put is not there");
  const created = outcome.changes.some(({ change, type: of }) => change !== "change" && of === type);
  return ok({ stream, created });
}

/** False: another change took the version, and nothing was written. */
async function write(
  db: D1Database,
  version: number,
  changes: readonly StreamChange[],
  by: ChangeAuthor,
  now: EpochMs,
): Promise<boolean> {
  try {
    await db.batch([
      db
        .prepare(
          "INSERT INTO stream_versions (version, author, key_id, note, changed_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(version, by.author, by.keyId, by.note, now),
      ...insertChanges(db, version, changes),
      upsertStreams(db, changes, now),
      removeStreams(db, changes, now),
      keepSchemas(db, changes, now),
      bumpVersion(db),
    ]);
    return true;
  } catch (error) {
    if (String(error).includes("UNIQUE constraint failed: stream_versions.version")) return false;
    throw error;
  }
}

/** Changes in one statement: with their schemas before and after, its JSON stays below D1's 2 MB. */
const changesPerStatement = 20;

function insertChanges(
  db: D1Database,
  version: number,
  changes: readonly StreamChange[],
): D1PreparedStatement[] {
  const statements: D1PreparedStatement[] = [];
  for (let at = 0; at < changes.length; at += changesPerStatement)
    statements.push(insertSome(db, version, changes.slice(at, at + changesPerStatement)));
  return statements;
}

function insertSome(db: D1Database, version: number, changes: readonly StreamChange[]): D1PreparedStatement {
  const rows = changes.map((change) => ({
    type: change.type,
    change: change.change,
    before: change.change === "add" ? null : JSON.stringify(change.before),
    after: change.after === null ? null : JSON.stringify(change.after),
  }));
  return db
    .prepare(
      `INSERT INTO stream_changes (version, type, change, before, after)
       SELECT ?1, value ->> '$.type', value ->> '$.change', value ->> '$.before', value ->> '$.after'
       FROM json_each(?2)`,
    )
    .bind(version, JSON.stringify(rows));
}

/**
 * The first hour of a stream never changes, unless it had ended: registered again, it begins anew with this hour, and the
 * hours between were none of its own. One that has not ended yet goes on where it stands. A new grace holds for hours that are not yet in the work queue; a bucket
 * that is open keeps its plan and says so when asked.
 */
function upsertStreams(db: D1Database, changes: readonly StreamChange[], now: EpochMs): D1PreparedStatement {
  const hour = hourOf(now);
  const rows = changes.flatMap(({ type, after }) =>
    after === null
      ? []
      : [
          {
            type,
            settings: JSON.stringify(after),
            priority: priorities[after.priority],
            due: dueAt(hour, after.graceMs),
          },
        ],
  );
  return db
    .prepare(
      `INSERT INTO streams (type, settings, priority, first_hour, next_hour, due_at_ms, created_at_ms, updated_at_ms, version, schema_version)
       SELECT value ->> '$.type', value ->> '$.settings', value ->> '$.priority', ?1, ?1, value ->> '$.due', ?2, ?2, 1,
         json_extract(value ->> '$.settings', '$.schema') IS NOT NULL
       FROM json_each(?3) WHERE true
       ON CONFLICT (type) DO UPDATE SET
         settings = excluded.settings,
         priority = excluded.priority,
         schema_version = schema_version + (json_extract(settings, '$.schema') IS NOT json_extract(excluded.settings, '$.schema')),
         earliest_hour = CASE WHEN due_at_ms = ?4 THEN coalesce(earliest_hour, first_hour) ELSE earliest_hour END,
         first_hour = CASE WHEN due_at_ms = ?4 THEN max(next_hour, ?1) ELSE first_hour END,
         next_hour = CASE WHEN due_at_ms = ?4 THEN max(next_hour, ?1) ELSE next_hour END,
         due_at_ms = CASE WHEN due_at_ms = ?4 THEN excluded.due_at_ms
           ELSE due_at_ms - json_extract(settings, '$.graceMs') + json_extract(excluded.settings, '$.graceMs') END,
         removed_at_ms = NULL,
         last_hour = NULL,
         updated_at_ms = max(updated_at_ms, excluded.updated_at_ms),
         version = version + 1`,
    )
    .bind(hour, now, JSON.stringify(rows), endedDueAtMs);
}

/** The row stays, for whatever becomes of the hours that it has. */
function removeStreams(db: D1Database, changes: readonly StreamChange[], now: EpochMs): D1PreparedStatement {
  const types = changes.flatMap(({ type, change }) => (change === "remove" ? [type] : []));
  return db
    .prepare(
      `UPDATE streams SET removed_at_ms = ?1, last_hour = ?2, updated_at_ms = max(updated_at_ms, ?1), version = version + 1
       WHERE removed_at_ms IS NULL AND type IN (SELECT value FROM json_each(?3))`,
    )
    .bind(now, lastHourOf(now), JSON.stringify(types));
}

/** Every schema that a stream has had is kept by its version: hours that were written under it name it. */
function keepSchemas(db: D1Database, changes: readonly StreamChange[], now: EpochMs): D1PreparedStatement {
  return db
    .prepare(
      `INSERT OR IGNORE INTO stream_schemas (type, version, schema, since_ms)
       SELECT type, schema_version, json_extract(settings, '$.schema'), ?1 FROM streams
       WHERE type IN (SELECT value FROM json_each(?2)) AND json_extract(settings, '$.schema') IS NOT NULL`,
    )
    .bind(now, JSON.stringify(changes.map(({ type }) => type)));
}
