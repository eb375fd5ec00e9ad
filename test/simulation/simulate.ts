/**
 * One run: a world drawn from a seed, played to its end under virtual time, judged all along and at the end.
 * The same seed gives the same run, call by call; `hash` says so.
 */
import { endOf } from "../../domain/hour.ts";
import { bucketName } from "../../domain/ids.ts";
import { retireAfterWindowMs, windowMsDefault } from "../../domain/limits.ts";
import { Client } from "./client.ts";
import { sha256Of } from "./codec.ts";
import { Cluster } from "./cluster.ts";
import { Edge } from "./edge.ts";
import { type FaultRates, noFaults } from "./faults.ts";
import { SimulatedCatalog } from "./catalog.ts";
import { Flusher } from "./flusher.ts";
import { takeOver } from "./globals.ts";
import type { HostDeps } from "./host.ts";
import { Network } from "./network.ts";
import { Oracle } from "./oracle.ts";
import type { Order } from "./orders.ts";
import { Random } from "./random.ts";
import { Scheduler, stepsMax } from "./scheduler.ts";
import { type WorldSettings, drawSettings } from "./settings.ts";
import { Trace, type Violation } from "./trace.ts";

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly violation: Violation | null;
  readonly reached: ReadonlyMap<Order, number>;
  readonly steps: number;
  /** Asked for only if somebody reads them. */
  lines(): string[];
}

/** How long after the last fault everything must be answered, sealed and verified. */
const livelinessMs = 4 * 3_600_000;
const lateFaultsMs = 1_800_000;
/** In days in which nothing comes the cron need not run every minute: it only costs steps. */
const quietDaysCronMs = 7_200_000;

