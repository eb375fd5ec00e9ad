/**
 * The crash matrix of claims: two holders of the same foreign rows, their homes, and the undated homes, with every call
 * that any of them makes to the outside failed in every way. Whatever fails, an identity is delivered once.
 */
import { beforeAll, describe, expect, it } from "vitest";
import type { Format } from "../../domain/encoding.ts";
import { type EpochMs, type Hour, endOf, epochMs, plusHours, startOf } from "../../domain/hour.ts";
import { AppendNo, type Holder, type HolderName, shardOfName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { carryAloneBytesMax, claimBytes, claimPatienceMs, forgetAfterWindowMs } from "../../domain/limits.ts";
import type { AppendReply, ClaimMessage, ClaimReply, HomeAddress } from "../../domain/messages.ts";
import { type Claims, claims, packRows } from "../../domain/packed-rows.ts";
import { dueAt, protocolVersion } from "../../domain/plan.ts";
import { type Receipt, receiptFault } from "../../domain/receipt.ts";
import { addTallies } from "../../domain/tally.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { ShardStore } from "../../durable-objects/event-shard/store.ts";
import { Bucket } from "../../durable-objects/hour-bucket/bucket.ts";
import { UndatedHome } from "../../durable-objects/undated-home/home.ts";
import { holderFindings } from "../../workers/flusher/audit/claims.ts";
import type { HomesEnv } from "../../platform/stubs.ts";
import {
  countersOfShard,
  edgeOf,
  hexOf,
  hour,
  hourOfText,
  indexOf,
  ownerOf,
  packedNos,
  plan,
  rowNo,
  tallyOf,
  textOf,
  type,
} from "../domain/make.ts";
import { MemoryObjects } from "../fakes/object-store.ts";
import { type Fault, Host, Outside, type Place, failures, plainCodec, untilDone } from "./harness.ts";

const homeHour = hourOfText("2026-11-23T08");
const later = plusHours(hour, 1);
const due = dueAt(hour, plan.graceMs);

interface Script {
  readonly name: string;
  /** Whether the dated home is away until the hour is sealed. */
  readonly away: boolean;
}

const scripts: readonly Script[] = [
  { name: "whose homes answer", away: false },
  { name: "whose dated home is away, so that they move", away: true },
];

/** What is posted, to both holders: their own home rows, and foreign rows of every kind. */
const posted: readonly (readonly [no: number, claims: Claims])[] = [
  [1, claims.dated],
  [2, claims.dated],
  [3, claims.undated],
  [4, claims.both],
  [5, claims.both],
];
const ofHolder = [[10, 11], [20]];
/** The home has it as a row of its own before anybody claims it. */
const atHome = 2;
const all = [...posted.map(([no]) => no), ...ofHolder.flat()].filter((no) => no !== atHome);
/** Rows so large that the ones of one delivery take two rounds of claims. */
const largeRowBytes = 512 * 1024;
const twoShards = { ...plan, shards: 2 };

/** What receipts may carry. */
const carryBytes = carryAloneBytesMax;

class World {
  readonly outside: Outside;
  readonly homeBucket: Host<Bucket>;
  readonly home: Host<Shard>;
  readonly undated = new Map<number, Host<UndatedHome>>();
  readonly holders: readonly Host<Shard>[];
  readonly enrolled = new Set<string>();
  now: EpochMs = startOf(hour);
  away = false;
  /** Rounds of claims that a holder begins before it crashes at the next one. */
  roundsLeft = Infinity;
  #appends = 0;

  constructor(fault: Fault | null) {
    this.outside = new Outside(fault);
    this.homeBucket = new Host("bucket", this.outside, (place) => this.#buildBucket(place));
    this.home = this.#shard("home", { hour: homeHour, index: indexOf(0) });
    this.holders = [0, 1].map((no) => this.#shard(`holder ${no}`, { hour, index: indexOf(no) }));
  }

  #common({ life, armAlarm }: Place) {
    return {
      objects: new MemoryObjects(),
      codec: plainCodec,
      schema: async () => null,
      now: async () => this.now,
      armAlarm,
      mayDelete: async () => true,
      abort: (reason: string) => {
        life.end(reason);
      },
      log: () => undefined,
    };
  }

  #buildBucket(place: Place): Bucket {
    return new Bucket({ type, hour: homeHour }, place.storage, {
      ...this.#common(place),
      jitter: () => 0.5,
      shard: () => broken("nothing is sealed here"),
    });
  }

  #shard(name: string, holder: Holder): Host<Shard> {
    const host: Host<Shard> = new Host(name, this.outside, (place) => {
      const { life, storage } = place;
      return new Shard({ type, ...holder }, storage, {
        ...this.#common(place),
        enrol: (of, request) =>
          this.outside.call(life, `${name}: enrol`, async () => {
            this.enrolled.add(`${of} ${request.hour}/${request.index}`);
            return { enrolled: true, plan: request.plan };
          }),
        homePlan: (of, proposed) =>
          this.outside.call(life, `${name}: home plan`, () => {
            expect(of).toBe(homeHour);
            if (this.roundsLeft-- <= 0) host.crash();
            return this.homeBucket.call((bucket) => bucket.plan({ plan: proposed, nowMs: this.now }));
          }),
        claim: (home, message) =>
          this.outside.call(life, `${name}: claim ${home.kind}`, () => {
            const durable = new Set(
              [...new ShardStore(host.durable()).fingerprints()].flatMap(fingerprintsIn),
            );
            for (const one of fingerprintsIn(message.fingerprints)) expect(durable, "claimed").toContain(one);
            return this.#claim(home, message);
          }),
        wakeBucket: async () => undefined,
      });
    });
    return host;
  }

  #claim(home: HomeAddress, message: ClaimMessage): Promise<ClaimReply> {
    if (home.kind === "undated") return this.#undatedHome(home.index).call((object) => object.claim(message));
    if (this.away) throw new Error("the home is away");
    return this.home.call((object) => object.claim(message));
  }

  #undatedHome(index: number): Host<UndatedHome> {
    const known = this.undated.get(index);
    if (known !== undefined) return known;
    const made = new Host(`undated ${index}`, this.outside, (place) => {
      return new UndatedHome(place.storage, this.#common(place));
    });
    this.undated.set(index, made);
    return made;
  }

  /** Holders and homes, as the auditor's bindings reach them. */
  get namespaces(): { readonly EVENT_SHARD: unknown; readonly UNDATED_HOME: unknown } {
    const getByName = (name: string): unknown => {
      const address = shardOfName(name) ?? broken(name);
      const host = address.hour === homeHour ? this.home : this.holderAt(address.index);
      return {
        grants: (seq: number) => host.call(async (object) => object.grants(seq)),
        ownedBy: (owner: HolderName, denied: Uint8Array) =>
          host.call(async (object) => object.ownedBy(owner, denied)),
      };
    };
    const undated = (name: string): unknown => {
      const host = this.#undatedHome(Number(name.split("/")[0]));
      return {
        ownedBy: (owner: HolderName, denied: Uint8Array) =>
          host.call(async (object) => object.ownedBy(owner, denied)),
      };
    };
    return { EVENT_SHARD: { getByName }, UNDATED_HOME: { getByName: undated } };
  }

  /** Sends rows until it is told what became of them. */
  append(holder: number): Promise<AppendReply> {
    const own = ofHolder[holder] ?? [];
    const rows = packRows([
      ...own.map((no) => rowNo(no, { hashes: { source: holder, id: holder } })),
      ...posted.map(([no, where]) =>
        rowNo(no, { claims: where, homeHour, timeMs: where === claims.undated ? null : startOf(homeHour) }),
      ),
    ]);
    return this.#send(this.holderAt(holder), rows);
  }

  /** The home takes this one as a row of its own, in its hour. */
  appendAtHome(no: number): Promise<AppendReply> {
    return this.#send(this.home, packRows([rowNo(no, { homeHour })]));
  }

  send(holder: number, rows: Uint8Array<ArrayBuffer>): Promise<AppendReply> {
    return this.#send(this.holderAt(holder), rows);
  }

  #send(shard: Host<Shard>, rows: Uint8Array<ArrayBuffer>): Promise<AppendReply> {
    return untilDone(async () => {
      const edge = edgeOf(++this.#appends);
      const message = { protocol: protocolVersion, edge, no: AppendNo.parse(1), plan: twoShards, rows };
      const reply = await shard.call((object) => object.append(message));
      if ("refused" in reply) throw new Error(reply.refused);
      return reply;
    });
  }

  holderAt(holder: number): Host<Shard> {
    return this.holders[holder] ?? broken(`no holder ${holder}`);
  }

  close(holder: number, of: Hour, formats: readonly Format[] = plan.formats): Promise<Receipt> {
    return untilDone(async () => {
      const message = {
        protocol: protocolVersion,
        hour: of,
        nowMs: this.now,
        formats: [...formats],
        carryBytes,
      };
      const reply = await this.holderAt(holder).call((object) => object.close(message));
      return reply.closed ? reply.receipt : broken("it speaks another protocol");
    });
  }
}

