/**
 * What objects say to each other: the messages, and the interface each object offers. Checked with zod where they come in;
 * results are typed values, and a throw means that the outcome is unknown. `trace` is for the log alone: nothing is decided
 * by it, and it may be missing.
 */
import * as z from "zod";
import type { EdgeAnswer, EdgeQuery } from "./append-audit.ts";
import type { AppendOutcome } from "./commit.ts";
import { Formats, defaultFormats } from "./encoding.ts";
import type { AppendRefusal, EnrolReply, PlanReply } from "./enrol.ts";
import { fingerprintBytes } from "./fingerprint.ts";
import { EpochMs, type Hour, HourText } from "./hour.ts";
import { AppendNo, EdgeId, type EventType, HolderName, ShardIndex } from "./ids.ts";
import type { BucketAccount, LedgerTotals, LedgerUse, Report, ReportReply } from "./ledger.ts";
import { carryBytesMin, claimRowsMax } from "./limits.ts";
import type { TailPage, TailRange } from "./merge.ts";
import { Plan } from "./plan.ts";
import type { Receipt } from "./receipt.ts";
import type { SealStepName } from "./seal.ts";
import type { Tally } from "./tally.ts";
import { CarriedTrace } from "./trace.ts";

// ── Shard ──────────────────────────────────────────────────────────────────────────────────────────────────

export const AppendMessage = z.object({
  protocol: z.number().int(),
  edge: EdgeId,
  no: AppendNo,
  plan: Plan,
  /** Packed rows, see packed-rows.ts. */
  rows: z.instanceof(Uint8Array),
  trace: CarriedTrace,
});
export type AppendMessage = z.infer<typeof AppendMessage>;

/** Either every row was decided, or none was taken. */
export type AppendReply = AppendOutcome | AppendRefusal;

/**
 * `hour`: the bucket that asks for its receipt, the shard's own or one that its rows moved to; its parts' formats; and the
 * bytes of rows that the receipt may carry, the least where the caller does not say.
 */
export const CloseMessage = z.object({
  protocol: z.number().int(),
  hour: HourText,
  nowMs: EpochMs,
  formats: Formats.default([...defaultFormats]),
  carryBytes: z.number().int().min(0).default(carryBytesMin),
  trace: CarriedTrace,
});
export type CloseMessage = z.infer<typeof CloseMessage>;

export type CloseReply =
  | { readonly closed: true; readonly receipt: Receipt }
  | { readonly closed: false; readonly protocol: number };

/** Where an identity is decided: a shard of its own hour, or one of its stream's undated homes. */
export const HomeAddress = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("dated"), hour: HourText, index: ShardIndex }),
  z.strictObject({ kind: z.literal("undated"), index: z.number().int().min(0) }),
]);
export type HomeAddress = z.infer<typeof HomeAddress>;

/** Packed fingerprints, at most `claimRowsMax`. */
export const Fingerprints = z
  .instanceof(Uint8Array)
  .refine(
    ({ length }) => length <= claimRowsMax * fingerprintBytes && length % fingerprintBytes === 0,
    `at most ${claimRowsMax} whole fingerprints`,
  );

export const ClaimMessage = z.object({
  protocol: z.number().int(),
  owner: HolderName,
  fingerprints: Fingerprints,
  windowMs: z.number().int().min(0),
  trace: CarriedTrace,
});
export type ClaimMessage = z.infer<typeof ClaimMessage>;

export type ClaimReply =
  | { readonly decided: true; readonly granted: Uint8Array<ArrayBuffer> }
  /** `forgotten`: the home is past its window. The others: ask again later. */
  | { readonly decided: false; readonly why: "forgotten" | "full" | "overloaded" | "unknown_protocol" };

/** What an auditor asks of a holder: what it was told by a home in one round of claims. */
export interface GrantedAt {
  readonly home: HomeAddress;
  readonly granted: Tally;
  /** Packed fingerprints of denied rows. */
  readonly denied: Uint8Array<ArrayBuffer>;
}

/** Where a page of grants begins: after the answer with this number; 0: at the first. */
export const AnswerSeq = z.number().int().min(0);

export interface GrantsPage {
  /** False: rows of this holder wait for claims, of which a home may have granted some unheard. */
  readonly settled: boolean;
  readonly answers: readonly GrantedAt[];
  /** Where the next page begins; null: this is the last one. */
  readonly next: number | null;
}

/** What an auditor asks of a home: what it recorded. */
export interface OwnedAnswer {
  /** Identities that the holder owns here. */
  readonly owned: Tally;
  /** How many of the fingerprints given are known here. */
  readonly known: number;
}

