/** Verdicts and findings: what the auditor says of a bucket, and at which hop. */
import * as z from "zod";
import { Tally } from "./tally.ts";

/** Where two counters that must be equal were compared. */
export const Hop = z.enum([
  "edge", // received = accepted + duplicate + quarantined + refused + failed
  "edge_to_shard", // what edges were acknowledged = what the shard accepted
  "enrolment", // every shard the ledger names is one the manifest names
  "homes", // what homes granted a holder = what they recorded for it: an identity has one owner
  "denials", // every denied identity is known to the home that denied it
  "moves", // rows reassigned out = rows reassigned in, for every pair of buckets
  "shard", // accepted + reassigned in = delivered + denied + reassigned out
  "parts", // delivered = sum of the parts in the manifest
  "manifest", // the manifest object is there, parses, and is the one that the bucket froze
  "listing", // objects under the prefix = objects in the manifest
  "reread", // rows, sums and digests recomputed from R2 = what the manifest says
]);
export type Hop = z.infer<typeof Hop>;

export const FindingKind = z.enum(["missing", "surplus", "corrupt", "unaudited"]);
export type FindingKind = z.infer<typeof FindingKind>;

/** One equation that does not hold. */
export const Finding = z.object({
  kind: FindingKind,
  hop: Hop,
  /** The object, shard or edge at fault: an R2 key, `shard 3`, `edge 0123…`. */
  where: z.string(),
  /** How many rows are missing or surplus; 0 where it cannot be said in rows. */
  rows: z.number().int().min(0),
  expected: Tally.nullable(),
  found: Tally.nullable(),
  detail: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** `open`, `due` and `overdue` are told from the clock; the others from counters. */
export const VerdictName = z.enum([
  "open",
  "due",
  "overdue",
  "balanced",
  "missing",
  "surplus",
  "corrupt",
  "unaudited",
  "expired", // was balanced, and its retention is over: only its manifest is left
]);
export type VerdictName = z.infer<typeof VerdictName>;

/** What somebody has to look at; the report names every bucket that is one of these. */
export const Fault = VerdictName.exclude(["open", "due", "balanced", "expired"]);
export type Fault = z.infer<typeof Fault>;

/** From worst to mildest: the verdict of a bucket is its worst finding's kind. */
const severity: readonly FindingKind[] = ["corrupt", "missing", "surplus", "unaudited"];

/** The verdict that these findings amount to; no finding at all is `balanced`. */
export function verdictOf(
  findings: readonly Finding[],
): Exclude<VerdictName, "open" | "due" | "overdue" | "expired"> {
  return severity.find((kind) => findings.some((finding) => finding.kind === kind)) ?? "balanced";
}
