/**
 * The bucket's crash matrix: an hour from its first append to its last dropped payload, over real shards, with every
 * call that the bucket or a shard makes to the outside failed in every way.
 */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type Format, formatOf } from "../../domain/encoding.ts";
import { type EpochMs, epochMs, startOf } from "../../domain/hour.ts";
import { AppendNo } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import type * as Limits from "../../domain/limits.ts";
import { tailPageBytes } from "../../domain/limits.ts";
import { Manifest, bucketPrefix, manifestFault, manifestKey, successKey } from "../../domain/manifest.ts";
import type { SealReply, SealedSummary } from "../../domain/messages.ts";
import { packRows } from "../../domain/packed-rows.ts";
import { dueAt, protocolVersion } from "../../domain/plan.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { Bucket } from "../../durable-objects/hour-bucket/bucket.ts";
import type { SealDeps } from "../../durable-objects/hour-bucket/seal-steps.ts";
import { edgeOf, hour, indexOf, plan as onePlan, rowNo, tallyOf, textOf, type } from "../domain/make.ts";
import { MemoryObjects, aroundObjects } from "../fakes/object-store.ts";
import {
  type Fault,
  Host,
  type Life,
  Outside,
  type Place,
  failures,
  plainCodec,
  sha256Of,
  untilDone,
} from "./harness.ts";

/** Pages of some rows instead of some megabytes: each of some hundred worlds has them. */
vi.mock("../../domain/limits.ts", async (original) => ({
  ...(await original<typeof Limits>()),
  tailPageBytes: 400_000,
}));

const shardsUsed = 4;
const plan = {
  ...onePlan,
  shards: shardsUsed,
  formats: ["ndjson.gz", "parquet"] satisfies Format[],
};
const due = dueAt(hour, plan.graceMs);
const address = { type, hour };

/** Bytes of the line of a row that is not long. */
const shortBytes = 40;

/** Rows from this number on are so long that six of them are more than the least that a receipt may carry. */
const longFrom = 100;
const longBytes = 200_000;

interface Script {
  readonly name: string;
  /** Appends, one after the other: the shard, and the numbers of its rows. */
  readonly appends: readonly (readonly [shard: number, numbers: readonly number[]])[];
  /** Shards that never say what they hold: their receipts carry little. */
  readonly silent?: readonly number[];
  /** Who seals: one caller, or two at once while a client goes on sending. */
  readonly busy: boolean;
  readonly codec?: PartCodec;
  /** Merged parts of each format; one, unless it says otherwise. */
  readonly merged?: number;
}

/** Finds columns of more than one row to be more than a put takes, but for a sample. */
const bloatedCodec: PartCodec = {
  ...plainCodec,
  encode: (encoding, chunks, bytesMax) =>
    plainCodec.encode(
      encoding,
      chunks,
      formatOf(encoding.encoder) === "parquet" && Number.isFinite(bytesMax) ? shortBytes : bytesMax,
    ),
};

const scripts: readonly Script[] = [
  { name: "in which nothing came", appends: [], busy: false },
  {
    name: "of tails, a part and a shard without rows",
    appends: [
      [0, [1, 2]],
      [1, [3, 3]],
      [0, [2, 4]],
      [2, [100, 101, 102, 103, 104, 105]],
      [3, []],
    ],
    silent: [2],
    busy: false,
  },
  {
    name: "of a tail of several pages, and a small one",
    appends: [
      [0, Array.from({ length: Math.ceil(tailPageBytes / longBytes) }, (_, no) => longFrom + no)],
      [0, [2]],
      [1, [1]],
    ],
    busy: false,
  },
  {
    name: "of tails that are more together than a put takes",
    appends: [
      [0, [1]],
      [1, [2]],
      [2, [3]],
    ],
    busy: false,
    codec: bloatedCodec,
    merged: 4,
  },
  {
    name: "sealed by two at once, under traffic",
    appends: [
      [0, [1]],
      [1, [2, 3]],
    ],
    busy: true,
  },
];

function lineOf(no: number): string {
  return `${JSON.stringify({ no }).padEnd((no < longFrom ? shortBytes : longBytes) - 1)}\n`;
}

function byNumber(a: number, b: number): number {
  return a - b;
}

function numbersIn(bytes: Uint8Array): number[] {
  return [...textOf(bytes).matchAll(/\{"no":(\d+)\}/g)].map(([, no]) => Number(no));
}

