/**
 * The objects of a run: production's Shard, Bucket and Ledger, each on a host of its own, reaching each other and R2
 * through the network. What passes by here is where most orders are seen and counted.
 */
import type {
  AppendReply,
  BucketRpc,
  HomeAddress,
  LedgerRpc,
  ShardRpc,
  UndatedHomeRpc,
} from "../../domain/messages.ts";
import { bytesToHex } from "../../domain/fingerprint.ts";
import { epochMs } from "../../domain/hour.ts";
import { bucketName, ledgerName, shardName, shardOfName, undatedHomeName } from "../../domain/ids.ts";
import type { BucketAddress, EventType, ShardAddress } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import type { LedgerAddress } from "../../domain/messages.ts";
import { manifestKey } from "../../domain/manifest.ts";
import { PackedRows } from "../../domain/packed-rows.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import { Ledger } from "../../durable-objects/edge-ledger/ledger.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { UndatedHome } from "../../durable-objects/undated-home/home.ts";
import { Bucket } from "../../durable-objects/hour-bucket/bucket.ts";
import { type ObjectStore, r2Objects } from "../../platform/objects.ts";
import { syncCodec } from "./codec.ts";
import { type Alarmed, Host, type HostDeps, type Life, type Place } from "./host.ts";
import type { Party } from "./network.ts";
import { objectsOf } from "./r2-faults.ts";
import { SimulatedR2 } from "./r2.ts";

/** A shard, and what it has in hand. */
export interface ShardHost {
  readonly address: ShardAddress;
  readonly host: Host<Shard & Alarmed>;
  /** Fingerprints of the appends that have not been answered, one list per append. */
  readonly inHand: Set<readonly string[]>;
  /** Rows that it held when each of its parts was put for the first time. */
  readonly rowsAtPut: Map<string, number>;
  retired: boolean;
}

export interface BucketHost {
  readonly address: BucketAddress;
  readonly host: Host<Bucket & Alarmed>;
  sealCalls: number;
  retired: boolean;
}

/** Whoever watches the whole: told of everything that was durably said. */
export interface Watcher {
  /** A ledger has confirmed that these appends were sent. */
  ledgerHolds(edge: string, appendNos: readonly number[]): void;
  /** A home has decided a claim of these, packed, and whoever asked does not know how. */
  claimReplyLost(fingerprints: Uint8Array): void;
}

/** The stream's schema changes all the time: parts that are tried again must not notice. */
const schemas: readonly (JsonObject | null)[] = [
  null,
  { type: "object", properties: { a: { type: "string" } } },
  { type: "object", properties: { a: { type: "string" }, b: { type: "array", items: { type: "integer" } } } },
];

export class Cluster {
  readonly #deps: HostDeps;
  readonly #watcher: Watcher;
  readonly r2 = new SimulatedR2();
  readonly planted = new Set<string>();
  readonly shards = new Map<string, ShardHost>();
  readonly buckets = new Map<string, BucketHost>();
  readonly undatedHomes = new Map<string, Host<UndatedHome & Alarmed>>();
  readonly ledgers = new Map<string, Host<Ledger & Alarmed>>();
  readonly #reports = new Set<string>();
  readonly #appends = new Set<string>();
  /** Buckets that an auditor has told that they are balanced. */
  readonly mayDrop = new Set<string>();

  /** R2 as a reader sees it, without faults. */
  get r2Objects(): ObjectStore {
    return r2Objects(this.r2.bucket(async (_operation, _key, effect) => effect()));
  }

  constructor(deps: HostDeps, watcher: Watcher) {
    this.#deps = deps;
    this.#watcher = watcher;
  }