function fingerprintsIn(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length / 16 }, (_, no) => hexOf(bytes.subarray(no * 16, no * 16 + 16)));
}

async function rowsOf(world: World, holder: number, of: Hour): Promise<number[]> {
  const tail = await world.holderAt(holder).call(async (object) => object.tailPayload(of, null));
  return [...textOf(tail).matchAll(/"no":(\d+)/g)].map(([, no]) => Number(no));
}

async function play(script: Script, world: World): Promise<void> {
  world.away = script.away;
  await world.appendAtHome(atHome);
  await Promise.all([world.append(0), world.append(1)]);
  world.now = epochMs(due + claimPatienceMs);
  const first = await Promise.all([world.close(0, hour), world.close(1, hour)]);
  world.away = false;
  // Before the later bucket's own deadline: what fails there is asked again, and does not move on.
  world.now = dueAt(later, plan.graceMs);
  const second = await Promise.all(
    [0, 1]
      .filter((no) => [...world.enrolled].includes(`${later} ${hour}/${no}`))
      .map(async (no) => ({ no, receipt: await world.close(no, later) })),
  );
  await judge(script, world, first, second);
}

async function judge(
  script: Script,
  world: World,
  first: readonly Receipt[],
  second: readonly { readonly no: number; readonly receipt: Receipt }[],
): Promise<void> {
  const receipts = [...first, ...second.map(({ receipt }) => receipt)];
  expect(receipts.map(receiptFault)).toEqual(receipts.map(() => null));
  const delivered = [...(await rowsOf(world, 0, hour)), ...(await rowsOf(world, 1, hour))];
  for (const { no } of second) delivered.push(...(await rowsOf(world, no, later)));
  expect(delivered.toSorted((a, b) => a - b)).toEqual(all.toSorted((a, b) => a - b));

  const sum = (of: (receipt: Receipt) => Receipt["counters"]["accepted"]): unknown =>
    addTallies(receipts.map(of));
  expect(sum(({ counters }) => counters.delivered)).toEqual(tallyOf(all));
  expect(sum(({ counters }) => addTallies([counters.delivered, counters.denied]))).toEqual(
    sum(({ counters }) => counters.accepted),
  );
  for (const [no, { counters }] of first.entries()) {
    const movedIn = second.find((one) => one.no === no)?.receipt.counters.reassignedIn ?? [];
    expect(tallies(movedIn)).toEqual(tallies(counters.reassignedOut));
    expect(counters.unguarded).toBe(0);
    if (script.away) expect(counters.reassignedOut).toMatchObject([{ hour: later }]);
    else if (!world.outside.failed) expect(counters.reassignedOut).toEqual([]);
    await judgeHomes(world, no);
  }
  // Asked again in the next life, and once the payloads are gone, the figures are the same.
  for (const [no, receipt] of first.entries()) {
    world.holderAt(no).crash();
    expect(await world.close(no, hour)).toEqual(receipt);
    expect(await untilDone(() => world.holderAt(no).call((one) => one.dropPayloads(hour, world.now)))).toBe(
      true,
    );
    expect(await world.close(no, hour)).toEqual(receipt);
  }
}

