/**
 * `/v1/audit/report`: whether everything is there, and if not, what is not. What its fields mean is in `domain/report.ts`
 * and `report.schema.json`.
 *
 * Open, due and overdue are told from the clock. `?type=`, `?owner=`, `?from=` and `?to=` (exclusive) narrow all of it;
 * `?verdict=`, one or more with commas, narrows what is listed and what `ok` is about. Without `from` it looks at
 * `reportHoursMax` hours, and counts what is not balanced before them.
 */
import * as z from "zod";
import { type Backlog, backlogOf } from "../../../domain/backlog.ts";
import {
  type EpochMs,
  type Hour,
  HourText,
  endOf,
  epochMs,
  hourNumber,
  hourOf,
  isoOf,
  plusHours,
} from "../../../domain/hour.ts";
import { bucketName } from "../../../domain/ids.ts";
import {
  lateListedMax,
  overdueMs,
  ownerCharsMax,
  pageRowsMax,
  reportHoursMax,
  strainedListedMax,
} from "../../../domain/limits.ts";
import { type RequestRefusal, type Result, no, ok } from "../../../domain/refusal.ts";
import type { AuditReport, FaultyBucket, LateBucket } from "../../../domain/report.ts";
import { type Stream, TypeName } from "../../../domain/stream.ts";
import { Fault } from "../../../domain/verdict.ts";
import { sealLatenessMs, targetLatenessOf } from "../../../domain/view/stream.ts";
import { type CatalogBucket, countUnsettled, listUnsettled } from "../../../platform/catalog/buckets.ts";
import { readForgotten } from "../../../platform/catalog/digests.ts";
import { listFreezes } from "../../../platform/catalog/freezes.ts";
import { listStreams } from "../../../platform/catalog/streams.ts";
import {
  type BucketTotal,
  type LateBucketRow,
  bucketTotals,
  lateBuckets,
  latenessOf,
  strainedStreams,
} from "../../../platform/catalog/totals.ts";
import { edgeSnapshots } from "../../../platform/snapshot.ts";
import { After, Limit } from "./buckets.ts";
import { type OpsCall, type OpsReply, checkedQuery, json } from "./http.ts";
import { lastFailure } from "./no-manifest.ts";
import { freezeJson } from "./repair/freeze.ts";

const ReportQuery = z.strictObject({
  type: TypeName.optional(),
  owner: z.string().max(ownerCharsMax).optional(),
  from: HourText.optional(),
  to: HourText.optional(),
  verdict: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(Fault).min(1))
    .optional(),
  after: After.optional(),
  limit: Limit.default(pageRowsMax),
});