export interface ShardRpc {
  append(message: AppendMessage): Promise<AppendReply>;
  close(message: CloseMessage): Promise<CloseReply>;
  /** Bytes of rows of the delivery that no part holds, about: rows may come and go until it closes. Reads only. */
  unflushedBytes(hour: Hour): Promise<number>;
  /** The pages of what the receipt carries, in row order; none before it was given. Reads only. */
  tailPages(hour: Hour): Promise<TailPage[]>;
  /** The payload of one of them; without a range, of all that the receipt carries. Reads only. */
  tailPayload(hour: Hour, range: TailRange | null): Promise<Uint8Array<ArrayBuffer>>;
  /** Asks the shard, as the home of these identities, for them. */
  claim(message: ClaimMessage): Promise<ClaimReply>;
  /** What homes told this shard, a page at a time; reads only. */
  grants(seq: number): Promise<GrantsPage>;
  /** What this shard, as a home, recorded for a holder; reads only. */
  ownedBy(owner: HolderName, fingerprints: Uint8Array): Promise<OwnedAnswer>;
  lookUpAppends(queries: EdgeQuery[]): Promise<EdgeAnswer[]>;
  /** True when no payload is left. */
  dropPayloads(hour: Hour, nowMs: number): Promise<boolean>;
  describe(): Promise<string>;
}

// ── Bucket ─────────────────────────────────────────────────────────────────────────────────────────────────

export const EnrolMessage = z.object({
  protocol: z.number().int(),
  hour: HourText,
  index: ShardIndex,
  plan: Plan,
  trace: CarriedTrace,
});
export type EnrolMessage = z.infer<typeof EnrolMessage>;

/** `plan`: what the stream's settings ask for, so that an hour in which nothing came can be sealed too. */
export const SealMessage = z.object({ nowMs: EpochMs, plan: Plan.nullable(), trace: CarriedTrace });
export type SealMessage = z.infer<typeof SealMessage>;

/** What the catalog keeps of a sealed bucket. */
export interface SealedSummary {
  readonly sealedAtMs: EpochMs;
  readonly manifestSha256: string;
  readonly tally: Tally;
  readonly bytes: number;
}

/** What stood in the way of a seal that was made in the end: how often it failed, and how the last time. */
export interface SealTrouble {
  readonly attempts: number;
  readonly step: string;
  readonly error: string;
}

export type SealReply =
  | { readonly state: "sealed"; readonly summary: SealedSummary; readonly trouble: SealTrouble | null }
  | { readonly state: "not_due"; readonly dueAtMs: EpochMs }
  /** The bucket is blank and the caller did not say under which plan an empty hour is sealed. */
  | { readonly state: "blank" }
  /** A step failed; the bucket goes on by itself. */
  | {
      readonly state: "failed";
      readonly step: SealStepName;
      readonly error: string;
      readonly sinceMs: EpochMs;
    };

/** Only a balanced verdict is told: any other one changes nothing for the bucket, which keeps everything. */
export const VerifiedMessage = z.object({
  nowMs: EpochMs,
  verdict: z.literal("balanced"),
  trace: CarriedTrace,
});
export type VerifiedMessage = z.infer<typeof VerifiedMessage>;

export const PlanMessage = z.object({ plan: Plan, nowMs: EpochMs, trace: CarriedTrace });
export type PlanMessage = z.infer<typeof PlanMessage>;

export interface BucketRpc {
  enrol(message: EnrolMessage): Promise<EnrolReply>;
  /** The plan by which this hour's homes are found, fixed now if nothing has fixed it. */
  plan(message: PlanMessage): Promise<PlanReply>;
  seal(message: SealMessage): Promise<SealReply>;
  /** The first re-read verdict: `balanced` lets the payloads go. */
  verified(message: VerifiedMessage): Promise<void>;
  describe(): Promise<string>;
}

// ── Ledger ─────────────────────────────────────────────────────────────────────────────────────────────────

export interface LedgerRpc {
  /** Durably knows the edge from now on; its reports start at 1. Asking again is safe before the first report. */
  open(edge: EdgeId, retireAtMs: number): Promise<void>;
  report(report: Report): Promise<ReportReply>;
  account(type: EventType): Promise<BucketAccount>;
  /** What it counts in all; reads only. */
  totals(): Promise<LedgerTotals>;
  /** What was accepted of these streams, and by keys that have a quota; reads only. */
  use(types: readonly EventType[]): Promise<LedgerUse>;
}

// ── Undated home ───────────────────────────────────────────────────────────────────────────────────────────

export interface UndatedHomeRpc {
  claim(message: ClaimMessage): Promise<ClaimReply>;
  ownedBy(owner: HolderName, fingerprints: Uint8Array): Promise<OwnedAnswer>;
}

export interface LedgerAddress {
  readonly hour: Hour;
  readonly slot: number;
}