/** What homes told the holder is what they recorded, also after they were restarted. */
async function judgeHomes(world: World, no: number): Promise<void> {
  world.home.crash();
  for (const home of world.undated.values()) home.crash();
  const { EVENT_SHARD, UNDATED_HOME } = world.namespaces;
  const holder = countersOfShard(no, tallyOf([]));
  const env = { EVENT_SHARD, UNDATED_HOME } as unknown as HomesEnv;
  expect(await holderFindings(env, type, holder)).toEqual([]);
}

function tallies(moves: Receipt["counters"]["reassignedIn"]): unknown[] {
  return moves.map(({ tally }) => tally);
}

describe.each(scripts)("foreign rows $name", (script) => {
  const clean = new World(null);
  let calls: readonly string[] = [];

  beforeAll(async () => {
    await play(script, clean);
    calls = [...clean.outside.calls];
  });

  it("[CL1] [CL3] are claimed by the calls that the matrix expects", () => {
    expect(calls).toEqual(
      expect.arrayContaining([
        "holder 0: enrol",
        "holder 0: home plan",
        "holder 0: claim dated",
        "holder 1: claim undated",
        "bucket: sync",
        "home: sync",
      ]),
    );
    expect(calls.filter((call) => call === "holder 0: enrol")).toHaveLength(script.away ? 2 : 1);
  });

  it.each(failures)(
    "[CL1] [CL2] [CL3] [CL4] [CL6] [AU12] are delivered once, when any call %s",
    async (failure) => {
      for (const [call, name] of calls.entries()) {
        const world = new World({ call, failure });
        await play(script, world).catch((error: unknown) => {
          throw new Error(`call ${call}, ${name}`, { cause: error });
        });
        expect(world.outside.failed, name).toBe(true);
      }
    },
    60_000,
  );
});