/** One bucket, its shards, R2, and what clients were told. */
class World {
  readonly outside: Outside;
  readonly objects = new MemoryObjects();
  readonly bucket: Host<Bucket>;
  readonly shards: readonly Host<Shard>[];
  readonly accepted = new Set<number>();
  readonly replies: SealReply[] = [];
  /** Shards that answer no call to close. */
  readonly unreachable = new Set<number>();
  now: EpochMs = startOf(hour);
  readonly #codec: PartCodec;
  readonly #silent: readonly number[];
  #appends = 0;

  constructor(fault: Fault | null, { codec = plainCodec, silent = [] }: Partial<Script> = {}) {
    this.#codec = codec;
    this.#silent = silent;
    this.outside = new Outside(fault);
    this.bucket = new Host("bucket", this.outside, (place) => this.#buildBucket(place));
    this.shards = Array.from({ length: shardsUsed }, (_, index) => {
      return new Host(`shard ${index}`, this.outside, (place) => this.#buildShard(index, place));
    });
  }

  #objectsOf(life: Life, name: string): MemoryObjects | ReturnType<typeof aroundObjects> {
    return aroundObjects(this.objects, (operation, _key, effect) =>
      this.outside.call(life, `${name}: ${operation} object`, effect),
    );
  }

  #common(name: string, { life, armAlarm }: Place) {
    return {
      objects: this.#objectsOf(life, name),
      codec: this.#codec,
      schema: async () => null,
      now: () => this.outside.call(life, `${name}: now`, async () => this.now),
      armAlarm,
      mayDelete: async () => true,
      abort: (reason: string) => {
        life.end(reason);
      },
      log: () => undefined,
    };
  }

  #buildBucket(place: Place): Bucket {
    const { life, storage } = place;
    return new Bucket(address, storage, {
      ...this.#common("bucket", place),
      jitter: () => 0.5,
      shard: ({ index }) => this.#stubOf(life, index),
    });
  }

  #stubOf(life: Life, index: number): ReturnType<SealDeps["shard"]> {
    const shard = this.shards[index] ?? broken(`no shard ${index}`);
    const name = `bucket: shard ${index}`;
    return {
      unflushedBytes: (of) =>
        this.outside.call(life, `${name} unflushed bytes`, async () => {
          if (this.#silent.includes(index)) throw new Error("silent");
          return shard.call(async (object) => object.unflushedBytes(of));
        }),
      close: (message) =>
        this.outside.call(life, `${name} close`, async () => {
          if (this.unreachable.has(index)) throw new Error("unreachable");
          return shard.call((object) => object.close(message));
        }),
      tailPages: (of) =>
        this.outside.call(life, `${name} tail pages`, () =>
          shard.call(async (object) => object.tailPages(of)),
        ),
      tailPayload: (of, range) =>
        this.outside.call(life, `${name} tail`, () =>
          shard.call(async (object) => object.tailPayload(of, range)),
        ),
      dropPayloads: (of, nowMs) =>
        this.outside.call(life, `${name} drop payloads`, () =>
          shard.call((object) => object.dropPayloads(of, epochMs(nowMs))),
        ),
    };
  }

  #buildShard(index: number, place: Place): Shard {
    const { life, storage } = place;
    return new Shard({ ...address, index: indexOf(index) }, storage, {
      ...this.#common(`shard ${index}`, place),
      homePlan: async () => broken("no row is foreign"),
      claim: async () => broken("no row is foreign"),
      enrol: (_hour, request) =>
        this.outside.call(life, `shard ${index}: enrol`, () =>
          this.bucket.call((bucket) => bucket.enrol(request)),
        ),
      wakeBucket: () => this.outside.call(life, `shard ${index}: wake bucket`, async () => undefined),
    });
  }

  /** Sends rows until it is told what became of them. */
  async append(shard: number, numbers: readonly number[]): Promise<void> {
    await untilDone(async () => {
      const edge = ++this.#appends;
      const rows = packRows(
        numbers.map((no) => rowNo(no, { line: lineOf(no), hashes: { source: shard, id: shard } })),
      );
      const host = this.shards[shard] ?? broken(`no shard ${shard}`);
      const reply = await host.call((object) =>
        object.append({ protocol: protocolVersion, edge: edgeOf(edge), no: AppendNo.parse(1), plan, rows }),
      );
      if ("refused" in reply) {
        expect([reply.refused, this.now >= due]).toEqual(["closed", true]);
        return;
      }
      numbers.forEach((no, row) => {
        if (reply.acceptedRows[row] !== 1) return;
        expect(this.accepted.has(no), `row ${no} is accepted twice`).toBe(false);
        this.accepted.add(no);
      });
    });
  }

  async seal(): Promise<SealReply> {
    const reply = await this.bucket.call((bucket) => bucket.seal({ nowMs: this.now, plan }));
    this.replies.push(reply);
    return reply;
  }

  /** Seals as cron and alarm do, a second later each time, until it is done. */
  sealed(busy: boolean): Promise<SealedSummary> {
    return untilDone(async (attempt) => {
      this.now = epochMs(due + attempt * 1_000);
      if (attempt % 2 === 1) await this.bucket.call((bucket) => bucket.alarm(this.now));
      const others = busy ? [this.seal(), this.append(attempt % 4, [50 + attempt])] : [];
      const [reply] = await Promise.all([
        this.seal(),
        ...others.map((other) => other.catch(() => undefined)),
      ]);
      return reply.state === "sealed" ? reply.summary : broken(`${reply.state}: ${JSON.stringify(reply)}`);
    });
  }

  /** The verdict is balanced: the bucket lets its shards drop their payloads. */
  async dropped(): Promise<void> {
    const verified = { nowMs: this.now, verdict: "balanced" } as const;
    await untilDone(() => this.bucket.call((bucket) => bucket.verified(verified)));
    await untilDone(async () => {
      this.now = epochMs(this.now + 10_000);
      await this.bucket.call((bucket) => bucket.alarm(this.now));
      const lives = this.shards.map((shard) => shard.call(async (object) => object.describe()));
      const states = (await Promise.all(lives)).map((text): unknown => JSON.parse(text));
      const enrolled = states.filter((state) => !isBlank(state));
      for (const state of enrolled) if (!isDropped(state)) throw new Error("payloads are left");
    });
  }
}

