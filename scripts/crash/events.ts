/** Generated events: several streams, sources and sizes; dated in the hour that is open, or before it. */
import { type EpochMs, epochMs, isoOf } from "../../domain/hour.ts";
import type { Random } from "./random.ts";
import type { CrashEvent } from "./record.ts";

export const streams: readonly [CrashStream, ...CrashStream[]] = [
  { type: "crash.click", settings: { shards: 3, partitionBy: "id" } },
  { type: "crash.order", settings: { priority: "high" } },
  { type: "crash.playback/gapless é", settings: { shards: 2 } },
  { type: "crash.log", settings: { priority: "low", shards: 2, partitionBy: "id" } },
  { type: "crash.rare", settings: {} },
];

export interface CrashStream {
  readonly type: string;
  readonly settings: object;
}

/** What the clients know of time. */
export interface Horizon {
  /** The start of the hour that is open. */
  hourMs: EpochMs;
  /** The share of events that are dated in the hour before, whose grace has not ended. */
  graceShare: number;
  /** The share of events that are undated, or dated hours ago. */
  readonly lateShare: number;
}

const hour = 3_600_000;

export function eventOf(no: number, horizon: Horizon, random: Random): CrashEvent {
  // The last stream is rare: some of its buckets hold a row or two, or none.
  const stream = random.chance(0.02) ? streams[streams.length - 1] : random.pick(streams);
  const attributes = {
    id: random.chance(0.2) ? `№ ${no}` : no.toString(36),
    source: `//crash.example/device/${random.between(1, 30)}`,
    type: stream?.type ?? streams[0].type,
  };
  const time = timeOf(horizon, random);
  return {
    attributes: time === null ? attributes : { ...attributes, time },
    data: {
      no,
      text: "x".repeat(random.chance(0.05) ? random.between(1_000, 20_000) : random.between(0, 300)),
    },
  };
}

function timeOf({ hourMs, graceShare, lateShare }: Horizon, random: Random): string | null {
  const inHourMs = random.between(0, hour - 1);
  const draw = random.fraction();
  if (draw < lateShare / 2) return null;
  if (draw < lateShare) return isoOf(epochMs(hourMs + inHourMs - random.between(2, 30) * hour));
  return isoOf(epochMs(hourMs + inHourMs - (random.chance(graceShare) ? hour : 0)));
}
