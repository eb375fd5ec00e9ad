/**
 * Writing the snapshot object, which edges read instead of the catalog.
 *
 *   1. read the object and its etag
 *   2. read the catalog, all of it as of one version
 *   3. put, only if the object is still the one of step 1; else start over
 *
 * Safe with any number of writers: the catalog's version only grows and is read after the object, so whoever passes
 * step 3 replaces what it saw with something newer. A writer that dies before step 3 leaves the catalog ahead of the
 * object; `repairSnapshot`, run by cron, closes that gap.
 */
import { type EpochMs } from "../domain/hour.ts";
import { snapshotWritesMax } from "../domain/limits.ts";
import {
  type Snapshot,
  type SnapshotDocument,
  parseSnapshot,
  snapshotFormat,
  snapshotKey,
  snapshotOf,
  snapshotText,
} from "../domain/snapshot.ts";
import { readConfig } from "./catalog/config.ts";
import { configVersion } from "./catalog/version.ts";
import { log } from "./log.ts";

export { SnapshotSource, edgeSnapshots } from "./snapshot-source.ts";
export type { SnapshotEnv, SnapshotView } from "./snapshot-source.ts";

export interface SnapshotWriterEnv {
  readonly CATALOG: D1Database;
  readonly EVENTS: Pick<R2Bucket, "get" | "put">;
}

/** Brings the object to the catalog's version and answers it. Throws if it cannot; trying again is safe. */
export async function writeSnapshot(env: SnapshotWriterEnv, now: EpochMs): Promise<Snapshot> {
  for (let attempt = 0; attempt < snapshotWritesMax; attempt++) {
    const stored = await readStored(env.EVENTS);
    const { version, streams, removed, keys, spent } = await readConfig(env.CATALOG);
    if (stored.snapshot !== null && stored.snapshot.version >= version) {
      if (stored.snapshot.version > version) throw aheadOfCatalog(stored.snapshot.version, version);
      return stored.snapshot;
    }
    const document: SnapshotDocument = {
      format: snapshotFormat,
      version,
      writtenAt: now,
      streams: [...streams],
      removed: [...removed],
      keys: keys.map(({ id, hash, scopes, expiresAtMs, ...limits }) => ({
        id,
        hash,
        scopes,
        expiresAt: expiresAtMs,
        eventsPerSecondMax: limits.eventsPerSecondMax,
        eventsPerHourMax: limits.eventsPerHourMax,
        eventsPerDayMax: limits.eventsPerDayMax,
      })),
      spent: [...spent],
    };
    const put = await env.EVENTS.put(snapshotKey, snapshotText(document), {
      onlyIf: stored.etag === null ? { etagDoesNotMatch: "*" } : { etagMatches: stored.etag },
      httpMetadata: { contentType: "application/json" },
    });
    if (put !== null) return snapshotOf(document);
  }
  throw new Error(`the snapshot was changed by others ${snapshotWritesMax} times in a row`);
}

/** True if the object had to be written: it was missing, broken, or behind the catalog. */
export async function repairSnapshot(env: SnapshotWriterEnv, now: EpochMs): Promise<boolean> {
  const version = await configVersion(env.CATALOG);
  const stored = await readStored(env.EVENTS);
  if (stored.snapshot?.version === version) return false;
  if (stored.etag === null && version === 0) return false;
  await writeSnapshot(env, now);
  log("snapshot", "repaired", { from: stored.snapshot?.version ?? null, to: version });
  return true;
}

/** The snapshot that lies in R2; null if there is none, or one that cannot be read. */
export async function readSnapshot(objects: Pick<R2Bucket, "get">): Promise<Snapshot | null> {
  return (await readStored(objects)).snapshot;
}

/** What lies in R2. A broken object has an etag and no snapshot: it may be replaced, and only it. */
async function readStored(
  objects: Pick<R2Bucket, "get">,
): Promise<{ readonly etag: string | null; readonly snapshot: Snapshot | null }> {
  const object = await objects.get(snapshotKey);
  if (object === null) return { etag: null, snapshot: null };
  const parsed = parseSnapshot(await object.text());
  if (!parsed.ok) log("snapshot", "broken", { reason: parsed.reason });
  return { etag: object.etag, snapshot: parsed.ok ? parsed.value : null };
}

/** Edges take no older version, so writing one would change nothing and look as if it had. */
function aheadOfCatalog(snapshot: number, catalog: number): Error {
  return new Error(
    `${snapshotKey} has version ${snapshot} and the catalog only ${catalog}: the catalog was restored or replaced. ` +
      `If it is right, run: UPDATE config SET version = ${snapshot + 1}`,
  );
}