function isBlank(state: unknown): boolean {
  return typeof state === "object" && state !== null && "phase" in state && state.phase === "blank";
}

function isDropped(state: unknown): boolean {
  return JSON.stringify(state).includes('"state":"dropped"');
}

async function play(script: Script, world: World): Promise<SealedSummary> {
  for (const [shard, numbers] of script.appends) await world.append(shard, numbers);
  expect(await untilDone(() => world.seal())).toEqual({ state: "not_due", dueAtMs: due });
  const summary = await world.sealed(script.busy);
  judge(world, summary);
  await judgeRepeats(world, summary);
  await world.dropped();
  expect(await world.sealed(false)).toEqual(summary);
  return summary;
}

function bytesAt(world: World, key: string): Uint8Array {
  return world.objects.contents().find(([found]) => found === key)?.[1] ?? broken(`${key} is not there`);
}

function manifestIn(world: World): Manifest {
  return Manifest.parse(JSON.parse(textOf(bytesAt(world, manifestKey(address)))));
}

/** What must hold of what lies in R2 once the bucket is sealed. */
function judge(world: World, summary: SealedSummary): void {
  const manifest = manifestIn(world);
  expect(manifestFault(manifest)).toBeNull();
  expect(manifest.strays).toEqual([]);
  expect(summary.manifestSha256).toBe(sha256Of(bytesAt(world, manifestKey(address))));
  expect(summary.tally).toEqual({ rows: manifest.rows, sum: manifest.identitySum });

  const parts = manifest.parts.map((part) => part.key);
  const keys = [...parts, manifestKey(address), successKey(address)];
  expect(world.objects.contents().map(([key]) => key)).toEqual(keys.toSorted());
  expect(world.objects.created.slice(-2)).toEqual([manifestKey(address), successKey(address)]);
  expect(keys.every((key) => key.startsWith(bucketPrefix(address)))).toBe(true);

  for (const part of manifest.parts) {
    const bytes = bytesAt(world, part.key);
    expect([part.bytes, part.sha256]).toEqual([bytes.length, sha256Of(bytes)]);
    expect(part.tally).toEqual(tallyOf(numbersIn(bytes)));
  }
  const copies = plan.formats.map((format) =>
    parts.filter((key) => key.endsWith(format)).flatMap((key) => numbersIn(bytesAt(world, key))),
  );
  const [delivered = []] = copies;
  for (const copy of copies)
    expect(copy.toSorted(byNumber), "each format holds the same rows").toEqual(delivered.toSorted(byNumber));
  expect(delivered).toHaveLength(new Set(delivered).size);
  expect(delivered).toEqual(expect.arrayContaining([...world.accepted]));

  const stopped = world.replies.filter(
    (reply) => reply.state === "failed" && reply.error.includes("BrokenInvariant"),
  );
  expect(stopped).toEqual([]);
}