  #common(place: Place): {
    objects: ObjectStore;
    codec: typeof syncCodec;
    schema: () => Promise<JsonObject | null>;
    armAlarm: Place["armAlarm"];
    mayDelete: () => Promise<boolean>;
  } {
    return {
      objects: objectsOf(place.life, this.r2, this.planted, this.#deps),
      codec: syncCodec,
      schema: async () => schemas[this.#deps.random.between(0, schemas.length - 1)] ?? null,
      armAlarm: (atMs) => place.armAlarm(atMs),
      mayDelete: this.#mayDelete,
    };
  }

  /** Operators freeze and unfreeze, and the catalog is away now and then. */
  #mayDelete = async (): Promise<boolean> => {
    const { random, trace } = this.#deps;
    if (random.chance(0.05)) throw new Error("whether it is frozen cannot be known");
    const frozen = random.chance(0.1);
    if (frozen) trace.reach("deletion_frozen");
    return !frozen;
  };

  #now = async (): Promise<ReturnType<typeof epochMs>> => epochMs(this.#deps.scheduler.nowMs);

  #log(party: Party): (event: string, fields: Record<string, unknown>) => void {
    const { trace } = this.#deps;
    return (event, fields) => {
      trace.note(`${party.name}: ${event} ${JSON.stringify(fields)}`);
      if (fields["broken"] === true) trace.violate("no invariant breaks", String(fields["error"]));
      if (event === "seal_failed") trace.reach("seal_failed");
    };
  }

  // ── Shards ───────────────────────────────────────────────────────────────────────────────────────────────

  shard(address: ShardAddress): ShardHost {
    const name = shardName(address);
    const known = this.shards.get(name);
    if (known !== undefined) return known;
    const host = new Host<Shard & Alarmed>(`shard ${name}`, this.#deps, mayLoseShardAlarm, (place) =>
      this.#buildShard(shard, place),
    );
    const shard: ShardHost = { address, host, inHand: new Set(), rowsAtPut: new Map(), retired: false };
    host.onCrash = (life) => {
      this.#countCrash(shard, life);
    };
    this.shards.set(name, shard);
    return shard;
  }

  #buildShard(shard: ShardHost, place: Place): Shard & Alarmed {
    const { address, host } = shard;
    const { life } = place;
    const { trace } = this.#deps;
    const common = this.#common(place);
    const bucket = this.bucketStub(life, address);
    const built = new Shard(address, place.storage, {
      ...common,
      objects: {
        ...common.objects,
        create: (key, bytes, sha256) => {
          const rows = rowsHeld(host.sql, address.hour);
          const before = shard.rowsAtPut.get(key);
          if (before === undefined) shard.rowsAtPut.set(key, rows);
          else if (before < rows) trace.reach("part_again_after_more_rows");
          return common.objects.create(key, bytes, sha256);
        },
      },
      now: this.#now,
      enrol: async (hour, request) => {
        const reply = await this.bucketStub(life, { type: address.type, hour }).enrol(request);
        if (hour !== address.hour && reply.enrolled) {
          trace.reach("rows_moved");
          if (reply.plan.formats.join() !== request.plan.formats.join()) trace.reach("formats_changed");
        }
        if (!reply.enrolled && reply.why === "closed") trace.reach("enrol_refused");
        return reply;
      },
      homePlan: async (hour, plan) => {
        const nowMs = await this.#now();
        const reply = await this.bucketStub(life, { type: address.type, hour }).plan({ plan, nowMs });
        if (!reply.known) trace.reach("home_forgotten");
        return reply;
      },
      claim: async (home, message) => {
        const reply = await this.homeStub(life, address.type, home).claim(message);
        if (!reply.decided && reply.why === "forgotten") trace.reach("home_forgotten");
        if (reply.decided && reply.granted.includes(0)) trace.reach("claim_denied");
        if (reply.decided && reply.granted.includes(1)) trace.reach("claim_granted");
        return reply;
      },
      wakeBucket: async () => {
        trace.reach("bucket_woken_by_shard");
        return bucket.seal({ nowMs: await this.#now(), plan: null });
      },
      abort: (reason) => {
        if (reason.startsWith("a commit failed")) trace.reach("commit_failed");
        if (reason === "retired") shard.retired = true;
        host.end(life, reason);
      },
      log: this.#log(life),
    });
    return Object.assign(built, {});
  }

  #countCrash({ inHand, host }: ShardHost, life: Life): void {
    const { trace } = this.#deps;
    const seen = new Set<string>();
    for (const fingerprints of inHand) {
      if (life.syncing > 0 && fingerprints.some((fingerprint) => seen.has(fingerprint)))
        trace.reach("duplicate_beside_lost_commit");
      for (const fingerprint of fingerprints) seen.add(fingerprint);
    }
    inHand.clear();
    const unput = host.sql.exec("SELECT 1 AS one FROM sqlite_master WHERE name = 'part'").toArray().length;
    if (unput === 0) return;
    const parts = host.sql.exec<{ no: number }>("SELECT no FROM part WHERE sha256 IS NULL").toArray();
    if (parts.length === 0) return;
    const name = host.name.slice("shard ".length);
    const address = shardOfName(name) ?? broken(name);
    const keys = [...this.r2.held.keys()].filter((key) => key.includes(`/part-${address.index}-`));
    if (keys.length > 0) trace.reach("part_put_and_forgotten");
  }

  shardStub(from: Party, address: ShardAddress): ShardRpc {
    const { trace, network } = this.#deps;
    const shard = this.shard(address);
    const { host } = shard;
    const to = (method: string): string => `${host.name}.${method}`;
    return {
      append: (message) =>
        network.call(
          from,
          `${to("append")} ${message.edge.slice(0, 4)}#${message.no}`,
          async () => {
            const rows = PackedRows.read(message.rows) ?? broken("an edge sent rows that do not add up");
            const fingerprints = Array.from({ length: rows.count }, (_, row) => {
              const at = rows.fingerprintAt(row);
              return bytesToHex(rows.bytes.subarray(at, at + 16));
            });
            if (address.index >= message.plan.shards) trace.reach("spilled");
            const append = `${host.name} ${message.edge}#${message.no}`;
            if (this.#appends.has(append)) trace.reach("append_delivered_twice");
            this.#appends.add(append);
            const waking = shard.retired;
            shard.inHand.add(fingerprints);
            const reply = await host
              .call((object) => object.append(message))
              .finally(() => shard.inHand.delete(fingerprints));
            if (waking) trace.reach("retired_woken");
            this.#countReply(reply);
            if (!("refused" in reply)) this.#holdDurable(host, fingerprints);
            return reply;
          },
          { replyLost: "append_reply_lost", mayComeBack: true },
        ),
      close: (message) =>
        network.call(from, to("close"), () => {
          if (shard.inHand.size > 0 && (host.life?.syncing ?? 0) > 0) trace.reach("close_during_commit");
          return host.call((object) => object.close(message));
        }),
      unflushedBytes: (hour) =>
        network.call(from, to("unflushedBytes"), () =>
          host.call(async (object) => object.unflushedBytes(hour)),
        ),
      tailPages: (hour) =>
        network.call(from, to("tailPages"), async () => {
          const pages = await host.call(async (object) => object.tailPages(hour));
          if (pages.length > 1) trace.reach("tail_of_pages");
          return pages;
        }),
      tailPayload: (hour, range) =>
        network.call(from, to("tailPayload"), () =>
          host.call(async (object) => object.tailPayload(hour, range)),
        ),
      claim: (message) =>
        network.call(
          from,
          `${to("claim")} for ${message.owner}`,
          () => host.call((object) => object.claim(message)),
          {
            replyLost: "claim_reply_lost",
            onReplyLost: () => {
              this.#watcher.claimReplyLost(message.fingerprints);
            },
            mayComeBack: true,
          },
        ),
      grants: (seq) =>
        network.call(from, to("grants"), () => host.call(async (object) => object.grants(seq))),
      ownedBy: (owner, fingerprints) =>
        network.call(from, to("ownedBy"), () =>
          host.call(async (object) => object.ownedBy(owner, fingerprints)),
        ),
      lookUpAppends: (queries) =>
        network.call(from, to("lookUpAppends"), async () => {
          const answers = await host.call(async (object) => object.lookUpAppends(queries));
          for (const { unresolved, unanswered } of answers) {
            if (unresolved.rows > 0) trace.reach("unresolved_committed");
            if (unanswered.rows > 0) trace.reach("unanswered_committed");
          }
          return answers;
        }),
      dropPayloads: (hour, nowMs) =>
        network.call(from, to("dropPayloads"), async () => {
          const name = bucketName({ ...address, hour });
          trace.hold(this.mayDrop.has(name), "resumable", () => `${name} drops its payloads unverified`);
          const dropped = await host.call((object) => object.dropPayloads(hour, epochMs(nowMs)));
          if (dropped) trace.reach("payloads_dropped");
          return dropped;
        }),
      describe: () => host.call(async (object) => object.describe()),
    };
  }

  /** What an append was answered rests on rows that are durable. Looked at now and then: looking is slow. */
  #holdDurable(host: ShardHost["host"], fingerprints: readonly string[]): void {
    if (!this.#deps.random.chance(0.06)) return;
    const durable = new Set<string>();
    const sql = host.durable();
    const add = (bytes: Uint8Array, at: number): Set<string> =>
      durable.add(bytesToHex(bytes.subarray(at, at + 16)));
    const packed = "SELECT fingerprints FROM batch UNION ALL SELECT fingerprints FROM claim";
    for (const { fingerprints: blob } of sql.exec<{ fingerprints: ArrayBuffer }>(packed)) {
      for (let at = 0; at < blob.byteLength; at += 16) add(new Uint8Array(blob), at);
    }
    for (const { rows: blob } of sql.exec<{ rows: ArrayBuffer }>(
      "SELECT rows FROM foreign_batch WHERE rows IS NOT NULL",
    )) {
      const rows = PackedRows.read(new Uint8Array(blob)) ?? broken("foreign rows that do not add up");
      for (let row = 0; row < rows.count; row++) add(rows.bytes, rows.fingerprintAt(row));
    }
    const lost = fingerprints.find((fingerprint) => !durable.has(fingerprint));
    this.#deps.trace.hold(
      lost === undefined,
      "durable",
      () => `${host.name} answered for ${lost}, which is not durable`,
    );
  }

  #countReply(reply: AppendReply): void {
    const { trace } = this.#deps;
    if (!("refused" in reply)) return;
    trace.note(`  refused: ${reply.refused}`);
    if (reply.refused === "wrong_plan") trace.reach("old_plan_corrected");
    if (reply.refused === "overloaded") trace.reach("queue_refused");
    if (reply.refused === "full") trace.reach("shard_full");
  }

  // ── Buckets ──────────────────────────────────────────────────────────────────────────────────────────────

  bucket(address: BucketAddress): BucketHost {
    const name = bucketName(address);
    const known = this.buckets.get(name);
    if (known !== undefined) return known;
    const host = new Host<Bucket & Alarmed>(`bucket ${name}`, this.#deps, mayLoseBucketAlarm, (place) =>
      this.#buildBucket(bucket, place),
    );
    const bucket: BucketHost = { address, host, sealCalls: 0, retired: false };
    host.onCrash = () => {
      if (bucket.sealCalls > 0) this.#deps.trace.reach("bucket_crash_in_seal");
      bucket.sealCalls = 0;
      if (isUnrecorded(host.sql) && this.r2.held.has(manifestKey(address)))
        this.#deps.trace.reach("manifest_put_and_forgotten");
    };
    this.buckets.set(name, bucket);
    return bucket;
  }

  #buildBucket(bucket: BucketHost, place: Place): Bucket & Alarmed {
    const { address, host } = bucket;
    const { life } = place;
    const { trace, random } = this.#deps;
    const built = new Bucket(address, place.storage, {
      ...this.#common(place),
      now: this.#now,
      jitter: () => random.fraction(),
      shard: (holder) => this.shardStub(life, { type: address.type, ...holder }),
      abort: (reason) => {
        if (reason === "retired") {
          bucket.retired = true;
          trace.reach("retired");
        }
        host.end(life, reason);
      },
      log: this.#log(life),
    });
    const alarm = built.alarm.bind(built);
    return Object.assign(built, {
      alarm: async (nowMs: number) => {
        await alarm(epochMs(nowMs));
        if (sealedAt(host.sql) === nowMs) trace.reach("sealed_by_alarm");
      },
    });
  }

  bucketStub(from: Party, address: BucketAddress): BucketRpc {
    const { trace, network } = this.#deps;
    const bucket = this.bucket(address);
    const { host } = bucket;
    const to = (method: string): string => `${host.name}.${method}`;
    return {
      enrol: (message) =>
        network.call(from, to("enrol"), () => host.call((object) => object.enrol(message)), {
          replyLost: "enrol_reply_lost",
          mayComeBack: true,
        }),
      plan: (message) => network.call(from, to("plan"), () => host.call((object) => object.plan(message))),
      seal: (message) =>
        network.call(from, to("seal"), async () => {
          bucket.sealCalls++;
          if (bucket.sealCalls > 1) trace.reach("two_seals");
          const reply = await host
            .call((object) => object.seal(message))
            .finally(() => {
              bucket.sealCalls = Math.max(0, bucket.sealCalls - 1);
            });
          trace.note(`  ${host.name}: ${reply.state}`);
          return reply;
        }),
      verified: (message) =>
        network.call(from, to("verified"), () => {
          if (message.verdict === "balanced") this.mayDrop.add(bucketName(address));
          return host.call((object) => object.verified(message));
        }),
      describe: () => host.call(async (object) => object.describe()),
    };
  }

  // ── Homes ────────────────────────────────────────────────────────────────────────────────────────────────

  undatedHome(type: EventType, index: number): Host<UndatedHome & Alarmed> {
    const name = undatedHomeName(type, index);
    const known = this.undatedHomes.get(name);
    if (known !== undefined) return known;
    const host = new Host<UndatedHome & Alarmed>(
      `undated home ${name}`,
      this.#deps,
      () => false,
      (place) => {
        const built = new UndatedHome(place.storage, {
          now: this.#now,
          armAlarm: (atMs) => place.armAlarm(atMs),
          mayDelete: this.#mayDelete,
          abort: (reason) => {
            host.end(place.life, reason);
          },
          log: this.#log(place.life),
        });
        return Object.assign(built, {});
      },
    );
    this.undatedHomes.set(name, host);
    return host;
  }

  homeStub(from: Party, type: EventType, home: HomeAddress): UndatedHomeRpc {
    if (home.kind === "dated") return this.shardStub(from, { type, hour: home.hour, index: home.index });
    const { network } = this.#deps;
    const host = this.undatedHome(type, home.index);
    return {
      claim: (message) =>
        network.call(
          from,
          `${host.name}.claim for ${message.owner}`,
          () => host.call((object) => object.claim(message)),
          {
            replyLost: "claim_reply_lost",
            onReplyLost: () => {
              this.#watcher.claimReplyLost(message.fingerprints);
            },
            mayComeBack: true,
          },
        ),
      ownedBy: (owner, fingerprints) =>
        network.call(from, `${host.name}.ownedBy`, () =>
          host.call(async (object) => object.ownedBy(owner, fingerprints)),
        ),
    };
  }

  // ── Ledgers ──────────────────────────────────────────────────────────────────────────────────────────────

  ledger(address: LedgerAddress): Host<Ledger & Alarmed> {
    const name = ledgerName(address.hour, address.slot);
    const known = this.ledgers.get(name);
    if (known !== undefined) return known;
    const host = new Host<Ledger & Alarmed>(
      `ledger ${name}`,
      this.#deps,
      () => false,
      (place) => {
        const built = new Ledger(place.storage, {
          now: this.#now,
          armAlarm: (atMs) => place.armAlarm(atMs),
          mayDelete: this.#mayDelete,
          abort: (reason) => {
            host.end(place.life, reason);
          },
          log: this.#log(place.life),
        });
        return Object.assign(built, {});
      },
    );
    this.ledgers.set(name, host);
    return host;
  }

  ledgerStub(from: Party, address: LedgerAddress): LedgerRpc {
    const { trace, network } = this.#deps;
    const host = this.ledger(address);
    return {
      open: (edge, retireAtMs) =>
        network.call(from, `${host.name}.open ${edge.slice(0, 4)}`, () =>
          host.call((object) => object.open(edge, epochMs(retireAtMs))),
        ),
      report: (report) =>
        network.call(
          from,
          `${host.name}.report ${report.edge.slice(0, 4)}/${report.no}`,
          async () => {
            const reply = await host.call((object) => object.report(report));
            if (reply.taken) {
              const name = `${report.edge}/${report.no}`;
              if (this.#reports.has(name)) trace.reach("report_repeated");
              this.#reports.add(name);
              this.#watcher.ledgerHolds(
                report.edge,
                report.sent.map(({ no }) => no),
              );
            }
            return reply;
          },
          { replyLost: "ledger_reply_lost" },
        ),
      account: (type) =>
        network.call(from, `${host.name}.account`, () => host.call((object) => object.account(type))),
      totals: () => network.call(from, `${host.name}.totals`, () => host.call((object) => object.totals())),
      use: (types) => network.call(from, `${host.name}.use`, () => host.call((object) => object.use(types))),
    };
  }
}

