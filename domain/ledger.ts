/**
 * The ledger: what the edges say they sent and were answered, kept apart from the shards' storage.
 *
 * Protocol between one edge life and one ledger object, for one hour:
 *  1. `open`: the ledger durably knows the edge before its first append of the hour is sent.
 *  2. Every append is numbered, in order. Reports are numbered 1, 2, 3, …; each says which appends were sent since the
 *     last one, and what became of earlier ones. A report that was taken already is taken again as nothing.
 *  3. The edge answers a client only after the report with its appends' `sent` is durable.
 *
 * So an append with a number past `sentThrough` was answered to nobody; an append that was sent and has no outcome is
 * unresolved, and is looked up in its shard. An edge that cannot report ends its life and starts another one.
 */
import * as z from "zod";
import { AppendNo, EdgeId, EventType, ShardIndex } from "./ids.ts";
import { HourText } from "./hour.ts";
import { Tally, addTallies, zeroTally } from "./tally.ts";

/** An append was about to be sent. */
export const Sent = z.strictObject({
  no: AppendNo,
  type: EventType,
  index: ShardIndex,
  tally: Tally,
});
export type Sent = z.infer<typeof Sent>;

/** What became of an append, as the edge was answered. */
export const Outcome = z.strictObject({
  no: AppendNo,
  accepted: Tally,
  duplicate: Tally,
  refused: Tally,
});
export type Outcome = z.infer<typeof Outcome>;

/** Events of one type, counted one by one where the client is answered. */
export const EventCounts = z.strictObject({
  received: z.number().int().min(0),
  accepted: z.number().int().min(0),
  duplicates: z.number().int().min(0),
  refused: z.number().int().min(0),
  failed: z.number().int().min(0),
  /** Put into quarantine, where they are counted too. Left out if none was: a ledger of the version before knows no such. */
  quarantined: z.number().int().min(1).optional(),
});
export type EventCounts = z.infer<typeof EventCounts>;

export const Report = z.strictObject({
  edge: EdgeId,
  hour: HourText,
  no: z.number().int().min(1),
  sent: z.array(Sent),
  outcomes: z.array(Outcome),
  /** By type; events whose type names no stream are counted under "". */
  events: z.array(z.tuple([z.string(), EventCounts])),
  /** Events accepted by keys that have a quota. Left out if there are none: a ledger of the version before knows no such. */
  keys: z.array(z.tuple([z.string(), z.number().int().min(1)])).optional(),
});
export type Report = z.infer<typeof Report>;

export type ReportReply =
  | { readonly taken: true }
  /** The ledger does not know the edge, or reports are missing before this one: this edge life is over. */
  | { readonly taken: false; readonly why: "unknown_edge" | "gap" };

export const zeroCounts: EventCounts = { received: 0, accepted: 0, duplicates: 0, refused: 0, failed: 0 };

export function addCounts(a: EventCounts, b: EventCounts): EventCounts {
  return {
    received: a.received + b.received,
    accepted: a.accepted + b.accepted,
    duplicates: a.duplicates + b.duplicates,
    refused: a.refused + b.refused,
    failed: a.failed + b.failed,
    ...quarantinedCount((a.quarantined ?? 0) + (b.quarantined ?? 0)),
  };
}

function quarantinedCount(quarantined: number): Pick<EventCounts, "quarantined"> {
  return quarantined === 0 ? {} : { quarantined };
}

// ── Folding reports ────────────────────────────────────────────────────────────────────────────────────────

/** What one edge did with one shard, as far as it reported. */
export interface EdgeShardTally {
  readonly sent: Tally;
  readonly accepted: Tally;
  readonly duplicate: Tally;
  readonly refused: Tally;
}

const zeroEdgeShard: EdgeShardTally = {
  sent: zeroTally,
  accepted: zeroTally,
  duplicate: zeroTally,
  refused: zeroTally,
};

/** What one edge reported to one ledger object. */
export interface EdgeAccount {
  readonly edge: EdgeId;
  lastReport: number;
  /** The highest append number that was reported as sent; 0: none. */
  sentThrough: number;
  readonly shards: Map<string, EdgeShardTally>;
  /** Appends without an outcome. */
  readonly unresolved: Map<AppendNo, Sent>;
  /** Appends that were refused: should a copy of one have been committed all the same, its shard says so. */
  readonly refused: Map<AppendNo, Sent>;
  /** Outcomes of appends that were never reported as sent: a contradiction in the edge's own account. */
  strayOutcomes: number;
  readonly events: Map<string, EventCounts>;
  /** Events accepted, by the id of a key that has a quota. */
  readonly keys: Map<string, number>;
}

export function openAccount(edge: EdgeId): EdgeAccount {
  return {
    edge,
    lastReport: 0,
    sentThrough: 0,
    shards: new Map(),
    unresolved: new Map(),
    refused: new Map(),
    strayOutcomes: 0,
    events: new Map(),
    keys: new Map(),
  };
}

export type ReportDecision = "take" | "taken_already" | "gap" | "unknown_edge";

export function decideReport(account: EdgeAccount | undefined, reportNo: number): ReportDecision {
  if (account === undefined) return "unknown_edge";
  if (reportNo <= account.lastReport) return "taken_already";
  return reportNo === account.lastReport + 1 ? "take" : "gap";
}

function shardKey(type: string, index: number): string {
  return `${index}/${type}`;
}

