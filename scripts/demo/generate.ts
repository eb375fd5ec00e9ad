/** Generated events for the demo: a few streams, a few hours, the same every time. */
import { type EpochMs, type Hour, epochMs, hourOf, isoOf } from "../../domain/hour.ts";

/** A generated event with the hour it must be sealed in. */
export interface DemoEvent {
  readonly attributes: Readonly<Record<"id" | "source" | "type" | "time", string>>;
  readonly data: object;
  readonly hour: Hour;
}

export interface DemoStream {
  readonly type: string;
  readonly settings: object;
  readonly eventsPerStep: number;
}

export const streams: readonly DemoStream[] = [
  { type: "demo.page-view", settings: { owner: "web", shards: 2, partitionBy: "id" }, eventsPerStep: 120 },
  { type: "demo.purchase", settings: { owner: "shop", priority: "high" }, eventsPerStep: 12 },
  { type: "demo.playback/gapless", settings: { owner: "player" }, eventsPerStep: 40 },
  { type: "demo.crash-report", settings: { owner: "mobile", priority: "low" }, eventsPerStep: 3 },
  { type: "demo.silent", settings: { owner: "nobody sends to it" }, eventsPerStep: 0 },
];

export const startsAt = "2026-01-01T00:05:00Z";
const hours = 3;
/** Minutes of each hour at which clients send. The first is within the grace of the hour before. */
const sendingMinutes = [4, 20, 35, 50] as const;
/** How long before it is sent an event may have happened. */
const ageMsMax = 7 * 60_000;

export interface Step {
  readonly atMs: EpochMs;
  readonly events: readonly DemoEvent[];
}

export function* steps(startMs: EpochMs): Generator<Step> {
  const next = randomNumbers(1);
  let no = 0;
  for (let hour = 0; hour < hours; hour++) {
    for (const minute of sendingMinutes) {
      const atMs = epochMs(Math.floor(startMs / 3_600_000) * 3_600_000 + (hour * 60 + minute) * 60_000);
      if (atMs <= startMs + ageMsMax) continue;
      const events = streams.flatMap(({ type, eventsPerStep }) =>
        Array.from({ length: eventsPerStep }, () => eventOf(type, ++no, atMs, next)),
      );
      yield { atMs, events };
    }
  }
}

function eventOf(type: string, no: number, atMs: EpochMs, next: () => number): DemoEvent {
  const happenedMs = epochMs(atMs - Math.floor(next() * ageMsMax));
  const client = Math.floor(next() * 20);
  return {
    attributes: {
      id: `${no.toString(36)}-é`,
      source: `//demo.example/client/${client}`,
      type,
      time: isoOf(happenedMs),
    },
    data: { no, client, amount: Math.floor(next() * 10_000) / 100, text: "smörgås 🎵" },
    hour: hourOf(happenedMs),
  };
}

/** Marsaglia's xorshift: plenty for a demo, and the same on every machine. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
