/** What a seed's world looks like: how many of everything, whose clocks are wrong, what the streams' owners change. */
import {
  type EpochMs,
  type Hour,
  epochMs,
  hourOf,
  parseHour,
  plusHours,
  startOf,
} from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { forgetAfterWindowMs, windowMsDefault } from "../../domain/limits.ts";
import type { PlanStep } from "../../domain/planned.ts";
import { type Stream, StreamSettings } from "../../domain/stream.ts";
import { type FaultRates, drawFaults } from "./faults.ts";
import type { Random } from "./random.ts";

const MINUTE_MS = 60_000;
const baseHour: Hour = parseHour("2026-11-23T10") ?? broken("not an hour");

/** A stream's settings, and from when on they are published. */
export interface StreamVersion {
  readonly fromMs: number;
  readonly stream: Stream;
}

export interface EdgeSettings {
  readonly skewMs: number;
  /** How old its view of the streams is. */
  readonly lagMs: number;
}

export interface WorldSettings {
  readonly startMs: EpochMs;
  /** Clients make events until then. */
  readonly eventsUntilMs: EpochMs;
  /** Faults stop then. */
  readonly faultsUntilMs: EpochMs;
  /** Cron does not run before then: in some worlds alarms must do. */
  readonly flushersFromMs: EpochMs;
  /** How often it runs. */
  readonly cronMs: number;
  /** D1 answers nobody in this time; null: it is never away for long. */
  readonly catalogAway: { readonly fromMs: number; readonly untilMs: number } | null;
  readonly types: readonly EventType[];
  readonly versions: ReadonlyMap<EventType, readonly StreamVersion[]>;
  readonly edges: readonly EdgeSettings[];
  readonly clients: number;
  readonly events: number;
  readonly bursts: number;
  /** Bytes of padding in an event: some runs fill parts within the hour. */
  readonly paddingBytes: number;
  /** Goes on until everything has retired. */
  readonly days: boolean;
  /** When clients send once more what is a window and a day old by then; null: they do not. */
  readonly daysLaterMs: number | null;
  readonly faults: FaultRates;
}

export function drawSettings(random: Random): WorldSettings {
  const large = random.chance(0.05);
  const startMs = epochMs(startOf(baseHour) + random.between(20, 55) * MINUTE_MS);
  const lastsMs = random.between(10, large ? 150 : 70) * MINUTE_MS;
  const eventsUntilMs = epochMs(startMs + lastsMs);
  const days = random.chance(0.25);
  const types = ["com.example.play", "com.example.skip", "com.example.crash"]
    .slice(0, random.between(1, large ? 3 : 2))
    .map((type) => EventType.parse(type));
  return {
    startMs,
    eventsUntilMs,
    faultsUntilMs: epochMs(eventsUntilMs + random.between(0, 60) * MINUTE_MS),
    cronMs: random.pick([1, 1, 2, 5]) * MINUTE_MS,
    catalogAway: drawAway(random, startMs, lastsMs),
    flushersFromMs: epochMs(startMs + random.pick([0, 0, 0, 0, random.between(60, 120) * MINUTE_MS])),
    types,
    versions: new Map(types.map((type) => [type, drawVersions(random, type, startMs, lastsMs)])),
    edges: Array.from({ length: random.between(2, large ? 4 : 3) }, () => ({
      skewMs: random.pick([0, 0, random.between(-400_000, 400_000), random.between(-5_000, 5_000)]),
      lagMs: random.pick([0, 20_000, random.between(0, 1_800_000)]),
    })),
    clients: random.between(1, large ? 6 : 3),
    events: random.between(8, large ? 150 : 50),
    bursts: random.between(2, large ? 14 : 7),
    paddingBytes: random.pick([0, 0, 100, 400]),
    days,
    daysLaterMs:
      days && random.chance(0.12)
        ? eventsUntilMs + windowMsDefault + forgetAfterWindowMs + random.between(30, 22 * 60) * MINUTE_MS
        : null,
    faults: drawFaults(random),
  };
}

function drawAway(random: Random, startMs: number, lastsMs: number): WorldSettings["catalogAway"] {
  if (!random.chance(0.2)) return null;
  const fromMs = startMs + random.between(0, lastsMs + 30 * MINUTE_MS);
  return { fromMs, untilMs: fromMs + random.between(5, 120) * MINUTE_MS };
}

function drawVersions(random: Random, type: EventType, startMs: EpochMs, lastsMs: number): StreamVersion[] {
  const firstHour = hourOf(startMs);
  const one = (fromMs: number): StreamVersion => {
    const shards = random.pick([1, 1, 2, 3]);
    const planned = drawSteps(random, firstHour, shards);
    const settings = StreamSettings.parse({
      shards,
      shardsMax: planned.length === 0 ? null : shards + stepMax,
      graceMs: random.pick([2, 5, 10]) * MINUTE_MS,
      partitionBy: random.chance(0.8) ? "source" : "id",
      formats: random.pick([["ndjson.gz"], ["ndjson.gz"], ["parquet"], ["ndjson.gz", "parquet"]]),
    });
    return { fromMs, stream: { ...settings, type, firstHour, planned, schemaVersion: 0 } };
  };
  const changes = random.pick([0, 1, 2]);
  return [
    one(0),
    ...Array.from({ length: changes }, () => one(startMs + random.between(0, lastsMs))).sort(
      (a, b) => a.fromMs - b.fromMs,
    ),
  ];
}

/** Home shards of an hour beyond the least that a step gives it. */
const stepMax = 2;

/**
 * What a planner has chosen, hour by hour, up and down, up to two hours of an edge whose clock is fast: any number is lawful,
 * and edges with older settings know other steps. None: the owner leaves nothing to it.
 */
function drawSteps(random: Random, firstHour: Hour, shards: number): PlanStep[] {
  if (random.chance(0.5)) return [];
  return [0, 1, 2, 3].map((hours) => ({
    from: plusHours(firstHour, hours),
    shards: random.between(shards, shards + stepMax),
  }));
}

/** A stream as it was published at that time. */
export function streamAt(settings: WorldSettings, type: EventType, atMs: number): Stream {
  const versions = settings.versions.get(type) ?? broken(`no stream ${type}`);
  return (versions.findLast(({ fromMs }) => fromMs <= atMs) ?? versions[0] ?? broken("no version")).stream;
}
