/**
 * The crash matrix of retirement: every kind of object, from the last thing it did until nothing is left of it, driven by
 * its own alarms alone, with every call to the outside failed. Whatever fails, it keeps what it promised to keep until its
 * time, and is gone afterwards.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type EpochMs, endOf, epochMs, startOf } from "../../domain/hour.ts";
import { AppendNo } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { carryBytesMin, freezeRecheckMs, retireAfterWindowMs } from "../../domain/limits.ts";
import { packRows } from "../../domain/packed-rows.ts";
import { dueAt, protocolVersion } from "../../domain/plan.ts";
import { Ledger } from "../../durable-objects/edge-ledger/ledger.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { Bucket } from "../../durable-objects/hour-bucket/bucket.ts";
import { UndatedHome } from "../../durable-objects/undated-home/home.ts";
import { isBlank } from "../../platform/storage.ts";
import { edgeOf, hour, indexOf, ownerOf, packedNos, plan, rowNo, type } from "../domain/make.ts";
import { MemoryObjects } from "../fakes/object-store.ts";
import { type Fault, Host, Outside, type Place, failures, plainCodec, untilDone } from "./harness.ts";

const due = dueAt(hour, plan.graceMs);
const dayMs = 86_400_000;
const retireAt = endOf(hour) + plan.windowMs + retireAfterWindowMs;

interface Alarmed {
  alarm(now: EpochMs): Promise<void>;
}

/** One object, and its clock. */
class World<Built extends Alarmed> {
  readonly outside: Outside;
  readonly host: Host<Built>;
  now: EpochMs = startOf(hour);
  /** Operators have frozen everything until then. */
  frozenUntil = 0;

  constructor(
    fault: Fault | null,
    build: (place: Place, common: ReturnType<World<Built>["common"]>) => Built,
  ) {
    this.outside = new Outside(fault);
    this.host = new Host("object", this.outside, (place) => build(place, this.common(place)));
  }

  common({ life, armAlarm }: Place) {
    return {
      objects: new MemoryObjects(),
      codec: plainCodec,
      schema: async () => null,
      now: async () => this.now,
      armAlarm,
      mayDelete: () =>
        this.outside.call(life, "may it be deleted?", async () => this.now >= this.frozenUntil),
      abort: (reason: string) => {
        life.end(reason);
      },
      log: () => undefined,
      jitter: () => 0.5,
    };
  }

  /** Does it until it is done, at that time. */
  at<Reply>(now: number, act: (object: Built) => Promise<Reply>): Promise<Reply> {
    this.now = epochMs(now);
    return untilDone(() => this.host.call(act));
  }
}

interface Kind {
  readonly name: string;
  /** Plays its life to the end and judges it; what came of its calls is in the outside. */
  readonly play: (fault: Fault | null, frozenMs?: number) => Promise<Outside>;
}

/** `live`: up to the last thing that anybody asks of it. */
function kindOf<Built extends Alarmed>(
  name: string,
  goneAt: number,
  make: (fault: Fault | null) => World<Built>,
  live: (world: World<Built>) => Promise<unknown>,
): Kind {
  const play = async (fault: Fault | null, frozenMs = 0): Promise<Outside> => {
    const world = make(fault);
    const endsAt = goneAt + frozenMs;
    if (frozenMs > 0) world.frozenUntil = endsAt;
    await live(world);
    const times = await world.host.alarms(async (object, atMs) => {
      world.now = epochMs(atMs);
      if (atMs <= endsAt) expect(isBlank(world.host.durable()), `blank before ${endsAt}`).toBe(false);
      await object.alarm(world.now);
    });
    expect(isBlank(world.host.durable())).toBe(true);
    expect(times.some((atMs) => atMs >= endsAt)).toBe(true);
    return world.outside;
  };
  return { name, play };
}

const claimed = { protocol: protocolVersion, owner: ownerOf(0), windowMs: plan.windowMs };

