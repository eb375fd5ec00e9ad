/**
 * The metrics, from what the catalog and the ledgers say. Their number is bounded: `metricsStreamsMax` streams have series
 * of their own, the most important ones and then by name; the others share one of each, without the label `type`.
 * docs/metrics.md lists them, with what they cannot say.
 */
import type { Backlog } from "../backlog.ts";
import type { Freeze } from "../freeze.ts";
import { QuotaKind, type SpentQuota } from "../quota.ts";
import type { EpochMs } from "../hour.ts";
import { EventCounts } from "../ledger.ts";
import { metricsStreamsMax } from "../limits.ts";
import type { Priority, StreamSettings } from "../stream.ts";
import { Fault } from "../verdict.ts";
import { targetLatenessOf } from "../view/stream.ts";
import { type FactName, factNames, latenessBounds } from "./bucket-facts.ts";
import type { Family, Sample } from "./exposition.ts";

/** Whether a source could be asked; what it would say is left out if not. */
export function sourceFamily(up: Readonly<Record<string, boolean>>): Family {
  return {
    name: "hourseal_source_up",
    type: "gauge",
    help: "1 if the source could be asked for this scrape. What rests on it is left out if not.",
    samples: Object.entries(up).map(([source, is]) => ({ labels: { source }, value: is ? 1 : 0 })),
  };
}

// ── Counters ───────────────────────────────────────────────────────────────────────────────────────────────

/** Events, from the ledgers: what is added durably, and the hours since. */
export function eventFamilies(counters: ReadonlyMap<string, number>): Family[] {
  // Each from the beginning: of a series that begins above zero nobody can tell how fast it grew.
  const outcomes = Object.keys(EventCounts.shape)
    .filter((outcome) => outcome !== "received")
    .map((outcome): Sample => ({
      suffix: "_total",
      labels: { outcome },
      value: counters.get(`events_${outcome}`) ?? 0,
    }));
  return [
    counter("hourseal_events_received", "Events that edges took in.", counters.get("events_received")),
    {
      name: "hourseal_events",
      type: "counter",
      help: "Events by what their clients were answered.",
      samples: outcomes.toSorted((a, b) =>
        (a.labels?.["outcome"] ?? "") < (b.labels?.["outcome"] ?? "") ? -1 : 1,
      ),
    },
  ];
}

const ledgerCounters: readonly (readonly [name: string, counter: string, help: string])[] = [
  [
    "hourseal_edge_lives",
    "edge_lives",
    "Lives of edges that opened an account with a ledger, of hours that are over.",
  ],
  [
    "hourseal_unresolved_appends",
    "unresolved_appends",
    "Appends that had no outcome a quarter of an hour after their hour; the audit looks them up in their shards.",
  ],
  [
    "hourseal_stray_outcomes",
    "stray_outcomes",
    "Outcomes of appends that nobody reported as sent; any is a fault.",
  ],
];

const alertCounters: typeof ledgerCounters = [
  ["hourseal_delivered_alerts", "alerts_delivered", "Messages of alerts that their receiver took."],
  [
    "hourseal_given_up_alerts",
    "alerts_given_up",
    "Messages of alerts that no receiver took in all attempts.",
  ],
];

const factHelp: Readonly<Record<FactName, readonly [name: string, help: string]>> = {
  buckets: ["hourseal_audited_buckets", "Buckets that were audited for the first time."],
  rows: ["hourseal_delivered_rows", "Rows in the manifests of audited buckets."],
  bytes: ["hourseal_delivered_bytes", "Bytes of the parts of audited buckets."],
  parts: ["hourseal_parts", "Parts of audited buckets."],
  strays: [
    "hourseal_stray_objects",
    "Objects that a crash left under the prefix of a bucket, as its manifest lists them.",
  ],
  duplicates: ["hourseal_duplicate_rows", "Rows that shards knew already; at least, see the manifest."],
  denied: [
    "hourseal_denied_rows",
    "Foreign rows whose claim was denied: duplicates across buckets or shards.",
  ],
  moved: ["hourseal_moved_rows", "Rows that moved to a later bucket because their home did not answer."],
  unguarded: ["hourseal_unguarded_rows", "Rows delivered although their home had forgotten its identities."],
  late: ["hourseal_late_rows", "Delivered rows whose own hour is another one, or not known."],
  carried: ["hourseal_carried_rows", "Rows that were carried by receipts into merged parts."],
  spilled: [
    "hourseal_spilled_rows",
    "Rows that overflow shards took: their own shard had no room or did not answer.",
  ],
};

