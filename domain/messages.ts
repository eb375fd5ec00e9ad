/**
 * What objects say to each other: the messages, and the interface each object offers. Checked with zod where they come in;
 * results are typed values, and a throw means that the outcome is unknown.
 */
import * as z from "zod";
import type { EdgeAnswer, EdgeQuery } from "./append-audit.ts";
import type { AppendOutcome } from "./commit.ts";
import type { AppendRefusal, EnrolReply } from "./enrol.ts";
import { EpochMs, type Hour } from "./hour.ts";
import { AppendNo, EdgeId, type EventType, ShardIndex } from "./ids.ts";
import type { BucketAccount, Report, ReportReply } from "./ledger.ts";
import { Plan } from "./plan.ts";
import type { Receipt } from "./receipt.ts";
import type { SealStepName } from "./seal.ts";
import type { Tally } from "./tally.ts";
import { VerdictName } from "./verdict.ts";

// ── Shard ──────────────────────────────────────────────────────────────────────────────────────────────────

export const AppendMessage = z.object({
  protocol: z.number().int(),
  edge: EdgeId,
  no: AppendNo,
  plan: Plan,
  /** Packed rows, see packed-rows.ts. */
  rows: z.instanceof(Uint8Array),
});
export type AppendMessage = z.infer<typeof AppendMessage>;

/** Either every row was decided, or none was taken. */
export type AppendReply = AppendOutcome | AppendRefusal;

export const CloseMessage = z.object({ protocol: z.number().int(), nowMs: EpochMs });
export type CloseMessage = z.infer<typeof CloseMessage>;

export type CloseReply =
  | { readonly closed: true; readonly receipt: Receipt }
  | { readonly closed: false; readonly protocol: number };

export interface ShardRpc {
  append(message: AppendMessage): Promise<AppendReply>;
  close(message: CloseMessage): Promise<CloseReply>;
  /** The payload of the rows that the receipt carries. */
  tailPayload(): Promise<Uint8Array<ArrayBuffer>>;
  lookUpAppends(queries: EdgeQuery[]): Promise<EdgeAnswer[]>;
  /** True when no payload is left. */
  dropPayloads(nowMs: number): Promise<boolean>;
  describe(): Promise<string>;
}

// ── Bucket ─────────────────────────────────────────────────────────────────────────────────────────────────

export const EnrolMessage = z.object({ protocol: z.number().int(), index: ShardIndex, plan: Plan });
export type EnrolMessage = z.infer<typeof EnrolMessage>;

/** `plan`: what the stream's settings ask for, so that an hour in which nothing came can be sealed too. */
export const SealMessage = z.object({ nowMs: EpochMs, plan: Plan.nullable() });
export type SealMessage = z.infer<typeof SealMessage>;

/** What the catalog keeps of a sealed bucket. */
export interface SealedSummary {
  readonly sealedAtMs: EpochMs;
  readonly manifestSha256: string;
  readonly tally: Tally;
  readonly bytes: number;
}

export type SealReply =
  | { readonly state: "sealed"; readonly summary: SealedSummary }
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

export const VerifiedMessage = z.object({ nowMs: EpochMs, verdict: VerdictName });
export type VerifiedMessage = z.infer<typeof VerifiedMessage>;

export interface BucketRpc {
  enrol(message: EnrolMessage): Promise<EnrolReply>;
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
}

export interface LedgerAddress {
  readonly hour: Hour;
  readonly slot: number;
}
