/**
 * All objects of a small system, on hosts of their own, reaching each other without faults: the surroundings of a matrix
 * in which only the flusher's calls fail. What the flusher reaches is handed out as its bindings, each call numbered.
 */
import { join } from "node:path";
import { type EpochMs, type Hour, epochMs, startOf } from "../../domain/hour.ts";
import {
  type BucketAddress,
  EventType,
  type Holder,
  type ShardAddress,
  bucketName,
  bucketOfName,
  shardName,
  shardOfName,
} from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import type { BucketRpc, LedgerRpc, ShardRpc, UndatedHomeRpc } from "../../domain/messages.ts";
import { Ledger } from "../../durable-objects/edge-ledger/ledger.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { Bucket } from "../../durable-objects/hour-bucket/bucket.ts";
import { UndatedHome } from "../../durable-objects/undated-home/home.ts";
import { r2Objects } from "../../platform/objects.ts";
import { type FlusherEnv } from "../../workers/flusher/scheduled.ts";
import { type DeliverEnv } from "../../workers/ingest/deliver.ts";
import { FakeD1 } from "../fakes/d1.ts";
import { syncCodec } from "../simulation/codec.ts";
import { SimulatedR2 } from "../simulation/r2.ts";
import { Host, Life, Outside, type Place } from "./harness.ts";

const migrations = join(import.meta.dirname, "../../migrations");

export class Cluster {
  readonly r2 = new SimulatedR2();
  readonly d1 = FakeD1.migrated(migrations);
  readonly shards = new Map<string, Host<Shard>>();
  readonly buckets = new Map<string, Host<Bucket>>();
  readonly #undated = new Map<string, Host<UndatedHome>>();
  readonly #ledgers = new Map<string, Host<Ledger>>();
  readonly #faultless = new Outside(null);
  now: EpochMs;

  constructor(first: Hour) {
    this.now = startOf(first);
  }

  #common({ life, armAlarm }: Place) {
    return {
      objects: r2Objects(this.r2.bucket(async (_operation, _key, effect) => effect())),
      codec: syncCodec,
      schema: async () => null,
      now: async () => this.now,
      armAlarm,
      mayDelete: async () => true,
      abort: (reason: string) => {
        life.end(reason);
      },
      log: () => undefined,
      jitter: () => 0.5,
    };
  }

  bucket(address: BucketAddress): Host<Bucket> {
    return madeOnce(this.buckets, bucketName(address), (name) => {
      return new Host(name, this.#faultless, (place) => {
        const shard = ({ index, hour }: Holder): ShardRpc =>
          shardRpc(this.shard({ type: address.type, index, hour }), (_name, effect) => effect());
        return new Bucket(address, place.storage, { ...this.#common(place), shard });
      });
    });
  }

  shard(address: ShardAddress): Host<Shard> {
    const { type } = address;
    return madeOnce(this.shards, shardName(address), (name) => {
      return new Host(name, this.#faultless, (place) => {
        return new Shard(address, place.storage, {
          ...this.#common(place),
          enrol: (hour, request) => this.bucket({ type, hour }).call((bucket) => bucket.enrol(request)),
          homePlan: (hour, plan) =>
            this.bucket({ type, hour }).call((bucket) => bucket.plan({ plan, nowMs: this.now })),
          claim: (home, message) =>
            home.kind === "dated"
              ? this.shard({ type, ...home }).call((object) => object.claim(message))
              : this.undatedHome(type, home.index).call((object) => object.claim(message)),
          wakeBucket: async () => undefined,
        });
      });
    });
  }

  undatedHome(type: EventType, index: number): Host<UndatedHome> {
    return madeOnce(this.#undated, `${index}/${type}`, (name) => {
      return new Host(name, this.#faultless, (place) => new UndatedHome(place.storage, this.#common(place)));
    });
  }

  ledger(name: string): Host<Ledger> {
    return madeOnce(this.#ledgers, name, () => {
      return new Host(name, this.#faultless, (place) => new Ledger(place.storage, this.#common(place)));
    });
  }

  /** The flusher's bindings for one run: every call goes by `outside`. Only `getByName` is used of a namespace. */
  flusherEnv(life: Life, outside: Outside): FlusherEnv {
    const around: Around = (name, effect) => outside.call(life, name, effect);
    const named = <Stub>(of: (name: string) => Stub): { getByName: (name: string) => Stub } => ({
      getByName: of,
    });
    const env = {
      CATALOG: this.d1.binding((query, effect) => around(`D1 ${startOfQuery(query)}`, async () => effect())),
      EVENTS: this.r2.bucket((operation, key, effect) =>
        around(`R2 ${operation} ${key}`, async () => effect()),
      ),
      HOUR_BUCKET: named((name) => bucketRpc(this.bucket(bucketOfName(name) ?? broken(name)), around)),
      EVENT_SHARD: named((name) => shardRpc(this.shard(shardOfName(name) ?? broken(name)), around)),
      EDGE_LEDGER: named((name) => ledgerRpc(this.ledger(name), around)),
      UNDATED_HOME: named((name) => {
        const slash = name.indexOf("/");
        const home = this.undatedHome(EventType.parse(name.slice(slash + 1)), Number(name.slice(0, slash)));
        return homeRpc(home, around);
      }),
    };
    return env as unknown as FlusherEnv;
  }

  /** The bindings of an edge that nothing happens to. */
  get edgeEnv(): DeliverEnv {
    return this.flusherEnv(new Life(() => undefined), this.#faultless);
  }
}

