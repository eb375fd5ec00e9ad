/**
 * What is counted. Each workload has a system of its own, posts real requests to it, waits until their hours are sealed,
 * audited and dropped, and goes on until the objects have retired, so that deletes are in the bill too.
 */
import { type EpochMs, epochMs } from "../../domain/hour.ts";
import { type Counts, difference, scale, sum, units } from "./counts.ts";
import { send } from "./load.ts";
import { type CountedSystem, startMs, withCounted } from "./system.ts";

export interface Measured {
  readonly name: string;
  /** What was done, in words; the concurrency above all. */
  readonly how: string;
  readonly events: number;
  readonly requests: number;
  /** Of the requests' bodies. */
  readonly bytes: number;
  /** Requests that shared a commit, and a report to the ledger. */
  readonly requestsPerCommit: number;
  readonly requestsPerReport: number;
  readonly counts: Counts;
}

const hourMs = 3_600_000;
const hoursOfMonth = 24 * 30;

/** Counts what `work` uses, and what the runtime's CPU does meanwhile. */
async function counted(system: CountedSystem, work: () => Promise<void>): Promise<Counts> {
  const before = await system.counts();
  const cpuBefore = system.cpuMs() ?? 0;
  await work();
  const cpuMs = (system.cpuMs() ?? 0) - cpuBefore;
  // Objects are not billed by CPU and the Worker is: all of it counts as the Worker's, which is too much.
  return sum(difference(await system.counts(), before), { "cpu_ms/the whole runtime": cpuMs });
}

function sharing(
  ingested: Counts,
  requests: number,
): Pick<Measured, "requestsPerCommit" | "requestsPerReport"> {
  return {
    requestsPerCommit: requests / units(ingested, "rows_written", "EventShard INSERT batch"),
    requestsPerReport: requests / units(ingested, "object_requests", "EdgeLedger.report"),
  };
}

/** Seal, audit, drop and retire the hours from `fromMs` on. */
async function finish(system: CountedSystem, fromMs: EpochMs, hours: number): Promise<Counts> {
  return counted(system, async () => {
    for (let hour = 0; hour < hours; hour++) await system.settle(fromMs + hour * hourMs);
    await system.retire(fromMs + (hours - 1) * hourMs);
  });
}

export interface Busy {
  readonly eventsPerRequest: number;
  readonly requests: number;
  /**
   * How many requests share a commit depends on how many are under way. Of these the lowest concurrency is counted at
   * which `sharing` of them do, or else the last.
   */
  readonly concurrencies: readonly number[];
  readonly sharing: number;
}

/** One busy stream: a closed loop of clients. */
export async function busy(load: Busy): Promise<Measured> {
  for (const [at, concurrency] of load.concurrencies.entries()) {
    const measured = await withCounted((system) => busyHour(system, load, concurrency));
    if (measured.requestsPerCommit >= load.sharing || at === load.concurrencies.length - 1) return measured;
  }
  throw new RangeError("no concurrency to count at");
}

async function busyHour(
  system: CountedSystem,
  { eventsPerRequest, requests }: Busy,
  concurrency: number,
): Promise<Measured> {
  const type = "cost.busy";
  await system.putStream(type);
  let bytes = 0;
  const ingested = await counted(system, async () => {
    bytes = await send(system.client, {
      type,
      requests,
      eventsPerRequest,
      concurrency,
      atMs: startMs,
      name: "busy",
    });
    await system.reported();
  });
  const finished = await finish(system, startMs, 1);
  return {
    name: `${eventsPerRequest} ${eventsPerRequest === 1 ? "event" : "events"} a request`,
    how: `one busy stream, closed loop, ${concurrency} at a time`,
    events: requests * eventsPerRequest,
    requests,
    bytes,
    ...sharing(ingested, requests),
    counts: sum(ingested, finished),
  };
}