export async function simulate(seed: number): Promise<RunResult> {
  const random = new Random(seed);
  const world = drawSettings(random);
  const scheduler = new Scheduler(world.startMs);
  const trace = new Trace(scheduler);
  const deps: HostDeps = { scheduler, random, trace, network: new Network(scheduler, random, trace) };
  const giveBack = takeOver({
    scheduler,
    random,
    log: (line) => {
      trace.note(line);
      if (line.includes('"broken":true')) trace.violate("no invariant breaks", line);
    },
  });
  const unhandled = (error: unknown): void => {
    trace.violate("resumable", `a rejection that nobody handles: ${String(error)}`);
  };
  process.on("unhandledRejection", unhandled);
  try {
    await play(deps, world);
  } catch (error) {
    trace.violate(
      "the simulation itself",
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  } finally {
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", unhandled);
    giveBack();
  }
  return {
    seed,
    hash: trace.hash(),
    violation: trace.violation,
    reached: trace.reached,
    steps: scheduler.steps,
    lines: () => [describe(world), ...trace.lines()],
  };
}

function describe(world: WorldSettings): string {
  return JSON.stringify(world, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}

async function play(deps: HostDeps, world: WorldSettings): Promise<void> {
  const { scheduler, random, trace, network } = deps;
  const oracle = new Oracle(trace);
  const cluster = new Cluster(deps, oracle);
  oracle.cluster = cluster;
  cluster.r2.onPut = (key, bytes, before) => {
    if (key.startsWith("events/")) oracle.put(key, bytes, before);
  };
  cluster.r2.onTaken = (key, bytes, held) => {
    if (key.startsWith("digests/") && sha256Of(bytes) !== sha256Of(held)) trace.reach("digest_raced");
  };
  const edges = world.edges.map((edge, no) => new Edge(`edge ${no}`, deps, world, edge, cluster, oracle));
  const clients = Array.from(
    { length: world.clients },
    (_, no) => new Client(`client ${no}`, deps, world, edges, oracle),
  );
  const catalog = new SimulatedCatalog(deps, world);
  await catalog.register();
  const flushers = [0, random.pick([0, 1, 20_000])].map((offMs, no) => {
    const flusher = new Flusher(`flusher ${no}`, deps, world, cluster, catalog, oracle);
    scheduler.at(world.flushersFromMs, () => {
      flusher.start(offMs);
    });
    return flusher;
  });

  network.rates = world.faults;
  if (world.days) network.comeBackAtMs = retiredAtMs(catalog) + 6 * 3_600_000;
  scheduler.at(world.faultsUntilMs, () => {
    trace.note("faults stop");
    network.rates = noFaults;
  });
  schedule(deps, world, clients);
  const quiet = (): boolean => {
    const answered = clients.every(({ done }) => done);
    if (!answered) catalog.reach(scheduler.nowMs);
    return answered && catalog.done;
  };
  // Bursts go on until then, and hours that they come into must be sealed.
  waitFor(deps, Math.max(world.eventsUntilMs, world.faultsUntilMs) + 1, quiet);
  if (!(await played(deps))) return;
  await oracle.finish();
  if (!world.days || trace.violation !== null) return;
  network.rates = lateFaults(world);
  if (world.daysLaterMs !== null) {
    for (const flusher of flushers) flusher.everyMs = quietDaysCronMs;
    scheduler.at(world.daysLaterMs, () => {
      for (const client of clients) client.resend();
    });
    scheduler.at(world.daysLaterMs + lateFaultsMs, () => {
      network.rates = noFaults;
      for (const flusher of flushers) flusher.everyMs = world.cronMs;
    });
    catalog.settleAfter(world.daysLaterMs + lateFaultsMs);
    waitFor(deps, world.daysLaterMs + lateFaultsMs, quiet);
    scheduler.resume();
    if (!(await played(deps))) return;
  }
  for (const flusher of flushers) flusher.stop();
  scheduler.resume();
  if (!(await played(deps))) return;
  retired(deps, cluster, catalog);
  if (trace.violation === null) await oracle.finish();
}

/** Plays on until nothing is left to do, or somebody stops it; false if a guarantee did not hold. */
async function played({ scheduler, trace }: HostDeps): Promise<boolean> {
  await scheduler.run();
  trace.hold(scheduler.steps <= stepsMax, "live", () => `not at rest after ${scheduler.steps} steps`);
  return trace.violation === null;
}

function retiredAtMs({ buckets }: SimulatedCatalog): number {
  const last = buckets.at(-1);
  return last === undefined ? 0 : endOf(last.hour) + windowMsDefault + retireAfterWindowMs;
}

/** Bursts at any time, and more of them around the instants at which something ends. */
function schedule({ scheduler, random }: HostDeps, world: WorldSettings, clients: readonly Client[]): void {
  const instants: number[] = [];
  for (
    let hourMs = Math.ceil(world.startMs / 3_600_000) * 3_600_000;
    hourMs < world.eventsUntilMs;
    hourMs += 3_600_000
  ) {
    for (const afterMs of [0, 120_000, 300_000, 600_000]) instants.push(hourMs + afterMs);
  }
  let no = 0;
  for (let burst = 0; burst < world.bursts; burst++) {
    const atMs =
      instants.length > 0 && random.chance(0.6)
        ? random.pick(instants) +
          random.pick([random.between(-30_000, 25_000), random.between(-120, 40), random.between(60, 600)])
        : random.between(world.startMs, world.eventsUntilMs);
    for (const client of random.shuffled(clients).slice(0, random.between(1, clients.length))) {
      const count = Math.min(
        world.events - no,
        random.between(1, Math.ceil((2 * world.events) / world.bursts)),
      );
      const numbers = Array.from({ length: count }, () => no++);
      scheduler.at(Math.min(atMs, world.eventsUntilMs) + random.between(0, 60), () => {
        client.burst(numbers);
      });
    }
  }
}

/** Stops the run at the first rest after the last fault; a rest that comes too late is a violation. */
function waitFor({ scheduler, trace }: HostDeps, fromMs: number, quiet: () => boolean): void {
  const look = (): void => {
    if (quiet()) scheduler.stop();
    else if (scheduler.nowMs > fromMs + livelinessMs)
      trace.violate("live", "hours after the last fault something is not answered, sealed or verified");
    else scheduler.after(60_000, look);
  };
  scheduler.at(fromMs, look);
}

/** In the days until everything deletes itself there are crashes and lost replies again. */
function lateFaults({ faults }: WorldSettings): FaultRates {
  const { crash, replyLost, duplicated } = faults;
  return { ...noFaults, crash, replyLost, duplicated };
}

/** Nothing is left of any object. */
function retired({ trace }: HostDeps, cluster: Cluster, catalog: SimulatedCatalog): void {
  const hosts = [
    ...[...cluster.shards.values()].map(({ host }) => host),
    ...[...cluster.buckets.values()].map(({ host }) => host),
    ...cluster.ledgers.values(),
  ];
  for (const { name, sql } of hosts) {
    const tables = sql.exec("SELECT name FROM sqlite_master").toArray();
    trace.hold(tables.length === 0, "nothing grows without bound", () => `${name} has not retired`);
  }
  for (const address of catalog.buckets)
    trace.hold(
      cluster.buckets.has(bucketName(address)),
      "complete",
      () => `${bucketName(address)} was never sealed`,
    );
}
