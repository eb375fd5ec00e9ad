/** One edge: production's `deliver`, in isolates that end, with a clock that is wrong and settings that are old. */
import { type EpochMs, type Hour, epochMs, hourOf, plusHours } from "../../domain/hour.ts";
import { broken } from "../../domain/invariant.ts";
import { bytesToHex } from "../../domain/fingerprint.ts";
import { ledgerOfName, shardOfName } from "../../domain/ids.ts";
import { PackedRows } from "../../domain/packed-rows.ts";
import type { ShardRpc } from "../../domain/messages.ts";
import { plannedShards } from "../../domain/planned.ts";
import type { Stream } from "../../domain/stream.ts";
import { type DeliverEnv, type Fate, deliver } from "../../workers/ingest/deliver.ts";
import { EdgeMemory } from "../../workers/ingest/edge-memory.ts";
import { noteEvents } from "../../workers/ingest/event-counts.ts";
import type { Cluster } from "./cluster.ts";
import type { SentEvent } from "./events.ts";
import { type HostDeps, Life } from "./host.ts";
import type { Oracle } from "./oracle.ts";
import { type EdgeSettings, type WorldSettings, streamAt } from "./settings.ts";

/** One isolate. */
interface Isolate {
  readonly life: Life;
  readonly memory: EdgeMemory;
  readonly env: DeliverEnv;
  /** Which requests under way have this identity, by its fingerprint. */
  readonly inHand: Map<string, Set<object>>;
  requests: number;
}

export class Edge {
  readonly name: string;
  readonly #deps: HostDeps;
  readonly #world: WorldSettings;
  readonly #edge: EdgeSettings;
  readonly #cluster: Cluster;
  readonly #oracle: Oracle;
  #isolate: Isolate;

  constructor(
    name: string,
    deps: HostDeps,
    world: WorldSettings,
    edge: EdgeSettings,
    cluster: Cluster,
    oracle: Oracle,
  ) {
    this.name = name;
    this.#deps = deps;
    this.#world = world;
    this.#edge = edge;
    this.#cluster = cluster;
    this.#oracle = oracle;
    this.#isolate = this.#start();
  }

  #clock(): EpochMs {
    return epochMs(this.#deps.scheduler.nowMs + this.#edge.skewMs);
  }

  #start(): Isolate {
    const { random, scheduler, network } = this.#deps;
    const life: Life = new Life(this.name, (withinMs) => {
      // Every call of an isolate comes by here: a request makes several.
      if (!random.chance(network.rates.edgeCrash / 8)) return;
      scheduler.after(random.between(0, withinMs), () => {
        this.#crash(life);
      });
    });
    const inHand = new Map<string, Set<object>>();
    return { life, memory: new EdgeMemory(), env: this.#env(life, inHand), inHand, requests: 0 };
  }

  #crash(life: Life): void {
    if (this.#isolate.life !== life) return;
    this.#deps.trace.note(`${this.name}: crashed`);
    if (this.#isolate.requests > 0) this.#deps.trace.reach("edge_crash");
    this.#isolate = this.#start();
    life.end("crashed");
  }

  #env(life: Life, inHand: Isolate["inHand"]): DeliverEnv {
    const env = {
      EVENT_SHARD: { getByName: (name: string) => this.#watched(life, name, inHand) },
      EDGE_LEDGER: {
        getByName: (name: string) =>
          this.#cluster.ledgerStub(life, ledgerOfName(name) ?? broken(`no ledger is called ${name}`)),
      },
    };
    // Only `getByName` is used of a namespace.
    return env as unknown as DeliverEnv;
  }

  /** The stub of a shard, and the oracle told of what it answers. */
  #watched(life: Life, name: string, inHand: Isolate["inHand"]): ShardRpc {
    const address = shardOfName(name) ?? broken(`no shard is called ${name}`);
    const stub = this.#cluster.shardStub(life, address);
    return {
      ...stub,
      append: async (message) => {
        const rows = PackedRows.read(message.rows) ?? broken("rows that do not add up");
        const shared = isShared(rows, inHand);
        if (shared) this.#deps.trace.reach("append_shared");
        const reply = await stub.append(message).catch((error: unknown) => {
          if (shared) this.#deps.trace.reach("shared_append_undecided");
          throw error;
        });
        if ("refused" in reply) {
          if (reply.refused === "closed" && address.hour >= hourOf(this.#clock()))
            this.#deps.trace.reach("slow_edge");
          return reply;
        }
        for (let row = 0; row < rows.count; row++) {
          const fingerprint = fingerprintIn(rows, row);
          this.#oracle.decided(fingerprint, address, message, reply.acceptedRows[row] === 1);
        }
        return reply;
      },
    };
  }

  /** One request, up to its answer. Rejects if the isolate ends under way. */
  async post(events: readonly SentEvent[]): Promise<readonly Fate[]> {
    const isolate = this.#isolate;
    isolate.requests++;
    const request = {};
    const fingerprints = events.map(({ fingerprint }) => fingerprint);
    for (const name of fingerprints) {
      isolate.inHand.set(name, (isolate.inHand.get(name) ?? new Set()).add(request));
    }
    return isolate.life.during(this.#serve(isolate, events)).finally(() => {
      isolate.requests--;
      for (const name of fingerprints) isolate.inHand.get(name)?.delete(request);
    });
  }

  async #serve({ env, memory, life }: Isolate, events: readonly SentEvent[]): Promise<readonly Fate[]> {
    const { scheduler } = this.#deps;
    const now = this.#clock();
    const deliverables = events.map(({ event }) => ({
      event,
      stream: streamAt(this.#world, event.streamType, scheduler.nowMs - this.#edge.lagMs),
    }));
    const before = memory.accounts.of(env.EDGE_LEDGER, hourOf(now));
    const fates = await deliver(env, memory, deliverables, now);
    const account = memory.accounts.of(env.EDGE_LEDGER, hourOf(now));
    if (fates.some(({ fate }, no) => fate === "accepted" && isStep(deliverables[no]?.stream, hourOf(now))))
      this.#deps.trace.reach("planned_step");
    if (account !== before) this.#deps.trace.reach("edge_life_over");
    const types = events.map(({ event }) => event.type);
    void noteEvents(account, types, fates, null);
    if (!life.ended) this.#oracle.answered(events, fates);
    return fates;
  }
}

/** True if the hour is planned with other shards than the one before it. */
function isStep(stream: Stream | undefined, hour: Hour): boolean {
  return stream !== undefined && plannedShards(stream, hour) !== plannedShards(stream, plusHours(hour, -1));
}

function fingerprintIn(rows: PackedRows, row: number): string {
  const at = rows.fingerprintAt(row);
  return bytesToHex(rows.bytes.subarray(at, at + 16));
}

/** True if no single request has all of these rows. */
function isShared(rows: PackedRows, inHand: Isolate["inHand"]): boolean {
  const of = Array.from(
    { length: rows.count },
    (_, row) => inHand.get(fingerprintIn(rows, row)) ?? new Set(),
  );
  return ![...(of[0] ?? [])].some((request) => of.every((requests) => requests.has(request)));
}