function shardWorld(fault: Fault | null): World<Shard> {
  return new World<Shard>(fault, ({ storage }, common) => {
    return new Shard({ type, hour, index: indexOf(0) }, storage, {
      ...common,
      enrol: async (_hour, request) => ({ enrolled: true, plan: request.plan }),
      homePlan: async () => broken("no row is foreign"),
      claim: async () => broken("no row is foreign"),
      wakeBucket: async () => broken("it was closed in time"),
    });
  });
}

function bucketWorld(fault: Fault | null): World<Bucket> {
  return new World<Bucket>(fault, ({ storage }, common) => {
    return new Bucket({ type, hour }, storage, { ...common, shard: () => broken("nobody enrolled") });
  });
}

const onePlan = { ...plan, shards: 1 };

const kinds: readonly Kind[] = [
  kindOf("a shard whose rows were delivered", retireAt, shardWorld, async (world) => {
    const rows = packRows([rowNo(1), rowNo(2)]);
    let edges = 0;
    await world.at(startOf(hour), (shard) => {
      const message = {
        protocol: protocolVersion,
        edge: edgeOf(++edges),
        no: AppendNo.parse(1),
        plan: onePlan,
      };
      return shard.append({ ...message, rows });
    });
    await world.at(due, (shard) =>
      shard.close({
        protocol: protocolVersion,
        hour,
        nowMs: due,
        formats: [...plan.formats],
        carryBytes: carryBytesMin,
      }),
    );
    await world.at(due + 60_000, (shard) => shard.dropPayloads(hour, epochMs(due + 60_000)));
  }),
  kindOf("a shard that only ever was a home", retireAt, shardWorld, (world) =>
    world.at(due, (shard) => shard.claim({ ...claimed, fingerprints: packedNos([1, 2]) })),
  ),
  kindOf("a bucket that was sealed", retireAt, bucketWorld, async (world) => {
    await world.at(due, async (bucket) => {
      const reply = await bucket.seal({ nowMs: due, plan });
      if (reply.state !== "sealed") throw new Error(JSON.stringify(reply));
    });
    await world.at(due, (bucket) => bucket.verified({ nowMs: due, verdict: "balanced" }));
  }),
  kindOf("a bucket that only ever fixed a plan", retireAt, bucketWorld, (world) =>
    world.at(due, (bucket) => bucket.plan({ plan, nowMs: due })),
  ),
  kindOf(
    "an undated home",
    // A day's identities go together, a window and a day after the day's end.
    Math.floor((due + 2 * dayMs) / dayMs + 1) * dayMs + plan.windowMs + retireAfterWindowMs,
    (fault) => new World<UndatedHome>(fault, ({ storage }, common) => new UndatedHome(storage, common)),
    async (world) => {
      for (const [day, no] of [1, 2, 3].entries()) {
        const fingerprints = packedNos([no]);
        await world.at(due + day * dayMs, (home) => home.claim({ ...claimed, fingerprints }));
      }
    },
  ),
  kindOf(
    "a ledger",
    retireAt,
    (fault) => new World<Ledger>(fault, ({ storage }, common) => new Ledger(storage, common)),
    (world) => world.at(due, (ledger) => ledger.open(edgeOf(1), epochMs(retireAt))),
  ),
];

describe.each(kinds)("$name", ({ play }) => {
  let calls: readonly string[] = [];

  beforeAll(async () => {
    calls = [...(await play(null)).calls];
  });

  it("[BU11] deletes itself as the last thing it does", () => {
    expect(calls.at(-1)).toBe("object: delete all");
    expect(calls.filter((call) => call === "object: delete all")).toHaveLength(1);
  });

  it.each(failures)("[OP13] frozen, it stays until that is lifted, when any call %s", async (failure) => {
    for (let call = 0; call < calls.length; call++) await play({ call, failure }, 3 * freezeRecheckMs);
  });

  it.each(failures)("[BU11] is gone in time and not before, when any call %s", async (failure) => {
    for (const [call, name] of calls.entries()) {
      const outside = await play({ call, failure }).catch((error: unknown) => {
        throw new Error(`call ${call}, ${name}`, { cause: error });
      });
      expect(outside.failed, name).toBe(true);
    }
  });
});
