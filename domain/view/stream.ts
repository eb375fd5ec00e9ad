/** One stream as an operator looks at it: what its owner chose, and how its last hours went. */
import { type EpochMs, type Hour, endOf } from "../hour.ts";
import { overdueMs } from "../limits.ts";
import { type Manifest, oneCopy } from "../manifest.ts";
import { zeroCounts } from "../ledger.ts";
import { loadOf, shardsNeeded } from "../load.ts";
import type { DrainedView } from "../drain.ts";
import type { StreamSettings } from "../stream.ts";
import type { QuarantineView } from "./quarantine.ts";

/** `GET /v1/audit/streams/:type`. */
export interface StreamReply {
  readonly format: 1;
  readonly type: string;
  readonly settings: StreamSettings;
  readonly version: number;
  readonly firstHour: Hour;
  readonly updatedAt: string;
  /** Null: it takes events. */
  readonly drained: DrainedView | null;
  readonly targetLatenessMs: number;
  readonly from: Hour;
  /** As in the grid, one letter an hour from `from` on. */
  readonly states: string;
  /** One entry an hour from `from` on; null where the hour is not sealed. */
  readonly rows: readonly (number | null)[];
  readonly bytes: readonly (number | null)[];
  readonly latenessMs: readonly (number | null)[];
  /** Home shards that each hour had; null: nothing came, it is not audited, or nobody could count its load. */
  readonly planned: readonly (number | null)[];
  /** Home shards that would have held it, by its busiest one; a part of one, too. */
  readonly needed: readonly (number | null)[];
  /** What edges that know the newest settings assume for the current hour and the ones after it. */
  readonly ahead: readonly { readonly hour: Hour; readonly shards: number }[];
  /** Events that were answered as quarantined, each time they came; the newest hours as they are now. */
  readonly quarantined: readonly (number | null)[];
  /** Why; null: none was, in hours that are sealed. */
  readonly quarantine: QuarantineView | null;
  /** The newest sealed hours with more of their counters, oldest first. */
  readonly recent: readonly RecentHour[];
}

export interface RecentHour {
  readonly hour: Hour;
  readonly rows: number;
  /** Answered `duplicate`, or denied when claimed. */
  readonly duplicates: number;
  readonly denied: number;
  /** Delivered rows whose home is in another hour. */
  readonly late: number;
  readonly schemaVersion: string | null;
  /** Home shards that the plan gave it; null: nothing came. */
  readonly planShards: number | null;
  /** Shards beyond the plan that took rows. */
  readonly overflowShards: number;
  /** Rows that the busiest shard accepted. */
  readonly busiestRows: number;
  /** Home shards that would have held the hour, by its busiest one; a part of one, too. */
  readonly neededShards: number;
}

export function recentHour(manifest: Manifest): RecentHour {
  const own = manifest.shards.filter(({ hour }) => hour === manifest.hour);
  const planShards = manifest.plan?.shards ?? null;
  const sum = (of: (shard: (typeof own)[number]) => number): number =>
    manifest.shards.reduce((total, shard) => total + of(shard), 0);
  const home = oneCopy(manifest).reduce((rows, part) => rows + (part.homeHours[manifest.hour] ?? 0), 0);
  return {
    hour: manifest.hour,
    rows: manifest.rows,
    duplicates: sum(({ duplicates }) => duplicates),
    denied: sum(({ denied }) => denied.rows),
    late: manifest.rows - home,
    schemaVersion: manifest.schemaVersion,
    planShards,
    overflowShards: planShards === null ? 0 : own.filter(({ index }) => index >= planShards).length,
    busiestRows: own.reduce((most, { accepted }) => Math.max(most, accepted.rows), 0),
    neededShards: shardsNeeded(loadOf(manifest, zeroCounts)),
  };
}

/** How long after its end an hour should be sealed at the latest. */
export function targetLatenessOf(settings: Pick<StreamSettings, "graceMs" | "targetLatenessMs">): number {
  return settings.targetLatenessMs ?? settings.graceMs + overdueMs;
}

/** From the hour's end to its seal. */
export function sealLatenessMs(hour: Hour, sealedAtMs: EpochMs): number {
  return Math.max(0, sealedAtMs - endOf(hour));
}
