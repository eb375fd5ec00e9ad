/** One bucket as an operator looks at it. */
import type { Hour } from "../hour.ts";
import type { Part, ShardCounters } from "../manifest.ts";
import type { Priority } from "../stream.ts";
import type { Finding } from "../verdict.ts";
import type { Arrivals } from "./arrivals.ts";
import type { FlowStep } from "./flow.ts";
import type { Moment } from "./life.ts";
import type { BucketState } from "./state.ts";

/** `GET /v1/audit/buckets/:type/:hour`. */
export interface BucketReply {
  readonly format: 1;
  readonly type: string;
  readonly hour: Hour;
  readonly owner: string;
  readonly contact: string;
  readonly priority: Priority;
  readonly state: BucketState;
  readonly life: readonly Moment[];
  /** When it should be sealed at the latest. */
  readonly targetAt: string;
  readonly seal: SealHistory;
  readonly flow: readonly FlowStep[];
  /** Null until it is sealed. */
  readonly arrivals: Arrivals | null;
  readonly manifest: ManifestView | null;
  /** The worst ones first; `findingCount` says how many there were. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  /** Sources that could not be asked, and why: what they would say is left out. */
  readonly unheard: readonly { readonly source: string; readonly why: string }[];
}

export interface SealHistory {
  /** What the bucket itself says; null: it was never reached, or it has retired. */
  readonly phase: "planned" | "open" | "sealing" | "sealed" | null;
  readonly shards: readonly string[];
  readonly missingReceipts: readonly string[];
  readonly failedAttempts: number;
  readonly lastStep: string | null;
  readonly lastError: string | null;
  readonly failingSince: string | null;
}

/** The manifest without its longest lists. */
export interface ManifestView {
  readonly sha256: string;
  readonly rows: number;
  readonly bytes: number;
  readonly identitySum: string;
  readonly schemaVersion: string | null;
  readonly planShards: number | null;
  readonly shards: readonly ShardView[];
  readonly shardCount: number;
  readonly parts: readonly PartView[];
  readonly partCount: number;
  readonly strays: number;
}

export interface ShardView {
  readonly index: number;
  readonly hour: Hour;
  readonly accepted: number;
  readonly duplicates: number;
  readonly denied: number;
  readonly movedIn: number;
  readonly movedOut: number;
  readonly delivered: number;
  readonly unguarded: number;
}

export interface PartView {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly origin: string;
  /** From findings: what is wrong with it; null: nothing is known to be. */
  readonly fault: Finding["kind"] | null;
}

export function shardView(shard: ShardCounters): ShardView {
  const rows = (moves: ShardCounters["reassignedIn"]): number =>
    moves.reduce((sum, { tally }) => sum + tally.rows, 0);
  return {
    index: shard.index,
    hour: shard.hour,
    accepted: shard.accepted.rows,
    duplicates: shard.duplicates,
    denied: shard.denied.rows,
    movedIn: rows(shard.reassignedIn),
    movedOut: rows(shard.reassignedOut),
    delivered: shard.delivered.rows,
    unguarded: shard.unguarded,
  };
}

export function partView(part: Part, findings: readonly Finding[]): PartView {
  return {
    name: part.key.slice(part.key.lastIndexOf("/") + 1),
    rows: part.tally.rows,
    bytes: part.bytes,
    origin: String(part.origin),
    fault: findings.find(({ where }) => where === part.key)?.kind ?? null,
  };
}