/** Asked again, now and in its next life, a sealed bucket says the same, and enrols nobody. */
async function judgeRepeats(world: World, summary: SealedSummary): Promise<void> {
  expect(await world.sealed(false)).toEqual(summary);
  world.bucket.crash();
  expect(await world.sealed(false)).toEqual(summary);
  const late = { protocol: protocolVersion, hour, index: indexOf(0), plan };
  for (const now of [startOf(hour), due]) {
    world.now = now;
    const reply = await untilDone(() => world.bucket.call((bucket) => bucket.enrol(late)));
    expect(reply).toEqual({ enrolled: false, why: "closed" });
  }
}

/** What a later try may make later, or, of duplicates answered before a restart, less. */
const movable = new Set(["sealedAt", "duplicates"]);

/** Every object by its digest, but the manifest by all that no failure may change. */
function timeless(world: World): [string, string][] {
  const text = JSON.stringify(manifestIn(world), (name, value: unknown) =>
    movable.has(name) ? null : value,
  );
  return world.objects
    .contents()
    .map(([key, bytes]) => [key, key === manifestKey(address) ? text : sha256Of(bytes)]);
}

describe.each(scripts)("an hour $name", (script) => {
  const clean = new World(null, script);
  let calls: readonly string[] = [];

  beforeAll(async () => {
    await play(script, clean);
    calls = [...clean.outside.calls];
  });

  it("[BU5] [PA5] is sealed by the calls that the matrix expects", () => {
    const kinds = [...new Set(calls)].filter((call) => call.startsWith("bucket")).toSorted();
    const shards = [...new Set(script.appends.map(([shard]) => shard))];
    const busy = script.busy ? ["bucket: now"] : [];
    expect(kinds).toEqual(expect.arrayContaining(["bucket: create object", "bucket: sync", ...busy]));
    for (const shard of shards) {
      // Once, also for two callers: they share one run.
      expect(calls.filter((call) => call === closeOf(shard))).toHaveLength(1);
      expect(kinds).toContain(`bucket: shard ${shard} drop payloads`);
    }
    expect(clean.replies.filter((reply) => reply.state === "failed")).toEqual([]);
    const merged = manifestIn(clean).parts.filter((part) => part.origin === "merged");
    expect(merged).toHaveLength(shards.length > 0 ? (script.merged ?? plan.formats.length) : 0);
  });

  it.each(failures)(
    "[BU4] [BU5] [BU7] [BU8] [FO1] gives one manifest and the same objects, when any call %s",
    async (failure) => {
      for (const [call, name] of calls.entries()) {
        const world = new World({ call, failure }, script);
        const at = `call ${call}, ${name}`;
        await play(script, world).catch((error: unknown) => {
          throw new Error(at, { cause: error });
        });
        expect(world.outside.failed, at).toBe(true);
        if (!script.busy)
          expect(timeless(world), `${at}: other objects than undisturbed`).toEqual(timeless(clean));
      }
    },
    60_000,
  );
});

describe("an hour with a shard that cannot be reached", () => {
  it("[BU4] [BU9] waits for its receipt alone, tells why, comes back ever later, and is sealed when it can", async () => {
    const world = new World(null);
    for (const shard of [0, 1, 2]) await world.append(shard, [shard + 1]);
    world.unreachable.add(1);
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      world.now = epochMs(due + attempt * 60_000);
      world.outside.calls.length = 0;
      const reply = await world.seal();
      expect(reply).toMatchObject({ state: "failed", step: "collect_receipts", sinceMs: due });
      expect(reply.state === "failed" ? reply.error : "").toBe(`Error: shard ${hour}/1: Error: unreachable`);
      const closed = world.outside.calls.filter((call) => call.endsWith(" close"));
      expect(closed).toEqual(attempt === 0 ? [0, 1, 2].map(closeOf) : [closeOf(1)]);
      delays.push(((await world.bucket.durable().getAlarm()) ?? 0) - world.now);
    }
    expect(delays).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(world.objects.contents()).toEqual([]);

    world.unreachable.clear();
    const summary = await world.sealed(false);
    judge(world, summary);
    expect(summary.tally).toEqual(tallyOf([1, 2, 3]));
  });
});

function closeOf(shard: number): string {
  return `bucket: shard ${shard} close`;
}
