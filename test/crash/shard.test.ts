/**
 * The shard's crash matrix: every call that append, flush and close make to the outside, failed in every way, and what
 * must hold whatever fails.
 */
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { AppendOutcome } from "../../domain/commit.ts";
import type { AppendRefusal } from "../../domain/enrol.ts";
import { type Format, formatOf } from "../../domain/encoding.ts";
import { epochMs, startOf } from "../../domain/hour.ts";
import { AppendNo } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import type * as Limits from "../../domain/limits.ts";
import { carryBytesMin, flushBytes } from "../../domain/limits.ts";
import { packRows } from "../../domain/packed-rows.ts";
import { protocolVersion } from "../../domain/plan.ts";
import { type Receipt, receiptFault } from "../../domain/receipt.ts";
import { addTallies } from "../../domain/tally.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { ShardStore } from "../../durable-objects/event-shard/store.ts";
import {
  edgeOf,
  fingerprintNo,
  hexOf,
  hour,
  indexOf,
  plan,
  rowNo,
  tallyOf,
  textOf,
  type,
} from "../domain/make.ts";
import { MemoryObjects, aroundObjects } from "../fakes/object-store.ts";
import { type Failure, Host, Outside, failures, plainCodec, sha256Of, untilDone } from "./harness.ts";

interface Script {
  readonly name: string;
  /** Bytes of each row's line. */
  readonly lineBytes: number;
  /** Rows that come one append at a time after the small ones. */
  readonly moreRows: number;
  /** Whether an append comes while the shard closes. */
  readonly racing: boolean;
  readonly formats?: readonly Format[];
  readonly codec?: PartCodec;
}

/** A tenth of what they are: each of some hundred worlds has its rows packed, stored, encoded and compared. */
vi.mock("../../domain/limits.ts", async (original) => {
  const limits = await original<typeof Limits>();
  return {
    ...limits,
    flushBytes: Math.floor(limits.flushBytes / 10),
    partSampleBytes: Math.floor(limits.partSampleBytes / 10),
    partBytesTarget: Math.floor(limits.partBytesTarget / 10),
    carryBytesMin: Math.floor(limits.carryBytesMin / 10),
  };
});

/** What the receipt may carry. */
const carryBytes = carryBytesMin;

/** Columns of more than some rows are more bytes than a put takes. */
const bloatedCodec: PartCodec = {
  ...plainCodec,
  encode: (encoding, chunks, bytesMax) =>
    plainCodec.encode(encoding, chunks, formatOf(encoding.encoder) === "parquet" ? 600_000 : bytesMax),
};

const scripts: readonly Script[] = [
  { name: "few rows, carried by the receipt", lineBytes: 40, moreRows: 0, racing: false },
  { name: "few rows, and appends during the close", lineBytes: 40, moreRows: 2, racing: true },
  { name: "rows too many to carry", lineBytes: Math.ceil(carryBytesMin / 7), moreRows: 2, racing: false },
  {
    name: "rows too many to carry, and appends during the close",
    lineBytes: 20_000,
    moreRows: 2,
    racing: true,
  },
  { name: "rows enough for a part within the hour", lineBytes: 100_000, moreRows: 20, racing: false },
  {
    name: "rows too many to carry, in two formats",
    lineBytes: 20_000,
    moreRows: 2,
    racing: true,
    formats: ["ndjson.gz", "parquet"],
  },
  {
    name: "a part within the hour that takes more than a put in columns",
    lineBytes: 100_000,
    moreRows: 20,
    racing: false,
    formats: ["ndjson.gz", "parquet"],
    codec: bloatedCodec,
  },
];

/** A shard with its outside, its clients, and what they were told. */
class World {
  readonly outside: Outside;
  readonly objects = new MemoryObjects();
  readonly shard: Host<Shard>;
  readonly lineBytes: number;
  readonly formats: readonly Format[];
  readonly accepted = new Set<number>();
  readonly sent = new Set<number>();
  /** Answered appends, by the edge number that each has for itself. */
  readonly answered = new Map<number, number[]>();
  enrolled = false;
  callsBeforeClose = 0;
  appends = 0;

