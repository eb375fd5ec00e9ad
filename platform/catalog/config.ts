/** The configuration as one consistent read: streams, keys and the version that counts every change of either. */
import type { RemovedStream, Stream } from "../../domain/stream.ts";
import type { SpentQuota } from "../../domain/quota.ts";
import { rowsOf } from "./border.ts";
import { type CatalogKey, KeyRow, keyColumns } from "./keys.ts";
import { StreamRow, streamColumns } from "./streams.ts";
import { SpentRow, selectSpent } from "./quotas.ts";
import { selectVersion, versionOf } from "./version.ts";

export interface CatalogConfig {
  readonly version: number;
  readonly streams: readonly Stream[];
  readonly removed: readonly RemovedStream[];
  /** Keys that are not revoked. */
  readonly keys: readonly CatalogKey[];
  readonly spent: readonly SpentQuota[];
}

/** Everything a snapshot holds, as of one version. */
export async function readConfig(db: D1Database): Promise<CatalogConfig> {
  const [version, streams, keys, spent] = await db.batch([
    selectVersion(db),
    db.prepare(`SELECT ${streamColumns} FROM streams ORDER BY type`),
    db.prepare(`SELECT ${keyColumns} FROM keys WHERE revoked_at_ms IS NULL ORDER BY id`),
    selectSpent(db),
  ]);
  const all = rowsOf(StreamRow, streams);
  return {
    version: versionOf(version),
    streams: all.filter(({ removed }) => removed === null).map(({ stream }) => stream),
    removed: all.flatMap(({ stream, removed }) =>
      removed === null ? [] : [{ ...stream, removedAt: removed.atMs, lastHour: removed.lastHour }],
    ),
    keys: rowsOf(KeyRow, keys),
    spent: rowsOf(SpentRow, spent),
  };
}
