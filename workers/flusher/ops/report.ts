/**
 * `/v1/audit/report`: whether everything is there, and if not, what is not. Its JSON is stable: fields are added, never
 * renamed or dropped.
 *
 *     generatedAt
 *     streams              how many are registered
 *     totals               buckets by what they are: open, due, overdue, unverified (sealed and not audited yet),
 *                          balanced, missing, surplus, corrupt, unaudited
 *     rows, bytes          of sealed buckets
 *     notBalanced[]        every bucket that is overdue, faulty, or long sealed and not audited; oldest hour first:
 *                          type, hour, verdict, since, why (a sentence), dueAt, sealedAt, verifiedAt, rows,
 *                          findings[] (kind, hop, where, rows, expected, found, detail), findingCount
 *     notTakenUp[]         streams with due hours that the flusher has not looked at: type, from, buckets
 *     next                 for `?after=`, if `notBalanced` goes on
 *
 * Open, due and overdue are told from the clock. `?type=`, `?from=` and `?to=` (exclusive) narrow all of it.
 */
import * as z from "zod";
import { type Backlog, backlogOf } from "../../../domain/backlog.ts";
import { type EpochMs, HourText, epochMs, isoOf } from "../../../domain/hour.ts";
import { bucketName } from "../../../domain/ids.ts";
import { overdueMs, pageRowsMax } from "../../../domain/limits.ts";
import { ok } from "../../../domain/refusal.ts";
import { TypeName } from "../../../domain/stream.ts";
import { type CatalogBucket, listUnsettled } from "../../../platform/catalog/buckets.ts";
import { listStreams } from "../../../platform/catalog/streams.ts";
import { type BucketTotal, bucketTotals } from "../../../platform/catalog/totals.ts";
import { After, Limit } from "./buckets.ts";
import { type OpsCall, type OpsReply, checkedQuery, json } from "./http.ts";
import { lastFailure } from "./no-manifest.ts";

const ReportQuery = z.strictObject({
  type: TypeName.optional(),
  from: HourText.optional(),
  to: HourText.optional(),
  after: After.optional(),
  limit: Limit.default(pageRowsMax),
});

export async function reportRoute({ env: { CATALOG }, now, query }: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(ReportQuery, query);
  if (!wanted.ok) return wanted;
  const { after = null, limit, ...filter } = wanted.value;
  const lateFrom = epochMs(now - overdueMs);
  const late = { dueBefore: lateFrom, sealedBefore: lateFrom };
  const [streams, totals, unsettled] = await Promise.all([
    listStreams(CATALOG),
    bucketTotals(CATALOG, lateFrom, filter),
    listUnsettled(CATALOG, late, filter, after, limit),
  ]);
  const shown = streams.filter(({ stream }) => filter.type === undefined || stream.type === filter.type);
  const backlogs = shown.map(({ stream, nextHour }) => ({
    type: stream.type,
    ...backlogOf({ nextHour, graceMs: stream.graceMs }, filter, now),
  }));
  return ok(
    json({
      generatedAt: isoOf(now),
      streams: shown.length,
      totals: countsOf(totals, backlogs),
      rows: sum(totals, ({ rows }) => rows),
      bytes: sum(totals, ({ bytes }) => bytes),
      notBalanced: unsettled.items.map(faultJson),
      notTakenUp: backlogs
        .filter(({ oldest }) => oldest !== null)
        .map(({ type, oldest, due, overdue }) => ({ type, from: oldest, buckets: due + overdue })),
      next: unsettled.next === null ? null : bucketName(unsettled.next),
    }),
  );
}

function countsOf(totals: readonly BucketTotal[], backlogs: readonly Backlog[]): object {
  const of = (matches: (total: BucketTotal) => boolean): number =>
    sum(totals.filter(matches), ({ buckets }) => buckets);
  const verdict = (name: string): number => of((total) => total.verdict === name);
  return {
    open: sum(backlogs, ({ open }) => open),
    due: sum(backlogs, ({ due }) => due) + of(({ state, overdue }) => state === "due" && !overdue),
    overdue: sum(backlogs, ({ overdue }) => overdue) + of(({ overdue }) => overdue),
    unverified: of((total) => total.state === "sealed" && total.verdict === null),
    balanced: verdict("balanced"),
    missing: verdict("missing"),
    surplus: verdict("surplus"),
    corrupt: verdict("corrupt"),
    unaudited: verdict("unaudited"),
  };
}

function faultJson(bucket: CatalogBucket): object {
  const { address, seal } = bucket;
  return {
    type: address.type,
    hour: address.hour,
    ...faultOf(bucket),
    dueAt: isoOf(bucket.dueAtMs),
    sealedAt: seal === null ? null : isoOf(seal.sealedAtMs),
    verifiedAt: bucket.verifiedAtMs === null ? null : isoOf(bucket.verifiedAtMs),
    rows: seal?.rows ?? null,
    findings: bucket.findings,
    findingCount: bucket.findingCount,
  };
}

function faultOf(bucket: CatalogBucket): {
  readonly verdict: string;
  readonly since: string;
  readonly why: string;
} {
  if (bucket.seal === null) {
    return { verdict: "overdue", since: isoOf(bucket.dueAtMs), why: lastFailure(bucket) };
  }
  const since: EpochMs = bucket.firstFaultAtMs ?? bucket.seal.sealedAtMs;
  return {
    verdict: bucket.verdict ?? "unaudited",
    since: isoOf(since),
    why: bucket.findings[0]?.detail ?? "no auditor has looked at it yet",
  };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
