/**
 * The snapshot: streams and key hashes as one versioned object, which edges read instead of the catalog.
 * These are its form and the rule which of two is taken; reading and writing is the platform's.
 */
import * as z from "zod";
import { EpochMs } from "./hour.ts";
import { QuotaEvents, SpentQuota, quotaName } from "./quota.ts";
import { Scope } from "./scope.ts";
import { RemovedStream, type Stream, StreamDocument } from "./stream.ts";

export const snapshotFormat = 1;

/** Where it lies in R2. */
export const snapshotKey = "config/snapshot.json";

export const SnapshotKey = z.strictObject({
  id: z.string().min(1),
  /** SHA-256 of the key's text, hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(Scope),
  /** From then on it is no key any more; null: it does not end by itself. */
  expiresAt: EpochMs.nullable().default(null),
  /** Events a second that an edge isolate takes from it; null: as many as come. */
  eventsPerSecondMax: z.number().int().min(1).nullable().default(null),
  /** Events that are taken from it in an hour, and a day, over all edges; null: as many as come. */
  eventsPerHourMax: QuotaEvents.default(null),
  eventsPerDayMax: QuotaEvents.default(null),
});
export type SnapshotKey = z.infer<typeof SnapshotKey>;

export const SnapshotDocument = z.strictObject({
  format: z.literal(snapshotFormat),
  /** The catalog's count of changes. 0: nothing was ever configured. */
  version: z.number().int().min(0),
  writtenAt: EpochMs,
  streams: z.array(StreamDocument),
  /** Streams that were removed; edges do not go by them. */
  removed: z.array(RemovedStream).default([]),
  /** Keys that are not revoked. */
  keys: z.array(SnapshotKey),
  /** Quotas that are used up. */
  spent: z.array(SpentQuota).default([]),
});
export type SnapshotDocument = z.infer<typeof SnapshotDocument>;

/** A snapshot with its streams and keys at hand. */
export interface Snapshot {
  readonly version: number;
  readonly streams: ReadonlyMap<string, Stream>;
  readonly removed: readonly RemovedStream[];
  readonly keys: ReadonlyMap<string, SnapshotKey>;
  /** By `quotaName`. */
  readonly spent: ReadonlyMap<string, SpentQuota>;
}

/** What an edge goes by before anything was configured. */
export const emptySnapshot: Snapshot = {
  version: 0,
  streams: new Map(),
  removed: [],
  keys: new Map(),
  spent: new Map(),
};

export function snapshotOf(document: SnapshotDocument): Snapshot {
  return {
    version: document.version,
    streams: new Map(document.streams.map((stream) => [stream.type, stream])),
    removed: document.removed,
    keys: new Map(document.keys.map((key) => [key.id, key])),
    spent: new Map(document.spent.map((quota) => [quotaName(quota), quota])),
  };
}

/** The key with this id, if it has not ended. */
export function liveKey(snapshot: Snapshot, id: string, now: EpochMs): SnapshotKey | undefined {
  const key = snapshot.keys.get(id);
  return key === undefined || (key.expiresAt !== null && now >= key.expiresAt) ? undefined : key;
}

/** The snapshot that this text holds, or the sentence that says why it holds none. */
export function parseSnapshot(
  text: string,
): { readonly ok: true; readonly value: Snapshot } | { readonly ok: false; readonly reason: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, reason: "not JSON" };
  }
  const document = SnapshotDocument.safeParse(json);
  return document.success
    ? { ok: true, value: snapshotOf(document.data) }
    : { ok: false, reason: z.prettifyError(document.error) };
}

/** The one to go by: a snapshot that is read never takes the place of a newer one that is held. */
export function newerSnapshot(held: Snapshot, read: Snapshot): Snapshot {
  return read.version > held.version ? read : held;
}

/** The snapshot as it is stored. What there is none of it leaves out, so that older Workers read it too. */
export function snapshotText({ removed, spent, ...document }: SnapshotDocument): string {
  const stored = {
    ...document,
    ...(removed.length === 0 ? {} : { removed }),
    ...(spent.length === 0 ? {} : { spent }),
  };
  return `${JSON.stringify(stored, null, 2)}\n`;
}
