/**
 * The form of the audit report, `GET /v1/audit/report`, and the source of `report.schema.json`. It is stable within a
 * `format`: fields are added, never renamed, dropped or given another meaning.
 */
import * as z from "zod";
import { lateListedMax, strainedListedMax } from "./limits.ts";
import { Fault, Finding, Hop } from "./verdict.ts";

const hour = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}$/);
const time = z.string().describe("RFC 3339, UTC.");
const count = z.number().int().min(0);
const ms = z.number().int().min(0);

const Lateness = z
  .object({
    buckets: count.describe("Buckets that are counted here: those that are or were due."),
    overTarget: count.describe(
      "Of them, sealed later than their stream's target, or not sealed and past it.",
    ),
    medianMs: ms,
    p95Ms: ms,
    worstMs: ms,
    worstType: z.string(),
    worstHour: hour,
  })
  .describe("From an hour's end to its seal, or to now if it is not sealed.");
export type Lateness = z.infer<typeof Lateness>;

const FaultyBucket = z.object({
  type: z.string(),
  hour,
  owner: z.string(),
  contact: z.string(),
  priority: z.string(),
  verdict: Fault.describe(
    "overdue: not sealed five minutes after it was due. unaudited: a counter could not be had, or nobody has audited it five minutes after its seal.",
  ),
  since: time.describe("Since when it is what it is."),
  why: z.string(),
  hop: Hop.nullable().describe("Where the worst finding's counters part; null: there is none."),
  dueAt: time,
  targetAt: time.describe("When it should have been sealed at the latest."),
  sealedAt: time.nullable(),
  latenessMs: ms.describe("From the hour's end to its seal, or to now."),
  overTargetMs: ms.describe("How much of that is past the target; 0: none."),
  verifiedAt: time.nullable(),
  rows: count.nullable(),
  bytes: count.nullable(),
  identitySum: z.string().nullable().describe("Fingerprints of its rows added modulo 2^64, hexadecimal."),
  manifestSha256: z.string().nullable(),
  failedAttempts: count.describe("To seal it."),
  lastStep: z.string().nullable().describe("The step of the seal that failed last."),
  lastError: z.string().nullable(),
  findings: z.array(Finding).describe("The worst ones first, with both tallies that should be equal."),
  findingCount: count.describe("How many there were, should not all have been kept."),
});
export type FaultyBucket = z.infer<typeof FaultyBucket>;

const LateBucket = z
  .object({
    type: z.string(),
    hour,
    owner: z.string(),
    sealedAt: time,
    latenessMs: ms.describe("From the hour's end to its seal."),
    overTargetMs: ms.describe("How much of that is past the target."),
    failedAttempts: count.describe("To seal it."),
    lastStep: z.string().nullable().describe("The step of the seal that failed last; null: none failed."),
    lastError: z.string().nullable(),
    why: z.string(),
  })
  .describe("A bucket that was sealed past its stream's target, and how its seal failed before.");
export type LateBucket = z.infer<typeof LateBucket>;

const StrainedStream = z
  .object({
    type: z.string(),
    owner: z.string(),
    hours: count.describe("Audited hours in which it was."),
    lastHour: hour,
    rows: count.describe("What the shards of these hours took, duplicates too."),
    spilledRows: count.describe("Of them, those that overflow shards took."),
    quarantinedEvents: count.describe("Events of these hours that were answered as quarantined."),
  })
  .describe(
    "A stream of which overflow shards took rows, or events are in quarantine. Nothing is lost, and it does not make the report not ok.",
  );
export type StrainedStream = z.infer<typeof StrainedStream>;

export const AuditReport = z
  .object({
    format: z.literal(1),
    generatedAt: time,
    ok: z
      .boolean()
      .describe(
        "True if no bucket of what was asked for is overdue, missing, surplus, corrupt or unaudited, nor any before the range, and the catalog has forgotten nothing.",
      ),
    from: hour.describe("The first hour that is looked at."),
    to: hour.describe("The first hour that is no longer looked at."),
    streams: count,
    totals: z
      .object({
        open: count,
        due: count,
        overdue: count,
        unverified: count.describe("Sealed, and not audited yet."),
        balanced: count,
        missing: count,
        surplus: count,
        corrupt: count,
        unaudited: count,
        expired: count.describe(
          "Past their stream's retention, and balanced before: only their manifests are left.",
        ),
      })
      .describe("Buckets by what they are."),
    rows: count.describe("In sealed buckets, those that have expired included."),
    bytes: count.describe("Of the parts that were sealed with them."),
    lateness: Lateness.nullable().describe("Null: nothing was due."),
    late: z
      .array(LateBucket)
      .describe(
        `Sealed past their target, the ${lateListedMax} latest ones, whatever became of them; it does not make the report not ok.`,
      ),
    notBalanced: z.array(FaultyBucket).describe("Oldest hour first, a page of them."),
    next: z.string().nullable().describe("For `after`, if the list goes on."),
    notTakenUp: z
      .array(
        z.object({
          type: z.string(),
          owner: z.string(),
          from: hour,
          buckets: count,
          overdue: count,
        }),
      )
      .describe("Streams with hours that are due and that the flusher has not looked at."),
    before: z
      .object({ buckets: count, oldest: hour.nullable() })
      .nullable()
      .describe("What is not balanced before the range, if no `from` was asked for."),
    strained: z
      .array(StrainedStream)
      .default([])
      .describe(`The ${strainedListedMax} that are so most, the ones with most such rows and events first.`),
    freezes: z
      .array(
        z.object({
          type: z.string().nullable().describe("Null: all streams."),
          since: time,
          author: z.string(),
          note: z.string(),
        }),
      )
      .default([])
      .describe("Of what nothing is deleted, because an operator has frozen it."),
    forgotten: z
      .object({
        configuration: z
          .boolean()
          .describe("True: edges go by streams and keys that are newer than those of the catalog."),
        verdicts: count.describe("That digests in R2 list, of hours that the catalog does not know."),
      })
      .default({ configuration: false, verdicts: 0 })
      .describe(
        "What the catalog has forgotten: it was lost, or set back to a copy. The report cannot be ok then, for it does not know of what it should tell; `npm run ops -- rebuild-catalog` puts it back from R2.",
      ),
  })
  .describe("Whether everything is there, and if not, what is not: the answer of GET /v1/audit/report.");
export type AuditReport = z.infer<typeof AuditReport>;

/** The JSON Schema of the report. It allows fields that it does not name: later ones. */
export function reportSchema(): object {
  return z.toJSONSchema(AuditReport, { io: "input" });
}