/** What rests on the catalog's counters alone. */
export function countedFamilies(counters: ReadonlyMap<string, number>): Family[] {
  const cumulated: Sample[] = [];
  let count = 0;
  for (const bound of [...latenessBounds, "inf"] as const) {
    count += counters.get(`lateness_le_${bound}`) ?? 0;
    const le = bound === "inf" ? "+Inf" : bound.toFixed(1);
    cumulated.push({ suffix: "_bucket", labels: { le }, value: count });
  }
  return [
    ...[...ledgerCounters, ...alertCounters].map(([name, from, help]) =>
      counter(name, help, counters.get(from)),
    ),
    ...factNames.map((fact) => {
      const [name, help] = factHelp[fact];
      return counter(name, help, counters.get(`bucket_${fact}`));
    }),
    {
      name: "hourseal_seal_lateness_seconds",
      type: "histogram",
      help: "From an hour's end to its seal, of buckets that were audited for the first time.",
      samples: [
        ...cumulated,
        { suffix: "_count", value: count },
        { suffix: "_sum", value: (counters.get("lateness_sum_ms") ?? 0) / 1_000 },
      ],
    },
  ];
}

// ── Gauges ─────────────────────────────────────────────────────────────────────────────────────────────────

/** One stream, and how its buckets are. */
export interface StreamFigures {
  readonly type: string;
  readonly priority: Priority;
  readonly settings: Pick<StreamSettings, "owner" | "graceMs" | "targetLatenessMs">;
  /** Hours that the catalog has not taken up. */
  readonly backlog: Backlog;
  /** Buckets of any time that are not balanced: due for less than `overdueMs`, or a fault, or not audited yet. */
  readonly buckets: Readonly<Record<"due" | "unverified" | Fault, number>>;
  readonly failing: number;
  readonly oldestDueMs: EpochMs | null;
  readonly missingRows: number;
  readonly surplusRows: number;
  /** Of the last day; null: no bucket was due. */
  readonly day: {
    readonly balanced: number;
    readonly rows: number;
    readonly medianMs: number;
    readonly p95Ms: number;
    readonly worstMs: number;
  } | null;
}

const ranks: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 };

export function bucketFamilies(
  streams: readonly StreamFigures[],
  waiting: {
    readonly undigested: number;
    readonly untold: number;
    readonly freezes: readonly Pick<Freeze, "sinceMs">[];
    readonly spent: readonly Pick<SpentQuota, "kind" | "until">[];
  },
  now: EpochMs,
): Family[] {
  const total = (of: (stream: StreamFigures) => number): number =>
    streams.reduce((sum, one) => sum + of(one), 0);
  const states: Readonly<Record<string, number>> = {
    open: total(({ backlog }) => backlog.open),
    due: total(({ backlog, buckets }) => backlog.due + buckets.due),
    unverified: total(({ buckets }) => buckets.unverified),
    balanced: total(({ day }) => day?.balanced ?? 0),
    ...Object.fromEntries(Fault.options.map((fault) => [fault, total((stream) => faultsOf(stream, fault))])),
  };
  const oldest = Math.min(
    ...streams.flatMap(({ oldestDueMs }) => (oldestDueMs === null ? [] : [oldestDueMs])),
  );
  return [
    gauge("hourseal_streams", "Streams that are registered.", streams.length),
    {
      name: "hourseal_buckets",
      type: "gauge",
      help: "Buckets by what they are now; balanced ones of the last day, the others of any time.",
      samples: Object.entries(states).map(([state, value]) => ({ labels: { state }, value })),
    },
    gauge(
      "hourseal_failing_seals",
      "Buckets that are due and whose last attempt to seal failed.",
      total(({ failing }) => failing),
    ),
    gauge(
      "hourseal_oldest_due_seconds",
      "For how long the bucket that waits longest has been due; 0: none waits.",
      Number.isFinite(oldest) ? Math.max(0, (now - oldest) / 1_000) : 0,
    ),
    gauge(
      "hourseal_missing_rows",
      "Rows that the findings of all buckets call missing.",
      total(({ missingRows }) => missingRows),
    ),
    gauge(
      "hourseal_surplus_rows",
      "Rows that the findings of all buckets call surplus.",
      total(({ surplusRows }) => surplusRows),
    ),
    gauge("hourseal_undigested_verdicts", "Verdicts that wait for a digest.", waiting.undigested),
    gauge(
      "hourseal_waiting_alerts",
      "Messages of alerts that their receiver has not taken yet.",
      waiting.untold,
    ),
    gauge(
      "hourseal_freezes",
      "Freezes of deletions that hold, of one stream or of all.",
      waiting.freezes.length,
    ),
    gauge(
      "hourseal_oldest_freeze_seconds",
      "For how long the oldest of them has held; 0: nothing is frozen.",
      Math.max(0, ...waiting.freezes.map(({ sinceMs }) => (now - sinceMs) / 1_000)),
    ),
    {
      name: "hourseal_used_up_quotas",
      type: "gauge",
      help: "Quotas that are used up now, of streams and of keys.",
      samples: QuotaKind.options.map((kind) => ({
        labels: { kind },
        value: waiting.spent.filter((one) => one.kind === kind && now < one.until).length,
      })),
    },
    ...streamFamilies(streams, now),
  ];
}

