/**
 * The cron process: seals what is due, audits what is sealed with production's equations, and tells the bucket.
 * What production keeps in D1 it keeps in memory, shared by the flushers of a run; D1's own faults are not simulated.
 */
import type { EdgeAnswer } from "../../domain/append-audit.ts";
import { type Heard, ledgerView, shardFindings, shardQueries } from "../../domain/audit.ts";
import { type Hour, epochMs, hourOf, plusHours } from "../../domain/hour.ts";
import { type BucketAddress, EventType, type ShardIndex, bucketName, shardOfName } from "../../domain/ids.ts";
import { ledgersPerHour } from "../../domain/limits.ts";
import { broken } from "../../domain/invariant.ts";
import { Manifest, manifestKey } from "../../domain/manifest.ts";
import { dueAt, planOf } from "../../domain/plan.ts";
import { type Finding, verdictOf } from "../../domain/verdict.ts";
import type { HomesEnv } from "../../platform/stubs.ts";
import { claimFindings } from "../../workers/flusher/audit/claims.ts";
import type { Cluster } from "./cluster.ts";
import type { HostDeps } from "./host.ts";
import { type Party, lasting } from "./network.ts";
import type { Oracle } from "./oracle.ts";
import { type WorldSettings, streamAt } from "./settings.ts";

const tickMs = 60_000;
/** Clients try again after the last fault, and rows whose home did not answer move on: later hours are used, too. */
const settlingMs = 120 * 60_000;
/** Edges that are fast put rows into an hour that has not come. */
const fastMs = 420_000;

/** What all flushers know of the buckets. */
export class Catalog {
  readonly buckets: BucketAddress[] = [];
  readonly sealed = new Set<string>();
  readonly verified = new Set<string>();
  readonly #types: WorldSettings["types"];
  #next: Hour;

  constructor({ types, startMs, eventsUntilMs, faultsUntilMs }: WorldSettings) {
    this.#types = types;
    this.#next = hourOf(startMs);
    this.reach(Math.max(eventsUntilMs, faultsUntilMs) + settlingMs);
  }