export async function reportRoute({ env, now, query }: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(ReportQuery, query);
  if (!wanted.ok) return wanted;
  const { CATALOG } = env;
  const { after = null, limit, verdict: faults, type, owner } = wanted.value;
  const range = rangeOf(wanted.value, now);
  if (!range.ok) return range;
  const filter = { type, owner, ...range.value };
  const lateFrom = epochMs(now - overdueMs);
  const late = { dueBefore: lateFrom, sealedBefore: lateFrom };
  // Before the catalog, which is never behind what was published.
  const published = await publishedVersion(env, now);
  const earlier = wanted.value.from === undefined ? { type, owner, to: filter.from } : null;
  const [streams, totals, lateness, latest, unsettled, before, strained, freezes, known] = await Promise.all([
    listStreams(CATALOG),
    bucketTotals(CATALOG, lateFrom, filter),
    latenessOf(CATALOG, now, filter),
    lateBuckets(CATALOG, filter, lateListedMax),
    listUnsettled(CATALOG, late, { ...filter, faults }, after, limit),
    earlier === null ? null : countUnsettled(CATALOG, { ...earlier, faults }),
    strainedStreams(CATALOG, filter, strainedListedMax),
    listFreezes(CATALOG),
    readForgotten(CATALOG),
  ]);
  const forgotten = { configuration: published > known.version, verdicts: known.forgotten };
  const shown = streams.filter(
    ({ stream }) =>
      (type === undefined || stream.type === type) && (owner === undefined || stream.owner === owner),
  );
  const backlogsIn = (within: Parameters<typeof backlogOf>[1]) =>
    shown.map(({ stream, nextHour, end }) => ({
      type: stream.type,
      owner: stream.owner,
      ...backlogOf({ nextHour, graceMs: stream.graceMs, end }, within, now),
    }));
  const wantsOverdue = faults === undefined || faults.includes("overdue");
  const backlogs = backlogsIn(filter);
  const counts = countsOf(totals, backlogs);
  const stale = sum(
    totals.filter(({ state, late: isLate }) => state === "sealed" && isLate),
    ({ buckets }) => buckets,
  );
  const faulty = (faults ?? Fault.options).map(
    (fault) => counts[fault] + (fault === "unaudited" ? stale : 0),
  );
  const untold = before === null ? null : beforeOf(before, wantsOverdue ? backlogsIn(earlier ?? {}) : []);
  const ofStreams = new Map(streams.map(({ stream }) => [stream.type, stream]));
  const report: AuditReport = {
    format: 1,
    generatedAt: isoOf(now),
    ok:
      faulty.every((buckets) => buckets === 0) &&
      (untold === null || untold.buckets === 0) &&
      !forgotten.configuration &&
      forgotten.verdicts === 0,
    from: filter.from,
    to: filter.to,
    streams: shown.length,
    totals: counts,
    rows: sum(totals, ({ rows }) => rows),
    bytes: sum(totals, ({ bytes }) => bytes),
    lateness,
    late: latest.map((bucket) => lateBucket(bucket, ofStreams.get(bucket.address.type))),
    notBalanced: unsettled.items.map((bucket) =>
      faultyBucket(bucket, ofStreams.get(bucket.address.type), now),
    ),
    next: unsettled.next === null ? null : bucketName(unsettled.next),
    notTakenUp: (wantsOverdue ? backlogs : []).flatMap(({ oldest, due, overdue, ...of }) =>
      oldest === null
        ? []
        : [{ type: of.type, owner: of.owner, from: oldest, buckets: due + overdue, overdue }],
    ),
    before: untold,
    strained: strained.map((row) => ({ ...row, owner: ofStreams.get(row.type)?.owner ?? "" })),
    freezes: freezes
      .filter((freeze) => freeze.type === null || shown.some(({ stream }) => stream.type === freeze.type))
      .map(freezeJson),
    forgotten,
  };
  return ok(json(report));
}

/** The version that edges go by; 0 while it cannot be read: then nothing is said of it. */
async function publishedVersion(env: OpsCall["env"], now: EpochMs): Promise<number> {
  try {
    return (await edgeSnapshots.current(env, now)).version;
  } catch {
    return 0;
  }
}

/** The hours that are looked at, or how many there may be. */
function rangeOf(
  asked: { readonly from?: Hour | undefined; readonly to?: Hour | undefined },
  now: EpochMs,
): Result<{ readonly from: Hour; readonly to: Hour }, RequestRefusal> {
  const to = asked.to ?? plusHours(hourOf(now), 1);
  const from = asked.from ?? plusHours(to, -reportHoursMax);
  const hours = hourNumber(to) - hourNumber(from);
  if (hours <= reportHoursMax) return ok({ from, to });
  const detail = `A report looks at ${reportHoursMax} hours at most, and from ${from} to ${to} are ${hours}; ask for them in pieces.`;
  return no({ code: "too_much", what: "hours", limit: reportHoursMax, detail });
}