function faultsOf({ backlog, buckets }: StreamFigures, fault: Fault): number {
  return buckets[fault] + (fault === "overdue" ? backlog.overdue : 0);
}

/** A stream's own series, or what those past the bound share: the worst of them, and their sums. */
function streamFamilies(streams: readonly StreamFigures[], now: EpochMs): Family[] {
  const ranked = streams.toSorted(
    (a, b) => ranks[a.priority] - ranks[b.priority] || (a.type < b.type ? -1 : 1),
  );
  const own = ranked.slice(0, metricsStreamsMax).map((stream) => ({
    labels: { type: stream.type, owner: stream.settings.owner },
    of: [stream],
  }));
  const rest = ranked.slice(metricsStreamsMax);
  const groups = rest.length === 0 ? own : [...own, { labels: {}, of: rest }];
  const family = (
    name: string,
    help: string,
    value: (of: readonly StreamFigures[]) => number | null,
  ): Family => ({
    name,
    type: "gauge",
    help,
    samples: groups.flatMap(({ labels, of }) => {
      const found = value(of);
      return found === null ? [] : [{ labels, value: found }];
    }),
  });
  const worst =
    (from: (day: NonNullable<StreamFigures["day"]>) => number) =>
    (of: readonly StreamFigures[]): number | null => {
      const known = of.flatMap(({ day }) => (day === null ? [] : [from(day)]));
      return known.length === 0 ? null : Math.max(...known) / 1_000;
    };
  const sum =
    (from: (stream: StreamFigures) => number) =>
    (of: readonly StreamFigures[]): number =>
      of.reduce((total, stream) => total + from(stream), 0);
  return [
    family(
      "hourseal_stream_lateness_worst_seconds",
      "The latest of the stream's buckets of the last day, from its hour's end to its seal, or to now if it is not sealed.",
      worst(({ worstMs }) => worstMs),
    ),
    family(
      "hourseal_stream_lateness_p95_seconds",
      "The same, of 95 in 100 of them.",
      worst(({ p95Ms }) => p95Ms),
    ),
    family(
      "hourseal_stream_lateness_median_seconds",
      "The same, of half of them.",
      worst(({ medianMs }) => medianMs),
    ),
    family(
      "hourseal_stream_lateness_target_seconds",
      "What the stream aims at.",
      (of) => Math.min(...of.map(({ settings }) => targetLatenessOf(settings))) / 1_000,
    ),
    family(
      "hourseal_stream_due_seconds",
      "For how long its bucket that waits longest has been due; 0: none waits.",
      (of) =>
        Math.max(0, ...of.map(({ oldestDueMs }) => (oldestDueMs === null ? 0 : (now - oldestDueMs) / 1_000))),
    ),
    family(
      "hourseal_stream_overdue_buckets",
      "Its buckets that are overdue.",
      sum((stream) => faultsOf(stream, "overdue")),
    ),
    family(
      "hourseal_stream_faulty_buckets",
      "Its buckets that are missing, surplus, corrupt or unaudited.",
      sum(({ buckets }) => buckets.missing + buckets.surplus + buckets.corrupt + buckets.unaudited),
    ),
    family(
      "hourseal_stream_rows",
      "Rows of its sealed buckets of the last day.",
      sum(({ day }) => day?.rows ?? 0),
    ),
  ];
}

function counter(name: string, help: string, value: number | undefined): Family {
  return { name, type: "counter", help, samples: [{ suffix: "_total", value: value ?? 0 }] };
}

function gauge(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, samples: [{ value }] };
}
