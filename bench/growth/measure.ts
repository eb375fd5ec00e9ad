/**
 * What an event costs as the system grows, and what a minute of the cron costs as its history does: the same counts and
 * prices as `npm run cost`, at several sizes of one thing at a time.
 */
import { epochMs } from "../../domain/hour.ts";
import { type Counts, difference, priced, totalUsd, units } from "../cost/counts.ts";
import { send } from "../cost/load.ts";
import { type CountedSystem, startMs, withCounted } from "../cost/system.ts";

export interface Point {
  readonly size: number;
  /** Dollars of a million events, from the post to the retirement of the objects; or of a month of idle cron runs. */
  readonly usd: number;
  /** Of them what is billed by time, which a busy machine makes longer: CPU, and how long objects are awake. */
  readonly timedUsd: number;
  /** Rows of D1 read, and written, for an event or for a run of the cron. */
  readonly d1RowsRead: number;
  readonly d1RowsWritten: number;
}

export interface Series {
  readonly name: string;
  readonly grows: string;
  readonly unit: string;
  readonly how: string;
  /** The power of the size with which `usd` may grow, with what measuring varies by. */
  readonly slopeMax: number;
  readonly points: readonly Point[];
}

const hourMs = 3_600_000;
const eventsPerRequest = 20;
const requestsPerStream = 3;
const requestsToShards = 640;
const cronRuns = 10;
const runsOfMonth = 30 * 24 * 60;
/** What does not grow, as it is measured. */
const flat = 0.1;

export async function streamsSeries(sizes: readonly number[]): Promise<Series> {
  const points: Point[] = [];
  for (const size of sizes) {
    points.push(
      await withCounted(async (system) => {
        const types = Array.from({ length: size }, (_, no) => `growth.stream-${no}`);
        await system.putStreams(types);
        const events = size * requestsPerStream * eventsPerRequest;
        return pointOf(system, size, events, async () => {
          for (const type of types) {
            const load = {
              type,
              requests: requestsPerStream,
              eventsPerRequest,
              concurrency: 3,
              atMs: startMs,
            };
            await send(system.client, { ...load, name: "growth" });
          }
        });
      }),
    );
  }
  const how = `${requestsPerStream} requests of ${eventsPerRequest} events for each, in one hour`;
  return { name: "streams", grows: "streams", unit: "$ per million events", how, slopeMax: flat, points };
}

/** The load stays the same: at worst each shard costs as much as the first, for fewer requests share its commits. */
export async function shardsSeries(sizes: readonly number[]): Promise<Series> {
  const points: Point[] = [];
  for (const size of sizes) {
    points.push(
      await withCounted(async (system) => {
        const type = "growth.shards";
        await system.putStreams([type], { shards: size });
        return pointOf(system, size, requestsToShards * eventsPerRequest, async () => {
          const load = { type, requests: requestsToShards, eventsPerRequest, concurrency: 16, atMs: startMs };
          await send(system.client, { ...load, name: "growth" });
        });
      }),
    );
  }
  const how = `${requestsToShards} requests of ${eventsPerRequest} events of one source each, 16 at a time, in one hour`;
  return {
    name: "shards",
    grows: "shards of one stream",
    unit: "$ per million events",
    how,
    slopeMax: 1,
    points,
  };
}

/** Sealed hours of one stream, then minutes in which there is nothing to do. */
export async function historySeries(sizes: readonly number[]): Promise<Series> {
  const points = await withCounted(async (system) => {
    const type = "growth.history";
    await system.putStreams([type]);
    const found: Point[] = [];
    let hours = 0;
    for (const size of sizes) {
      for (; hours < size; hours++) {
        const atMs = epochMs(startMs + hours * hourMs);
        const load = { type, requests: 1, eventsPerRequest, concurrency: 1, atMs };
        await send(system.client, { ...load, name: `growth-${hours}` });
        await system.reported();
        await system.settle(atMs);
      }
      await system.cron();
      const before = await system.counts();
      for (let run = 0; run < cronRuns; run++) await system.cron();
      const used = difference(await system.counts(), before);
      found.push(figuresOf(size, used, cronRuns, runsOfMonth / cronRuns));
    }
    return found;
  });
  const how = `one request an hour; then ${cronRuns} runs of the cron with nothing to do`;
  return {
    name: "history",
    grows: "sealed hours",
    unit: "$ a month for the cron",
    how,
    slopeMax: flat,
    points,
  };
}

async function pointOf(
  system: CountedSystem,
  size: number,
  events: number,
  post: () => Promise<void>,
): Promise<Point> {
  const before = await system.counts();
  await post();
  await system.reported();
  await system.settle(startMs);
  await system.retire(startMs);
  return figuresOf(size, difference(await system.counts(), before), events, 1e6 / events);
}

function figuresOf(size: number, used: Counts, things: number, factor: number): Point {
  return {
    size,
    usd: totalUsd(used) * factor,
    timedUsd: timedUsd(used) * factor,
    d1RowsRead: units(used, "d1_rows_read") / things,
    d1RowsWritten: units(used, "d1_rows_written") / things,
  };
}

function timedUsd(used: Counts): number {
  return priced(used)
    .filter(({ meter }) => meter === "cpu_ms" || meter === "object_gb_s")
    .reduce((total, { usd }) => total + usd, 0);
}

/**
 * How the cost of one thing grows with the size: the slope between the first and the last point of a plot whose axes are
 * logarithmic. 0: not at all; 1: as fast as the size, so that the whole grows with its square.
 */
export function slopeOf(points: readonly Point[]): number {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first.size === last.size) return 0;
  return Math.log(last.usd / first.usd) / Math.log(last.size / first.size);
}