/** What stands between a caller and an effect. */
type Around = <Reply>(name: string, effect: () => Promise<Reply>) => Promise<Reply>;

function shardRpc(host: Host<Shard>, around: Around): ShardRpc {
  const via = <Reply>(method: string, act: (shard: Shard) => Promise<Reply>): Promise<Reply> =>
    around(`shard ${method}`, () => host.call(act));
  return {
    append: (message) => via("append", (shard) => shard.append(message)),
    close: (message) => via("close", (shard) => shard.close(message)),
    unflushedBytes: (hour) => via("unflushed", async (shard) => shard.unflushedBytes(hour)),
    tailPages: (hour) => via("pages", async (shard) => shard.tailPages(hour)),
    tailPayload: (hour, range) => via("tail", async (shard) => shard.tailPayload(hour, range)),
    claim: (message) => via("claim", (shard) => shard.claim(message)),
    grants: (seq) => via("grants", async (shard) => shard.grants(seq)),
    ownedBy: (owner, fingerprints) => via("owned", async (shard) => shard.ownedBy(owner, fingerprints)),
    lookUpAppends: (queries) => via("look up", async (shard) => shard.lookUpAppends(queries)),
    dropPayloads: (hour, nowMs) => via("drop", (shard) => shard.dropPayloads(hour, epochMs(nowMs))),
    describe: () => via("describe", async (shard) => shard.describe()),
  };
}

function bucketRpc(host: Host<Bucket>, around: Around): BucketRpc {
  const via = <Reply>(method: string, act: (bucket: Bucket) => Promise<Reply>): Promise<Reply> =>
    around(`bucket ${method}`, () => host.call(act));
  return {
    enrol: (message) => via("enrol", (bucket) => bucket.enrol(message)),
    plan: (message) => via("plan", (bucket) => bucket.plan(message)),
    seal: (message) => via("seal", (bucket) => bucket.seal(message)),
    verified: (message) => via("verified", (bucket) => bucket.verified(message)),
    describe: () => via("describe", async (bucket) => bucket.describe()),
  };
}

function ledgerRpc(host: Host<Ledger>, around: Around): LedgerRpc {
  const via = <Reply>(method: string, act: (ledger: Ledger) => Promise<Reply>): Promise<Reply> =>
    around(`ledger ${method}`, () => host.call(act));
  return {
    open: (edge, retireAtMs) => via("open", (ledger) => ledger.open(edge, epochMs(retireAtMs))),
    report: (report) => via("report", (ledger) => ledger.report(report)),
    account: (type) => via("account", (ledger) => ledger.account(type)),
    totals: () => via("totals", (ledger) => ledger.totals()),
    use: (types) => via("use", (ledger) => ledger.use(types)),
  };
}

function homeRpc(host: Host<UndatedHome>, around: Around): UndatedHomeRpc {
  return {
    claim: (message) => around("home claim", () => host.call((home) => home.claim(message))),
    ownedBy: (owner, fingerprints) =>
      around("home owned", () => host.call(async (home) => home.ownedBy(owner, fingerprints))),
  };
}

function madeOnce<Made>(made: Map<string, Made>, name: string, make: (name: string) => Made): Made {
  const known = made.get(name);
  if (known !== undefined) return known;
  const one = make(name);
  made.set(name, one);
  return one;
}

function startOfQuery(query: string): string {
  return query.trim().split(/\s+/, 3).join(" ");
}
