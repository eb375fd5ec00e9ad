/** The history of streams: every change with who made it, newest first. Nothing here changes or forgets one. */
import * as z from "zod";
import { EventType } from "../../domain/ids.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { jsonColumn, rowsOf, timeColumn } from "./border.ts";

const VersionRow = z
  .object({
    version: z.number().int().min(1),
    author: z.string(),
    key_id: z.string(),
    note: z.string(),
    changed_at_ms: timeColumn,
  })
  .transform(({ key_id: keyId, changed_at_ms: changedAtMs, ...row }) => ({ ...row, keyId, changedAtMs }));

const settingsColumn = jsonColumn(StreamSettings).nullable();

const ChangeRow = z.object({
  version: z.number().int().min(1),
  type: EventType,
  change: z.enum(["add", "change", "remove", "restore"]),
  before: settingsColumn,
  after: settingsColumn,
});

export type StreamVersion = z.output<typeof VersionRow> & {
  readonly changes: readonly Omit<z.output<typeof ChangeRow>, "version">[];
};

export interface VersionFilter {
  /** Only versions that changed this stream. */
  readonly type?: EventType | undefined;
  /** Only versions before this one. */
  readonly before?: number | undefined;
}

/** One page of the history, newest first. */
export async function listStreamVersions(
  db: D1Database,
  { type, before }: VersionFilter,
  limit: number,
): Promise<StreamVersion[]> {
  const chosen = `SELECT version FROM stream_versions
    WHERE version < coalesce(?1, 9e15)
      AND (?2 IS NULL OR version IN (SELECT version FROM stream_changes WHERE type = ?2))
    ORDER BY version DESC LIMIT ?3`;
  const values = [before ?? null, type ?? null, limit] as const;
  const [versions, changes] = await db.batch([
    db
      .prepare(
        `SELECT version, author, key_id, note, changed_at_ms FROM stream_versions
         WHERE version IN (${chosen}) ORDER BY version DESC`,
      )
      .bind(...values),
    db
      .prepare(
        `SELECT version, type, change, before, after FROM stream_changes
         WHERE version IN (${chosen}) AND (?2 IS NULL OR type = ?2) ORDER BY version DESC, type`,
      )
      .bind(...values),
  ]);
  const byVersion = Map.groupBy(rowsOf(ChangeRow, changes), (change) => change.version);
  return rowsOf(VersionRow, versions).map((version) => ({
    ...version,
    changes: (byVersion.get(version.version) ?? []).map(({ version: _version, ...change }) => change),
  }));
}