describe("a holder whose home does not answer", () => {
  it("[CL4] waits for it until the deadline, then moves its rows on and gives its receipt", async () => {
    const world = new World(null);
    world.away = true;
    await world.append(0);
    world.now = epochMs(due + claimPatienceMs - 1);
    await expect(world.close(0, hour)).rejects.toThrow("never recovered");
    expect(world.enrolled).not.toContain(`${later} ${hour}/0`);
    world.now = epochMs(due + claimPatienceMs);
    const { counters } = await world.close(0, hour);
    expect(counters.reassignedOut).toEqual([{ hour: later, tally: tallyOf([1, 2, 4, 5]) }]);
    expect(counters.delivered).toEqual(tallyOf([3, 10, 11]));
    expect(world.enrolled).toContain(`${later} ${hour}/0`);
  });

  it("[CL4] [AU12] moves rows of one delivery to several buckets, if an outage lasts, and accounts for each", async () => {
    const world = new World(null);
    world.away = true;
    const nos = [...Array((2 * claimBytes) / largeRowBytes).keys()].map((at) => 100 + at);
    const large = nos.map((no) =>
      rowNo(no, {
        claims: claims.dated,
        homeHour,
        line: `{"no":${no},"pad":"${"x".repeat(largeRowBytes)}"}\n`,
      }),
    );
    for (const row of large) await world.send(0, packRows([row]));
    // The first rows move; then the holder crashes over and over, until the later bucket has had its receipt.
    world.now = epochMs(due + claimPatienceMs);
    world.roundsLeft = 1;
    await expect(world.close(0, hour)).rejects.toThrow("never recovered");
    world.now = epochMs(dueAt(later, plan.graceMs) + claimPatienceMs);
    world.roundsLeft = Infinity;
    world.away = false;
    const second = await world.close(0, later);
    world.away = true;
    const first = await world.close(0, hour);
    world.away = false;
    const last = plusHours(later, 1);
    const third = await world.close(0, last);
    const moved = first.counters.reassignedOut;
    expect(moved.map((move) => move.hour)).toEqual([later, last]);
    expect(second.counters.reassignedIn).toEqual([{ hour, tally: moved[0]?.tally }]);
    expect(third.counters.reassignedIn).toEqual([{ hour, tally: moved[1]?.tally }]);
    expect(addTallies(moved.map(({ tally }) => tally))).toEqual(tallyOf(nos));
    const delivered = [second, third].map(({ counters }) => counters.delivered);
    expect(addTallies(delivered)).toEqual(tallyOf(nos));
    await judgeHomes(world, 0);
  });

  it("[CL4] [FO1] writes rows that moved in the formats of the bucket that takes them", async () => {
    const world = new World(null);
    world.away = true;
    const nos = [...Array(1 + carryAloneBytesMax / largeRowBytes).keys()].map((at) => 100 + at);
    for (const no of nos) {
      const line = `{"no":${no},"pad":"${"x".repeat(largeRowBytes)}"}\n`;
      await world.send(0, packRows([rowNo(no, { claims: claims.dated, homeHour, line })]));
    }
    world.now = epochMs(due + claimPatienceMs);
    await world.close(0, hour);
    world.away = false;
    const { parts, formats, counters } = await world.close(0, later, ["parquet"]);
    expect(plan.formats).toEqual(["ndjson.gz"]);
    expect(formats).toEqual(["parquet"]);
    expect(new Set(parts.map(({ format }) => format))).toEqual(new Set(formats));
    expect(counters.delivered).toEqual(tallyOf(nos));
  });

  it("[CL4] gives an empty receipt to a bucket that it enrolled with and moved nothing to", async () => {
    const world = new World(null);
    await world.append(0);
    const { counters } = await world.close(0, later);
    expect(counters).toMatchObject({
      hour,
      accepted: tallyOf([]),
      delivered: tallyOf([]),
      reassignedIn: [],
    });
  });
});