  /** Somebody may still send at this time: its hour is one that must be sealed. */
  reach(nowMs: number): void {
    const last = hourOf(epochMs(nowMs + fastMs));
    for (; this.#next <= last; this.#next = plusHours(this.#next, 1))
      for (const type of this.#types) this.buckets.push({ type, hour: this.#next });
  }

  get done(): boolean {
    return this.verified.size === this.buckets.length;
  }
}

export class Flusher {
  readonly #party: Party;
  readonly #deps: HostDeps;
  readonly #world: WorldSettings;
  readonly #cluster: Cluster;
  readonly #catalog: Catalog;
  readonly #oracle: Oracle;
  readonly #underWay = new Set<string>();
  #stopped = false;

  constructor(
    name: string,
    deps: HostDeps,
    world: WorldSettings,
    cluster: Cluster,
    catalog: Catalog,
    oracle: Oracle,
  ) {
    this.#party = lasting(name);
    this.#deps = deps;
    this.#world = world;
    this.#cluster = cluster;
    this.#catalog = catalog;
    this.#oracle = oracle;
  }

  start(offMs: number): void {
    const { scheduler } = this.#deps;
    scheduler.at(Math.ceil(scheduler.nowMs / tickMs) * tickMs + offMs, () => {
      this.#tick();
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #tick(): void {
    if (this.#stopped) return;
    for (const address of this.#catalog.buckets) void this.#look(address);
    this.#deps.scheduler.after(tickMs, () => {
      this.#tick();
    });
  }

  async #look(address: BucketAddress): Promise<void> {
    const name = bucketName(address);
    const { nowMs } = this.#deps.scheduler;
    const stream = streamAt(this.#world, address.type, nowMs);
    const idle = nowMs < dueAt(address.hour, stream.graceMs) || this.#catalog.verified.has(name);
    if (idle || this.#underWay.has(name)) return;
    this.#underWay.add(name);
    try {
      if (!this.#catalog.sealed.has(name)) {
        const message = { nowMs: epochMs(nowMs), plan: planOf(stream) };
        const reply = await this.#cluster.bucketStub(this.#party, address).seal(message);
        if (reply.state === "sealed") this.#catalog.sealed.add(name);
      }
      if (this.#catalog.sealed.has(name)) await this.#audit(address, name);
    } catch {
      // Asked again at the next tick.
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #audit(address: BucketAddress, name: string): Promise<void> {
    const { network, scheduler } = this.#deps;
    const findings = await this.#findings(address);
    const mayBeUnaudited =
      network.rates.replyLost + network.rates.requestLost + network.rates.crash + network.rates.overloaded >
      0;
    this.#oracle.audited(
      address,
      findings,
      mayBeUnaudited || scheduler.nowMs < this.#world.faultsUntilMs + 300_000,
    );
    const verdict = verdictOf(findings);
    const balanced = verdict === "balanced";
    if (balanced) this.#cluster.mayDrop.add(name);
    const bucket = this.#cluster.bucketStub(this.#party, address);
    await bucket.verified({ nowMs: epochMs(scheduler.nowMs), verdict });
    if (balanced) this.#catalog.verified.add(name);
  }

  async #findings(address: BucketAddress): Promise<Finding[]> {
    const bytes = this.#cluster.r2.held.get(manifestKey(address))?.bytes;
    if (bytes === undefined) {
      this.#deps.trace.violate("complete", `${bucketName(address)} says it is sealed and has no manifest`);
      return [];
    }
    const manifest = Manifest.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const slots = Array.from({ length: ledgersPerHour }, (_, slot) => slot);
    const ledger = ledgerView(
      await Promise.all(
        slots.map((slot) =>
          hear(this.#cluster.ledgerStub(this.#party, { hour: address.hour, slot }).account(address.type)),
        ),
      ),
    );
    const answers = new Map<ShardIndex, Heard<readonly EdgeAnswer[]>>();
    for (const [index, queries] of shardQueries(manifest, ledger)) {
      const shard = this.#cluster.shardStub(this.#party, { ...address, index });
      answers.set(index, await hear(shard.lookUpAppends(queries)));
    }
    this.#count(answers);
    const homes = homesOf(this.#cluster, this.#party);
    const claims = await claimFindings(homes, this.#cluster.r2Objects, manifest);
    return [...ledger.findings, ...shardFindings(manifest, ledger, answers), ...claims];
  }

  #count(answers: ReadonlyMap<ShardIndex, Heard<readonly EdgeAnswer[]>>): void {
    for (const heard of answers.values()) {
      for (const { unresolved, unanswered } of heard.heard ? heard.value : []) {
        if (unresolved.rows > 0) this.#deps.trace.reach("unresolved_committed");
        if (unanswered.rows > 0) this.#deps.trace.reach("unanswered_committed");
      }
    }
  }
}

/** The cluster's objects, as an environment's bindings. */
function homesOf(cluster: Cluster, party: Party): HomesEnv {
  const EVENT_SHARD = {
    getByName: (name: string) => cluster.shardStub(party, shardOfName(name) ?? broken(name)),
  };
  const UNDATED_HOME = {
    getByName: (name: string) => {
      const slash = name.indexOf("/");
      const type = EventType.parse(name.slice(slash + 1));
      return cluster.homeStub(party, type, { kind: "undated", index: Number(name.slice(0, slash)) });
    },
  };
  return { EVENT_SHARD, UNDATED_HOME } as unknown as HomesEnv;
}

async function hear<Value>(asked: Promise<Value>): Promise<Heard<Value>> {
  try {
    return { heard: true, value: await asked };
  } catch (error) {
    return { heard: false, why: String(error) };
  }
}