/** Adds a report that `decideReport` takes to the account. */
export function foldReport(account: EdgeAccount, report: Report): void {
  account.lastReport = report.no;
  for (const sent of report.sent) {
    account.unresolved.set(sent.no, sent);
    if (sent.no > account.sentThrough) account.sentThrough = sent.no;
    add(account, sent, { ...zeroEdgeShard, sent: sent.tally });
  }
  for (const { no, accepted, duplicate, refused } of report.outcomes) {
    const sent = account.unresolved.get(no);
    if (sent === undefined) {
      account.strayOutcomes++;
      continue;
    }
    account.unresolved.delete(no);
    if (refused.rows > 0) account.refused.set(no, sent);
    add(account, sent, { sent: zeroTally, accepted, duplicate, refused });
  }
  for (const [type, counts] of report.events) {
    account.events.set(type, addCounts(account.events.get(type) ?? zeroCounts, counts));
  }
  for (const [key, accepted] of report.keys ?? []) {
    account.keys.set(key, (account.keys.get(key) ?? 0) + accepted);
  }
}

function add(account: EdgeAccount, sent: Sent, more: EdgeShardTally): void {
  const key = shardKey(sent.type, sent.index);
  const before = account.shards.get(key) ?? zeroEdgeShard;
  account.shards.set(key, {
    sent: addTallies([before.sent, more.sent]),
    accepted: addTallies([before.accepted, more.accepted]),
    duplicate: addTallies([before.duplicate, more.duplicate]),
    refused: addTallies([before.refused, more.refused]),
  });
}

// ── What the auditor asks for ──────────────────────────────────────────────────────────────────────────────

export const Unresolved = z.strictObject({ no: AppendNo, tally: Tally });
export type Unresolved = z.infer<typeof Unresolved>;

/** One edge's account of one shard. */
export const ShardAccount = z.strictObject({
  edge: EdgeId,
  index: ShardIndex,
  sentThrough: z.number().int().min(0),
  sent: Tally,
  accepted: Tally,
  duplicate: Tally,
  refused: Tally,
  unresolved: z.array(Unresolved),
  refusedAppends: z.array(AppendNo),
});
export type ShardAccount = z.infer<typeof ShardAccount>;

/** Everything one ledger object knows of one bucket. */
export interface BucketAccount {
  readonly shards: readonly ShardAccount[];
  /** Every edge that is known for the hour, whether or not it sent to this bucket. */
  readonly edges: readonly { readonly edge: EdgeId; readonly sentThrough: number }[];
  readonly events: EventCounts;
  readonly strayOutcomes: number;
}

/** What one ledger object counts in all of its hour, whatever the type. */
export interface LedgerTotals {
  readonly events: EventCounts;
  /** Lives of edges that opened an account. */
  readonly edges: number;
  /** Appends without an outcome: they are looked up in their shards when the bucket is audited. */
  readonly unresolvedAppends: number;
  readonly strayOutcomes: number;
}

/** Events accepted in the ledger's hour: of each stream that is asked for, in order, and by every key that has a quota. */
export interface LedgerUse {
  readonly streams: readonly number[];
  readonly keys: readonly { readonly id: string; readonly accepted: number }[];
}

export function useOfLedger(accounts: Iterable<EdgeAccount>, types: readonly EventType[]): LedgerUse {
  const streams = types.map(() => 0);
  const keys = new Map<string, number>();
  for (const account of accounts) {
    types.forEach((type, at) => {
      streams[at] = (streams[at] ?? 0) + (account.events.get(type)?.accepted ?? 0);
    });
    for (const [key, accepted] of account.keys) keys.set(key, (keys.get(key) ?? 0) + accepted);
  }
  return { streams, keys: [...keys].map(([id, accepted]) => ({ id, accepted })) };
}

export function totalsOfLedger(accounts: Iterable<EdgeAccount>): LedgerTotals {
  let totals: LedgerTotals = { events: zeroCounts, edges: 0, unresolvedAppends: 0, strayOutcomes: 0 };
  for (const account of accounts) {
    totals = addLedgerTotals(totals, {
      events: [...account.events.values()].reduce(addCounts, zeroCounts),
      edges: 1,
      unresolvedAppends: account.unresolved.size,
      strayOutcomes: account.strayOutcomes,
    });
  }
  return totals;
}

export function addLedgerTotals(a: LedgerTotals, b: LedgerTotals): LedgerTotals {
  return {
    events: addCounts(a.events, b.events),
    edges: a.edges + b.edges,
    unresolvedAppends: a.unresolvedAppends + b.unresolvedAppends,
    strayOutcomes: a.strayOutcomes + b.strayOutcomes,
  };
}

export function accountOfBucket(accounts: Iterable<EdgeAccount>, type: EventType): BucketAccount {
  const shards: ShardAccount[] = [];
  const edges: { edge: EdgeId; sentThrough: number }[] = [];
  let events = zeroCounts;
  let strayOutcomes = 0;
  for (const account of accounts) {
    edges.push({ edge: account.edge, sentThrough: account.sentThrough });
    events = addCounts(events, account.events.get(type) ?? zeroCounts);
    strayOutcomes += account.strayOutcomes;
    for (const [key, tally] of account.shards) {
      const slash = key.indexOf("/");
      if (key.slice(slash + 1) !== type) continue;
      const index = Number(key.slice(0, slash)) as ShardIndex;
      const unresolved = [...account.unresolved.values()]
        .filter((sent) => sent.type === type && sent.index === index)
        .map((sent) => ({ no: sent.no, tally: sent.tally }));
      const refusedAppends = [...account.refused.values()]
        .filter((sent) => sent.type === type && sent.index === index)
        .map(({ no }) => no);
      const { edge, sentThrough } = account;
      shards.push({ edge, index, sentThrough, ...tally, unresolved, refusedAppends });
    }
  }
  return { shards, edges, events, strayOutcomes };
}