function countsOf(totals: readonly BucketTotal[], backlogs: readonly Backlog[]): AuditReport["totals"] {
  const of = (matches: (total: BucketTotal) => boolean): number =>
    sum(totals.filter(matches), ({ buckets }) => buckets);
  const verdict = (name: string): number => of((total) => total.verdict === name);
  return {
    open: sum(backlogs, ({ open }) => open),
    due: sum(backlogs, ({ due }) => due) + of(({ state, late }) => state === "due" && !late),
    overdue: sum(backlogs, ({ overdue }) => overdue) + of(({ state, late }) => state === "due" && late),
    unverified: of((total) => total.state === "sealed" && total.verdict === null),
    balanced: verdict("balanced"),
    missing: verdict("missing"),
    surplus: verdict("surplus"),
    corrupt: verdict("corrupt"),
    unaudited: verdict("unaudited"),
    expired: verdict("expired"),
  };
}

/** What the catalog has before the range, and what it has not even taken up. */
function beforeOf(
  known: { readonly buckets: number; readonly oldest: Hour | null },
  backlogs: readonly Backlog[],
): NonNullable<AuditReport["before"]> {
  const oldest = [known.oldest, ...backlogs.map((backlog) => backlog.oldest)].filter((hour) => hour !== null);
  return {
    buckets: known.buckets + sum(backlogs, ({ due, overdue }) => due + overdue),
    oldest: oldest.toSorted()[0] ?? null,
  };
}

function faultyBucket(bucket: CatalogBucket, stream: Stream | undefined, now: EpochMs): FaultyBucket {
  const { address, seal } = bucket;
  const latenessMs = sealLatenessMs(address.hour, seal?.sealedAtMs ?? now);
  const targetMs =
    stream === undefined ? bucket.dueAtMs + overdueMs - endOf(address.hour) : targetLatenessOf(stream);
  return {
    type: address.type,
    hour: address.hour,
    owner: stream?.owner ?? "",
    contact: stream?.contact ?? "",
    priority: stream?.priority ?? "normal",
    ...faultOf(bucket),
    hop: bucket.findings[0]?.hop ?? null,
    dueAt: isoOf(bucket.dueAtMs),
    targetAt: isoOf(epochMs(endOf(address.hour) + targetMs)),
    sealedAt: seal === null ? null : isoOf(seal.sealedAtMs),
    latenessMs,
    overTargetMs: Math.max(0, latenessMs - targetMs),
    verifiedAt: bucket.verifiedAtMs === null ? null : isoOf(bucket.verifiedAtMs),
    rows: seal?.rows ?? null,
    bytes: seal?.bytes ?? null,
    identitySum: seal?.identitySum ?? null,
    manifestSha256: seal?.manifestSha256 ?? null,
    failedAttempts: bucket.attempts,
    lastStep: bucket.lastStep,
    lastError: bucket.lastError,
    findings: [...bucket.findings],
    findingCount: bucket.findingCount,
  };
}

function lateBucket(bucket: LateBucketRow, stream: Stream | undefined): LateBucket {
  const { address, sealedAtMs, latenessMs, overTargetMs, attempts, lastStep, lastError } = bucket;
  return {
    ...address,
    owner: stream?.owner ?? "",
    sealedAt: isoOf(sealedAtMs),
    latenessMs,
    overTargetMs,
    failedAttempts: attempts,
    lastStep,
    lastError,
    why:
      lastStep === null ? "nothing failed: nobody came to seal it, or it took as long" : lastFailure(bucket),
  };
}

function faultOf(bucket: CatalogBucket): Pick<FaultyBucket, "verdict" | "since" | "why"> {
  if (bucket.seal === null) {
    return { verdict: "overdue", since: isoOf(bucket.dueAtMs), why: lastFailure(bucket) };
  }
  return {
    verdict: Fault.safeParse(bucket.verdict).data ?? "unaudited",
    since: isoOf(bucket.firstFaultAtMs ?? bucket.seal.sealedAtMs),
    why: bucket.findings[0]?.detail ?? "no auditor has looked at it yet",
  };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