  constructor(script: Script, fault: { readonly call: number; readonly failure: Failure } | null) {
    this.lineBytes = script.lineBytes;
    this.formats = script.formats ?? plan.formats;
    const outside = new Outside(fault);
    this.outside = outside;
    this.shard = new Host("shard", outside, ({ life, storage, armAlarm }) => {
      return new Shard({ type, hour, index: indexOf(0) }, storage, {
        objects: aroundObjects(this.objects, (operation, _key, effect) =>
          outside.call(life, `objects: ${operation}`, effect),
        ),
        codec: script.codec ?? plainCodec,
        schema: async () => null,
        now: () => outside.call(life, "clock: now", async () => startOf(hour)),
        enrol: () =>
          outside.call(life, "bucket: enrol", async () => {
            this.enrolled = true;
            return { enrolled: true, plan: { ...plan, formats: [...this.formats] } };
          }),
        homePlan: async () => broken("no row is foreign"),
        claim: async () => broken("no row is foreign"),
        wakeBucket: () => outside.call(life, "bucket: wake", async () => undefined),
        armAlarm,
        mayDelete: async () => true,
        abort: (reason) => {
          life.end(reason);
        },
        log: () => undefined,
      });
    });
  }

  #line(no: number): string {
    return `${JSON.stringify({ no }).padEnd(this.lineBytes - 1)}\n`;
  }

  /** Sends the rows until it is told what became of them; each try is an append of its own, as at the edge. */
  async append(numbers: readonly number[]): Promise<AppendOutcome | AppendRefusal> {
    for (const no of numbers) this.sent.add(no);
    return untilDone(async () => {
      const edge = ++this.appends;
      const reply = await this.shard.call((shard) =>
        shard.append({
          protocol: protocolVersion,
          edge: edgeOf(edge),
          no: AppendNo.parse(1),
          plan,
          rows: packRows(numbers.map((no) => rowNo(no, { line: this.#line(no) }))),
        }),
      );
      if (!("refused" in reply)) this.#hold(edge, numbers, reply);
      return reply;
    });
  }

  /** What must hold at the moment in which an append is answered. */
  #hold(edge: number, numbers: readonly number[], outcome: AppendOutcome): void {
    const accepted = numbers.filter((_, row) => outcome.acceptedRows[row] === 1);
    expect(outcome.accepted).toEqual(tallyOf(accepted));
    for (const no of accepted) {
      expect(this.accepted.has(no), `row ${no} is accepted twice`).toBe(false);
      this.accepted.add(no);
    }
    this.answered.set(edge, accepted);
    if (this.lineBytes > 1_000) return;
    const durable = new Set([...new ShardStore(this.shard.durable()).fingerprints()].flatMap(fingerprintsIn));
    for (const no of numbers) expect(durable, `row ${no} is answered`).toContain(hexOf(fingerprintNo(no)));
    expect(this.enrolled).toBe(true);
  }

  /** Closes until there is a receipt; clients do not stop meanwhile. */
  close(): Promise<Receipt> {
    return untilDone(async (attempt) => {
      if (attempt > 0) await this.append([1_000 + attempt]);
      const nowMs = epochMs(startOf(hour) + 3_600_000 + attempt);
      const message = { protocol: protocolVersion, hour, nowMs, formats: [...this.formats], carryBytes };
      const reply = await this.shard.call((shard) => shard.close(message));
      return reply.closed ? reply.receipt : broken("the shard speaks another protocol");
    });
  }

  tail(): Promise<Uint8Array<ArrayBuffer>> {
    return untilDone(() => this.shard.call(async (shard) => shard.tailPayload(hour, null)));
  }
}

function fingerprintsIn(bytes: Uint8Array): string[] {
  return Array.from({ length: bytes.length / 16 }, (_, row) =>
    hexOf(bytes.subarray(row * 16, row * 16 + 16)),
  );
}

/** The numbers of the rows in these bytes: each stands at the beginning of its line, and lines are equally long. */
function numbersIn(bytes: Uint8Array, lineBytes: number): number[] {
  return Array.from({ length: bytes.length / lineBytes }, (_, row) => {
    const line = textOf(bytes.subarray(row * lineBytes, row * lineBytes + 30));
    return Number(/^\{"no":(\d+)\}/.exec(line)?.[1] ?? broken(`no row: ${line}`));
  });
}

function byNumber(a: number, b: number): number {
  return a - b;
}

async function play(script: Script, world: World): Promise<Receipt> {
  await world.append([1, 2, 3]);
  await Promise.all([world.append([3, 4, 4]), world.append([4, 5]), world.append([6])]);
  await world.append([1, 5]);
  for (let more = 0; more < script.moreRows; more++) await world.append([10 + more]);
  world.callsBeforeClose = world.outside.calls.length;
  // In this order: one append is on its way to the disk, one waits behind it, and then the shard is told to close.
  const racing = (script.racing ? [[2, 7], [8, 1], [9]] : []).map((numbers) => world.append(numbers));
  const receipt = await world.close();
  await Promise.all(racing);
  return receipt;
}

/** What must hold once the shard has given its receipt. */
async function judge(world: World, receipt: Receipt): Promise<void> {
  expect(receiptFault(receipt)).toBeNull();
  expect(receipt.strays).toEqual([]);
  expect(world.enrolled).toBe(true);

  const contents = world.objects.contents();
  expect(contents.map(([key]) => key)).toEqual(receipt.parts.map((part) => part.key).toSorted());
  for (const part of receipt.parts) {
    const bytes = contents.find(([key]) => key === part.key)?.[1] ?? broken("a part is not there");
    expect([part.bytes, part.sha256]).toEqual([bytes.length, sha256Of(bytes)]);
    expect(part.tally).toEqual(tallyOf(numbersIn(bytes, world.lineBytes)));
  }
  const tail = await world.tail();
  expect(receipt.tail?.tally ?? tallyOf([])).toEqual(tallyOf(numbersIn(tail, world.lineBytes)));

  const copies = world.formats.map((format) =>
    [...contents.filter(([key]) => key.endsWith(format)).map(([, bytes]) => bytes), tail].flatMap((bytes) =>
      numbersIn(bytes, world.lineBytes),
    ),
  );
  const [delivered = []] = copies;
  for (const copy of copies)
    expect(copy.toSorted(byNumber), "each format holds the same rows").toEqual(delivered.toSorted(byNumber));
  expect(delivered).toHaveLength(new Set(delivered).size);
  expect(delivered).toEqual(expect.arrayContaining([...world.accepted]));
  expect([...world.sent]).toEqual(expect.arrayContaining(delivered));
  expect(receipt.counters.accepted).toEqual(tallyOf(delivered));

  await judgeAppends(world, receipt);
  await judgeRepeats(world, receipt, tail);
}

/** Every append that was answered can be looked up with the same figures; all of them are what was accepted. */
async function judgeAppends(world: World, receipt: Receipt): Promise<void> {
  const queries = [...world.answered.keys()].map((edge) => ({
    edge: edgeOf(edge),
    sentThrough: 1,
    unresolved: [],
  }));
  const answers = await untilDone(() => world.shard.call(async (shard) => shard.lookUpAppends(queries)));
  for (const [edge, accepted] of world.answered) {
    const answer = answers.find((found) => found.edge === edgeOf(edge));
    expect(answer?.resolved ?? tallyOf([])).toEqual(tallyOf(accepted));
  }
  const committed = addTallies(answers.flatMap(({ resolved, unanswered }) => [resolved, unanswered]));
  expect(committed).toEqual(receipt.counters.accepted);
}

/** Asked again, in this life, in the next and after its payloads are gone, a closed shard says the same. */
async function judgeRepeats(world: World, receipt: Receipt, tail: Uint8Array): Promise<void> {
  expect(await world.close()).toEqual(receipt);
  expect(await world.append([99])).toEqual({ refused: "closed" });
  world.shard.crash();
  expect(await world.close()).toEqual(receipt);
  expect(sha256Of(await world.tail())).toBe(sha256Of(tail));
  expect(await world.append([99])).toEqual({ refused: "closed" });
  const now = startOf(hour);
  expect(await untilDone(() => world.shard.call((shard) => shard.dropPayloads(hour, now)))).toBe(true);
  world.shard.crash();
  expect(await world.close()).toEqual(receipt);
  const state: unknown = JSON.parse(await world.shard.call(async (shard) => shard.describe()));
  expect(state).toMatchObject({ phase: "closed", deliveries: [{ hour, state: "dropped" }] });
}

describe.each(scripts)("a shard with $name", (script) => {
  const clean = new World(script, null);
  let calls: readonly string[] = [];
  let from = 0;

  beforeAll(async () => {
    const receipt = await play(script, clean);
    calls = [...clean.outside.calls];
    // Of the large one only what the small ones lack: the flush within the hour.
    if (script.lineBytes > flushBytes / 20) from = calls.indexOf("objects: create") - 4;
    await judge(clean, receipt);
    if (script.codec === undefined) return;
    const sizes = receipt.parts.filter(({ format }) => format === "parquet").map(({ bytes }) => bytes);
    expect(sizes.length, "the part is split").toBeGreaterThan(receipt.parts.length - sizes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6_000_000);
  });

  it("[SH1] calls what the matrix expects it to call", () => {
    const kinds = [...new Set(calls)].toSorted();
    const puts = script.moreRows > 0 && script.lineBytes > 1_000 ? ["objects: create"] : [];
    expect(kinds).toEqual(
      [
        "bucket: enrol",
        "clock: now",
        ...puts,
        "shard: arm alarm",
        "shard: sync",
        "shard: transaction",
      ].toSorted(),
    );
    if (script.lineBytes > flushBytes / 20) {
      expect(calls.slice(0, clean.callsBeforeClose), "a flush within the hour").toContain("objects: create");
    }
  });

  it.each(failures)(
    "[SH2] [SH3] [SH10] [PA1] [PA3] [PA6] [FO1] holds every row that it answered for once, when any call %s",
    async (failure) => {
      for (const [call, name] of calls.entries()) {
        if (call < from) continue;
        const world = new World(script, { call, failure });
        const at = `call ${call}, ${name}`;
        const receipt = await play(script, world).catch((error: unknown) => {
          throw new Error(at, { cause: error });
        });
        expect(world.outside.failed, at).toBe(true);
        await judge(world, receipt).catch((error: unknown) => {
          throw new Error(at, { cause: error });
        });
        if (call < clean.callsBeforeClose || world.accepted.size > clean.accepted.size || script.racing)
          continue;
        expect(fewBytes(world), `${at}: the objects differ from an undisturbed close's`).toEqual(
          fewBytes(clean),
        );
      }
    },
    60_000,
  );
});

function fewBytes(world: World): [string, string][] {
  return world.objects.contents().map(([key, bytes]) => [key, sha256Of(bytes)]);
}

describe("a shard that is told to close", () => {
  const few: Script = { name: "few", lineBytes: 40, moreRows: 0, racing: false };

  it("[SH9] while its first append waits for the enrolment, answers that one closed", async () => {
    const world = new World(few, null);
    const append = world.append([1]);
    const receipt = await world.close();
    expect(await append).toEqual({ refused: "closed" });
    expect(world.appends).toBe(1);
    expect(receipt.counters.accepted).toEqual(tallyOf([]));
    expect(await world.close()).toEqual(receipt);
  });

  it("[SH9] before it ever was given a row, takes none afterwards", async () => {
    const world = new World(few, null);
    const receipt = await world.close();
    expect(receiptFault(receipt)).toBeNull();
    world.shard.crash();
    expect(await world.append([1])).toEqual({ refused: "closed" });
    expect(world.enrolled).toBe(false);
    expect(await world.close()).toEqual(receipt);
  });
});
