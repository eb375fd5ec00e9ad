/**
 * `/metrics`: what is counted, in OpenMetrics. Everything comes from what is durable, so that it does not matter which
 * isolate answers; what only an isolate knows is in no metric. A source that is away is named, and its metrics left out.
 */
import { backlogOf } from "../../../domain/backlog.ts";
import { type EpochMs, epochMs, hourOf, plusHours } from "../../../domain/hour.ts";
import type { EventType } from "../../../domain/ids.ts";
import { metricsHours, overdueMs } from "../../../domain/limits.ts";
import { dueAt } from "../../../domain/plan.ts";
import { exposition, openMetricsType } from "../../../domain/metrics/exposition.ts";
import {
  type StreamFigures,
  bucketFamilies,
  countedFamilies,
  eventFamilies,
  sourceFamily,
} from "../../../domain/metrics/families.ts";
import { liveCountersOf, liveHours } from "../../../domain/metrics/ledger-counters.ts";
import { ok } from "../../../domain/refusal.ts";
import type { Fault } from "../../../domain/verdict.ts";
import { readCounters } from "../../../platform/catalog/counters.ts";
import { listFreezes } from "../../../platform/catalog/freezes.ts";
import { readQuotas } from "../../../platform/catalog/quotas.ts";
import {
  type BucketFigures,
  type UnsettledOfStream,
  bucketFigures,
} from "../../../platform/catalog/metrics.ts";
import { type CatalogStream, listStreams } from "../../../platform/catalog/streams.ts";
import { hear } from "../audit/hear.ts";
import { totalsOfHour } from "../metrics/fold-ledgers.ts";
import type { OpsCall, OpsEnv, OpsReply } from "./http.ts";

export async function metricsRoute({ env, now }: OpsCall): Promise<OpsReply> {
  const catalog = await hear(readCatalog(env, now));
  const events = catalog.heard
    ? await hear(withLiveHours(env, catalog.value.counters, catalog.value.through, now))
    : catalog;
  const families = [
    sourceFamily({ catalog: catalog.heard, ledger: events.heard }),
    ...(events.heard ? eventFamilies(events.value) : []),
    ...(catalog.heard
      ? [
          ...countedFamilies(catalog.value.counters),
          ...bucketFamilies(catalog.value.streams, catalog.value, now),
        ]
      : []),
  ];
  const headers = { "content-type": openMetricsType, "cache-control": "no-store" };
  return ok(new Response(exposition(families), { headers }));
}

async function readCatalog(env: OpsEnv, now: EpochMs) {
  const since = plusHours(hourOf(now), -metricsHours);
  const [{ counters, through }, figures, streams, freezes, { spent }] = await Promise.all([
    readCounters(env.CATALOG),
    bucketFigures(env.CATALOG, since, epochMs(now - overdueMs), now),
    listStreams(env.CATALOG),
    listFreezes(env.CATALOG),
    readQuotas(env.CATALOG),
  ]);
  return {
    counters,
    through,
    undigested: figures.undigested,
    untold: figures.untold,
    freezes,
    spent,
    streams: figuresOf(streams, figures, now),
  };
}

/** The counters of events with the hours that are not added to them yet. */
async function withLiveHours(
  env: OpsEnv,
  counters: ReadonlyMap<string, number>,
  through: Parameters<typeof liveHours>[0],
  now: EpochMs,
): Promise<ReadonlyMap<string, number>> {
  const sums = new Map(counters);
  for (const hour of liveHours(through, now)) {
    for (const [name, count] of Object.entries(liveCountersOf(await totalsOfHour(env.EDGE_LEDGER, hour))))
      sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return sums;
}

function figuresOf(
  streams: readonly CatalogStream[],
  { unsettled, days }: BucketFigures,
  now: EpochMs,
): StreamFigures[] {
  const rows = Map.groupBy(unsettled, ({ type }) => type);
  const daysOf = new Map(days.map((day) => [day.type, day]));
  return streams.map(({ stream, nextHour, end }): StreamFigures => {
    const backlog = backlogOf({ nextHour, graceMs: stream.graceMs, end }, {}, now);
    const own = rows.get(stream.type) ?? [];
    const due = own.flatMap(({ state, oldest_due_ms }) => (state === "due" ? [oldest_due_ms] : []));
    if (backlog.oldest !== null) due.push(dueAt(backlog.oldest, stream.graceMs));
    return {
      type: stream.type,
      priority: stream.priority,
      settings: stream,
      backlog,
      buckets: countsOf(own),
      failing: sum(own, ({ failing }) => failing),
      oldestDueMs: due.length === 0 ? null : epochMs(Math.min(...due)),
      missingRows: sum(own, ({ missing_rows }) => missing_rows),
      surplusRows: sum(own, ({ surplus_rows }) => surplus_rows),
      day: dayOf(daysOf, stream.type),
    };
  });
}

function countsOf(rows: readonly UnsettledOfStream[]): StreamFigures["buckets"] {
  const of = (matches: (row: UnsettledOfStream) => boolean): number =>
    sum(rows.filter(matches), ({ buckets }) => buckets);
  const verdict = (name: Fault): number => of((row) => row.verdict === name);
  return {
    due: of(({ state, overdue }) => state === "due" && !overdue),
    overdue: of(({ state, overdue }) => state === "due" && overdue),
    unverified: of((row) => row.state === "sealed" && row.verdict === null),
    missing: verdict("missing"),
    surplus: verdict("surplus"),
    corrupt: verdict("corrupt"),
    unaudited: verdict("unaudited"),
  };
}

function dayOf(
  days: ReadonlyMap<EventType, BucketFigures["days"][number]>,
  type: EventType,
): StreamFigures["day"] {
  const day = days.get(type);
  if (day === undefined) return null;
  const { balanced, rows, median_ms: medianMs, p95_ms: p95Ms, worst_ms: worstMs } = day;
  return { balanced, rows, medianMs, p95Ms, worstMs };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