/** A stream with one request of one event a second, each alone; told as the bill of a month. */
export async function oneASecond(requests: number): Promise<Measured> {
  return withCounted(async (system) => {
    const type = "cost.steady";
    await system.putStream(type);
    const load = { type, requests: 1, eventsPerRequest: 1, concurrency: 1, atMs: startMs };
    const first = await counted(system, async () => {
      await send(system.client, { ...load, name: "first" });
      await system.reported();
    });
    let bytes = 0;
    const others = await counted(system, async () => {
      for (let no = 0; no < requests; no++) {
        const started = Date.now();
        bytes += await send(system.client, { ...load, name: `steady-${no}` });
        await system.pause(1_000 - (Date.now() - started));
      }
      await system.reported();
    });
    const finished = await finish(system, startMs, 1);
    const perMonth = hoursOfMonth * 3_600;
    return {
      name: "one event a second, a month",
      how: `${requests} requests of one event counted, a second apart; an hour's opening, seal and audit counted once`,
      events: perMonth,
      requests: perMonth,
      bytes: (bytes / requests) * perMonth,
      ...sharing(others, requests),
      counts: sum(scale(others, perMonth / requests), scale(sum(first, finished), hoursOfMonth)),
    };
  });
}

/** Streams to which nobody sends, told as the bill of a month for one: they share the cron's run and the digest of an hour. */
export async function idle({ streams, hours }: { streams: number; hours: number }): Promise<Measured> {
  return withCounted(async (system) => {
    await system.putStreams(Array.from({ length: streams }, (_, no) => `cost.idle-${no}`));
    const counts = await finish(system, startMs, hours);
    return {
      name: "an idle stream, a month",
      how: `one of ${streams}; ${hours} empty hours counted, one working cron run in each`,
      events: 0,
      requests: 0,
      bytes: 0,
      requestsPerCommit: 0,
      requestsPerReport: 0,
      counts: scale(counts, hoursOfMonth / hours / streams),
    };
  });
}

/** The cron with nothing to do, every minute, told as the bill of a month: one for the whole deployment. */
export async function cron(runs: number): Promise<Measured> {
  return withCounted(async (system) => {
    await system.putStream("cost.idle");
    await system.cron();
    const counts = await counted(system, async () => {
      for (let run = 0; run < runs; run++) await system.cron();
    });
    return {
      name: "the cron with nothing to do, a month",
      how: `${runs} runs counted; once for the whole deployment`,
      events: 0,
      requests: 0,
      bytes: 0,
      requestsPerCommit: 0,
      requestsPerReport: 0,
      counts: scale(counts, (hoursOfMonth * 60) / runs),
    };
  });
}

export interface Fleet {
  readonly streams: number;
  readonly hours: number;
  readonly requestsPerHour: number;
  readonly eventsPerRequest: number;
}

/** Many small streams over hours: what a bucket costs whatever is in it. */
export async function fleet({ streams, hours, requestsPerHour, eventsPerRequest }: Fleet): Promise<Measured> {
  return withCounted(async (system) => {
    const types = Array.from({ length: streams }, (_, no) => `cost.stream-${no}`);
    for (const type of types) await system.putStream(type);
    let bytes = 0;
    let ingested: Counts = {};
    let finished: Counts = {};
    for (let hour = 0; hour < hours; hour++) {
      const atMs = epochMs(startMs + hour * hourMs);
      ingested = sum(
        ingested,
        await counted(system, async () => {
          for (const type of types) {
            const load = { type, requests: requestsPerHour, eventsPerRequest, concurrency: 2, atMs };
            bytes += await send(system.client, { ...load, name: `${hour}` });
          }
          await system.reported();
        }),
      );
      finished = sum(finished, await counted(system, () => system.settle(atMs)));
    }
    finished = sum(finished, await counted(system, () => system.retire(startMs + (hours - 1) * hourMs)));
    const requests = streams * hours * requestsPerHour;
    return {
      name: `${streams} streams × ${hours} hours`,
      how: `${requestsPerHour} requests of ${eventsPerRequest} events for each stream in each hour, 2 at a time`,
      events: requests * eventsPerRequest,
      requests,
      bytes,
      ...sharing(ingested, requests),
      counts: sum(ingested, finished),
    };
  });
}