describe("a home that may have forgotten", () => {
  it("[CL5] says so, and the row is delivered with a mark", async () => {
    const world = new World(null);
    await world.append(0);
    world.now = epochMs(endOf(homeHour) + plan.windowMs + forgetAfterWindowMs / 2);
    const { counters } = await world.close(0, hour);
    expect(counters).toMatchObject({ unguarded: 4, denied: tallyOf([]), reassignedOut: [] });
    expect(counters.delivered).toEqual(tallyOf([1, 2, 3, 4, 5, 10, 11]));
    const tail = textOf(await world.holderAt(0).call(async (object) => object.tailPayload(hour, null)));
    const marked = tail.split("\n").filter((line) => line.startsWith('{"unguarded":true,'));
    expect(marked.map((line) => (JSON.parse(line) as { no: number }).no)).toEqual([1, 2, 4, 5]);
  });

  it("[CL5] is a blank one past its window; one that keeps identities goes on answering", async () => {
    const message = {
      protocol: protocolVersion,
      owner: ownerOf(0),
      fingerprints: packedNos([1]),
      windowMs: plan.windowMs,
    };
    const past = epochMs(endOf(homeHour) + plan.windowMs + forgetAfterWindowMs / 2);
    const blank = new World(null);
    blank.now = past;
    const reply = await blank.home.call((home) => home.claim(message));
    expect(reply).toEqual({ decided: false, why: "forgotten" });

    const known = new World(null);
    known.now = epochMs(past - 1);
    expect(await known.home.call((home) => home.claim(message))).toMatchObject({ decided: true });
    known.now = past;
    known.home.crash();
    const granted = await known.home.call((home) => home.claim(message));
    expect(granted).toEqual({ decided: true, granted: new Uint8Array([1]) });
    const other = await known.home.call((home) => home.claim({ ...message, owner: ownerOf(1) }));
    expect(other).toEqual({ decided: true, granted: new Uint8Array([0]) });

    // In its last day it stays for audits alone: who owns something there may not have heard it.
    known.now = epochMs(endOf(homeHour) + plan.windowMs + forgetAfterWindowMs);
    expect(await known.home.call((home) => home.claim(message))).toEqual(granted);
    const late = await known.home.call((home) => home.claim({ ...message, owner: ownerOf(1) }));
    expect(late).toEqual({ decided: false, why: "forgotten" });
    known.now = epochMs(known.now - 1);
    const before = await known.home.call((home) => home.claim({ ...message, owner: ownerOf(1) }));
    expect(before).toEqual(other);
  });
});

describe("two holders of one identity with two dates", () => {
  it("[CL2] are not denied by each other's foreign rows, also after a restart", async () => {
    const world = new World(null);
    await world.append(0);
    world.holderAt(0).crash();
    const message = {
      protocol: protocolVersion,
      owner: ownerOf(7),
      fingerprints: packedNos([1, 10]),
      windowMs: plan.windowMs,
    };
    // Row 1 is foreign to it, row 10 is its own.
    const reply = { decided: true, granted: new Uint8Array([1, 0]) };
    expect(await world.holderAt(0).call((object) => object.claim(message))).toEqual(reply);
    world.holderAt(0).crash();
    expect(await world.holderAt(0).call((object) => object.claim(message))).toEqual(reply);
    const other = await world.holderAt(0).call((object) => object.claim({ ...message, owner: ownerOf(8) }));
    expect(other).toEqual({ decided: true, granted: new Uint8Array([0, 0]) });
  });
});

describe("an append that is delivered twice", () => {
  it("[CL9] is decided once, also by the shard's next life", async () => {
    const world = new World(null);
    const message = {
      protocol: protocolVersion,
      edge: edgeOf(1),
      no: AppendNo.parse(1),
      plan,
      rows: packRows([rowNo(1), rowNo(2, { claims: claims.dated, homeHour })]),
    };
    const [first, second] = await Promise.all(
      [0, 1].map(() => world.holderAt(0).call((object) => object.append(message))),
    );
    expect(first).toMatchObject({ accepted: tallyOf([1, 2]) });
    expect(second).toEqual({ refused: "repeated" });
    world.holderAt(0).crash();
    expect(await world.holderAt(0).call((object) => object.append(message))).toEqual({ refused: "repeated" });
    const next = { ...message, no: AppendNo.parse(2) };
    expect(await world.holderAt(0).call((object) => object.append(next))).toMatchObject({ duplicates: 2 });
  });
});
