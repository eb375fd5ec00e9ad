/**
 * What a load needs of everything that has a limit, from what one machine measured. Arithmetic and nothing else: no
 * queueing, no latency, no regions. The busiest hour decides what must fit, the mean day what it costs.
 */
import {
  bucketsPerRunMax,
  graceMsDefault,
  identitiesPerShardMax,
  ledgersPerHour,
  partBytesTarget,
  partPlainBytesMax,
  retireAfterWindowMs,
  shardsMax,
  storedBytesPerMillion,
  streamsMax,
  windowMsDefault,
} from "../../domain/limits.ts";
import { type Load, streamRates } from "./load.ts";
import type { measured as allMeasured } from "./measured.ts";
import { platform } from "./platform.ts";

export type Measured = Readonly<Record<keyof typeof allMeasured, number>>;

/** A limit, and at what share of the load it is met: under 1, the load does not fit. */
export interface Bound {
  readonly what: string;
  readonly needed: number;
  readonly available: number;
  readonly unit: string;
  /** What to do when it is met. */
  readonly remedy: string;
}

export interface Needs {
  readonly requestsPerSecond: number;
  readonly appendsPerSecond: number;
  /** Appends that share a commit of a shard: those that come while one is made. */
  readonly appendsPerCommit: number;
  readonly shards: number;
  /** Shards an hour that each of the busiest streams needs; more than `shardsMax` means several streams. */
  readonly shardsOfLargest: readonly number[];
  readonly partsPerDay: number;
  readonly bucketsPerDay: number;
  readonly bytesPerDay: number;
  readonly sealedBytesPerDay: number;
  readonly sealedBytesKept: number;
  /** In objects: payloads until their bucket is balanced, identities until the window has passed. */
  readonly payloadBytesHeld: number;
  readonly identityBytesHeld: number;
  readonly flushThreads: number;
  readonly auditThreads: number;
  readonly bounds: readonly Bound[];
}

const daySeconds = 86_400;
const hourSeconds = 3_600;
const dayMs = 86_400_000;

export function needsOf(load: Load, measured: Measured): Needs {
  const rates = streamRates(load);
  const shardsOf = rates.map((rate) => shardsFor(rate, measured));
  const largest = rates[0] ?? 0;
  const requestsPerSecond = load.eventsPerSecond / load.eventsPerRequest;
  const bytesPerSecond = load.eventsPerSecond * load.bytesPerEvent;
  const bytesPerDay = bytesPerSecond * daySeconds;
  const sealedBytesPerDay = bytesPerDay / measured.gzipRatio;
  const millionsPerDay = (load.eventsPerSecond * daySeconds) / 1e6;
  const kept = windowMsDefault + retireAfterWindowMs;
  const shards = shardsOf.reduce((sum, count) => sum + count, 0);
  const appendsPerSecond = requestsPerSecond * load.streamsPerRequest;
  return {
    requestsPerSecond,
    appendsPerSecond,
    appendsPerCommit: Math.max(1, (appendsPerSecond / shards) * measured.commitSeconds),
    shards,
    shardsOfLargest: shardsOf.slice(0, 5),
    partsPerDay: partsPerDay(load, rates, measured),
    bucketsPerDay: load.streams * 24,
    bytesPerDay,
    sealedBytesPerDay,
    sealedBytesKept: sealedBytesPerDay * load.daysKept,
    // An hour, its grace, and as long again until it is audited.
    payloadBytesHeld: bytesPerSecond * load.peak * (hourSeconds + (2 * graceMsDefault) / 1_000),
    identityBytesHeld: (storedBytesPerMillion.batched * millionsPerDay * kept) / dayMs,
    flushThreads: (bytesPerSecond * load.peak) / measured.flushBytesPerSecond,
    auditThreads: bytesPerSecond / measured.auditBytesPerSecond,
    bounds: boundsOf(load, measured, largest).sort((a, b) => a.available / a.needed - b.available / b.needed),
  };
}

/** As many as hold the hour's identities and take its rate, whichever are more. */
function shardsFor(rate: number, { shardEventsPerSecond }: Measured): number {
  return Math.ceil(Math.max(rate / shardEventsPerSecond, (rate * hourSeconds) / identitiesPerShardMax));
}

/** Bytes before compression of a part that is full. */
function fullPartBytes({ gzipRatio }: Measured): number {
  return Math.min(partBytesTarget * gzipRatio, partPlainBytesMax);
}

/** Full parts, and one merged one for each hour of each stream. */
function partsPerDay({ bytesPerEvent, peak }: Load, rates: readonly number[], measured: Measured): number {
  const ofHour = (rate: number): number =>
    Math.ceil((rate * hourSeconds * bytesPerEvent) / fullPartBytes(measured)) + 1;
  return 24 * rates.reduce((sum, rate) => sum + ofHour(rate / peak), 0);
}

function boundsOf(load: Load, measured: Measured, largest: number): Bound[] {
  const { eventsPerRequest, streamsPerRequest, bytesPerEvent, isolates, eventsPerSecond, peak } = load;
  const peakRequests = (eventsPerSecond * peak) / eventsPerRequest;
  const reports = Math.min(peakRequests, isolates * measured.reportsPerSecondOfIsolate);
  const shard = Math.min(measured.shardEventsPerSecond, identitiesPerShardMax / hourSeconds);
  const eventsPerAppend = eventsPerRequest / streamsPerRequest;
  const object = platform.objectRequestsPerSecond.value;
  const partsOfLargest = (largest * hourSeconds * bytesPerEvent) / fullPartBytes(measured);
  return [
    {
      what: "reports to the ledgers of an hour",
      needed: reports,
      available: ledgersPerHour * object,
      unit: "calls/s",
      remedy: "raise `ledgersPerHour`: more ledgers are safe at any time, fewer are not while hours are open",
    },
    {
      what: "identities and rate of the busiest stream",
      needed: largest,
      available: shardsMax * shard,
      unit: "events/s",
      remedy: "split the stream by a suffix of its type, each part with its own shards and hours",
    },
    {
      what: "calls of one shard of the busiest stream",
      needed: shard / eventsPerAppend,
      available: object,
      unit: "calls/s",
      remedy: "more shards, or larger requests",
    },
    {
      what: "reading parts back in the audit, on the one thread of the cron",
      needed: eventsPerSecond * bytesPerEvent,
      available: measured.auditBytesPerSecond,
      unit: "plain bytes/s",
      remedy:
        "read parts in objects of their own, each with its thread; verdicts come later until then, and nothing is lost",
    },
    {
      what: "the manifest of the busiest stream's hour, which its bucket holds in memory at once",
      needed: partsOfLargest * measured.manifestBytesPerPart,
      available: platform.rpcBytes.value,
      unit: "bytes",
      remedy: "split the stream",
    },
    {
      what: "one shard's payloads until its hour is balanced",
      needed: shard * bytesPerEvent * (hourSeconds + (2 * graceMsDefault) / 1_000),
      available: platform.objectBytes.value,
      unit: "bytes",
      remedy: "more shards",
    },
    {
      what: "buckets that come due at once",
      needed: load.streams,
      available: bucketsPerRunMax,
      unit: "buckets of one cron run",
      remedy: "nothing: buckets seal by their own alarms, and the next minutes take up the rest",
    },
    {
      what: "streams that every edge holds",
      needed: load.streams,
      available: streamsMax,
      unit: "streams",
      remedy: "another deployment",
    },
  ];
}