/** Rows that a shard is to deliver in a bucket, durable or not. */
export function rowsHeld(sql: Host<Alarmed>["sql"], hour: string): number {
  const [row] = sql
    .exec<{ bytes: number }>(
      "SELECT coalesce(sum(length(fingerprints)), 0) AS bytes FROM batch WHERE hour = ?",
      hour,
    )
    .toArray();
  return (row?.bytes ?? 0) / 16;
}

/** Only while others would do its work: nobody asks a sealed bucket to go on with what its alarm is for. */
function mayLoseShardAlarm(sql: Host<Alarmed>["sql"]): boolean {
  return sql.exec("SELECT 1 AS one FROM shard WHERE phase = 'open'").toArray().length > 0;
}

function mayLoseBucketAlarm(sql: Host<Alarmed>["sql"]): boolean {
  return sql.exec("SELECT 1 AS one FROM bucket WHERE phase <> 'sealed'").toArray().length > 0;
}

/** True if a bucket has frozen its manifest and does not know whether it is in R2. */
function isUnrecorded(sql: Host<Alarmed>["sql"]): boolean {
  if (sealedAt(sql) === null) return false;
  return sql.exec("SELECT 1 AS one FROM bucket WHERE manifest_created = 0").toArray().length > 0;
}

/** When a bucket froze its manifest; null before. */
function sealedAt(sql: Host<Alarmed>["sql"]): number | null {
  if (sql.exec("SELECT 1 AS one FROM sqlite_master WHERE name = 'bucket'").toArray().length === 0)
    return null;
  const [row] = sql.exec<{ at: number | null }>("SELECT sealed_at_ms AS at FROM bucket").toArray();
  return row?.at ?? null;
}
