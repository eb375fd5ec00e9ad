/**
 * The cron: production's flusher, once a minute or so, each run with a life of its own that may end under way. Sealing,
 * auditing and digests are production's, on a D1 and an R2 that fail; what audits recorded is judged by the oracle.
 */
import * as z from "zod";
import { epochMs } from "../../domain/hour.ts";
import { EventType, bucketOfName, ledgerOfName, shardOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { Finding } from "../../domain/verdict.ts";
import { type FlusherEnv, runFlusher } from "../../workers/flusher/scheduled.ts";
import type { SimulatedCatalog } from "./catalog.ts";
import type { Cluster } from "./cluster.ts";
import { type HostDeps, Life } from "./host.ts";
import type { Oracle } from "./oracle.ts";
import { bucketOf } from "./r2-faults.ts";
import type { WorldSettings } from "./settings.ts";

/** After the last fault, how long an audit may still be one that was made before it. */
const auditLagMs = 300_000;

export class Flusher {
  readonly #name: string;
  readonly #deps: HostDeps;
  readonly #world: WorldSettings;
  readonly #cluster: Cluster;
  readonly #catalog: SimulatedCatalog;
  readonly #oracle: Oracle;
  #running = false;
  #stopped = false;
  /** How often it runs. */
  everyMs: number;

  constructor(
    name: string,
    deps: HostDeps,
    world: WorldSettings,
    cluster: Cluster,
    catalog: SimulatedCatalog,
    oracle: Oracle,
  ) {
    this.#name = name;
    this.#deps = deps;
    this.#world = world;
    this.#cluster = cluster;
    this.#catalog = catalog;
    this.#oracle = oracle;
    this.everyMs = world.cronMs;
  }

  start(offMs: number): void {
    const { scheduler } = this.#deps;
    scheduler.at(Math.ceil(scheduler.nowMs / this.everyMs) * this.everyMs + offMs, () => {
      this.#tick();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #tick(): void {
    if (this.#stopped) return;
    if (!this.#running) void this.#run();
    this.#deps.scheduler.after(this.everyMs, () => {
      this.#tick();
    });
  }

  /** One run, up to its end or the end of its life. */
  async #run(): Promise<void> {
    const { scheduler, random, trace, network } = this.#deps;
    const life: Life = new Life(this.#name, (withinMs) => {
      if (!random.chance(network.rates.flusherCrash)) return;
      scheduler.after(random.between(0, withinMs), () => {
        trace.reach("flusher_crash");
        life.end("crashed");
      });
    });
    this.#running = true;
    try {
      await life.during(runFlusher(this.#env(life), epochMs(scheduler.nowMs)));
    } catch (error) {
      trace.hold(life.ended, "resumable", () => `a run of the flusher threw: ${String(error)}`);
    } finally {
      this.#running = false;
      this.#judge();
    }
  }

  #judge(): void {
    const { network, scheduler } = this.#deps;
    const faulty = Object.values(network.rates).some((rate) => rate > 0);
    const mayBeUnaudited = faulty || scheduler.nowMs < this.#world.faultsUntilMs + auditLagMs;
    for (const { address, findings } of this.#catalog.verdicts())
      this.#oracle.audited(address, z.array(Finding).parse(findings), mayBeUnaudited);
  }

  /** The bindings of a run. Only `getByName` is used of a namespace. */
  #env(life: Life): FlusherEnv {
    const cluster = this.#cluster;
    const named = <Stub>(of: (name: string) => Stub): { getByName: (name: string) => Stub } => ({
      getByName: of,
    });
    const env = {
      CATALOG: this.#catalog.binding(life),
      EVENTS: bucketOf(life, cluster.r2, this.#deps),
      EVENT_SHARD: named((name) => cluster.shardStub(life, shardOfName(name) ?? broken(name))),
      HOUR_BUCKET: named((name) => cluster.bucketStub(life, bucketOfName(name) ?? broken(name))),
      EDGE_LEDGER: named((name) => cluster.ledgerStub(life, ledgerOfName(name) ?? broken(name))),
      UNDATED_HOME: named((name) => {
        const slash = name.indexOf("/");
        const type = EventType.parse(name.slice(slash + 1));
        return cluster.homeStub(life, type, { kind: "undated", index: Number(name.slice(0, slash)) });
      }),
    };
    return env as unknown as FlusherEnv;
  }
}
