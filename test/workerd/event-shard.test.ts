/** A shard on the real runtime: SQLite, R2, alarms, evictions, restarts. Its bucket is a real one too. */
import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { parquetMetadata } from "hyparquet";
import { afterEach, describe, expect, it, vi } from "vitest";
import { fingerprintOf } from "../../domain/fingerprint.ts";
import { endOf, epochMs, startOf } from "../../domain/hour.ts";
import { AppendNo, type BucketAddress, HolderName } from "../../domain/ids.ts";
import {
  carryAloneBytesMax,
  carryBytesMin,
  deadHandMs,
  eventBytesMax,
  identitiesPerHomeMax,
  identitiesPerShardMax,
  openEarlyMsMax,
  partBytesMax,
  partBytesTarget,
  queueBytesMax,
  sqliteRowBytesMax,
} from "../../domain/limits.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { protocolVersion } from "../../domain/plan.ts";
import type { CloseMessage } from "../../domain/messages.ts";
import { type Row, packRows } from "../../domain/packed-rows.ts";
import { addContents } from "../../domain/part-content.ts";
import { addTallies } from "../../domain/tally.ts";
import { sha256Hex } from "../../platform/objects.ts";
import { bucket } from "./helpers.ts";
import {
  append,
  bucketOf,
  close,
  closeIntoParts,
  due,
  during,
  failing,
  fatesOf,
  gzipOf,
  hourText,
  incompressible,
  linesOf,
  messageOf,
  objectsOf,
  outcomeOf,
  plan,
  rowOf,
  rowsOf,
  setClock,
  shardOf,
  sql,
  tablesOf,
  upTo,
} from "./helpers-objects.ts";

const MiB = 1024 * 1024;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A bucket of its own for each test, with the clock inside its hour. */
function fresh(name: string): ReturnType<typeof bucket> {
  const address = bucket(`shard/${name}`, hourText);
  setClock(during(address));
  return address;
}

/** Stores fingerprints beside the one batch of the shard until it has so many, and has it wake with them. */
async function remembering(address: ReturnType<typeof bucket>, identities: number): Promise<void> {
  await runInDurableObject(shardOf(address), (_object, { storage }) => {
    const perRow = 100_000;
    for (let from = 1; from < identities; from += perRow) {
      const count = Math.min(perRow, identities - from);
      const packed = new DataView(new ArrayBuffer(count * 16));
      for (let no = 0; no < count; no++) {
        packed.setUint32(no * 16, Math.imul(from + no, 0x9e37_79b1));
        packed.setUint32(no * 16 + 8, from + no);
      }
      storage.sql.exec(
        `INSERT INTO batch (hour, kind, bytes, content, fingerprints, tags, payload)
         SELECT hour, kind, bytes, content, ?, x'', payload FROM batch WHERE seq = 1`,
        packed.buffer,
      );
    }
  });
  await evictDurableObject(shardOf(address));
}

const batches = (address: ReturnType<typeof bucket>) =>
  sql<{ seq: number; bytes: number; row: number; tags: number }>(
    shardOf(address),
    `SELECT seq, bytes, length(tags) AS tags,
       length(content) + length(fingerprints) + length(tags) + length(payload) AS row FROM batch ORDER BY seq`,
  );

describe("an append", () => {
  it("[SH2] is answered row by row: accepted, or duplicate of an earlier one or of one beside it", async () => {
    const address = fresh("answers");
    expect(fatesOf(await append(address, rowsOf(address, [1, 2, 1])))).toBe("aad");
    expect(fatesOf(await append(address, rowsOf(address, [2, 3])))).toBe("da");
    const receipt = await close(address);
    expect(receipt.counters).toMatchObject({ accepted: { rows: 3 }, duplicates: 2 });
  });

  it("[SH4] repeats are duplicates in the same commit, across commits, after an eviction and after an abort", async () => {
    const address = fresh("duplicates");
    const replies = await Promise.all(upTo(8).map(() => append(address, rowsOf(address, [1, 2, 3]))));
    expect(replies.map(fatesOf).toSorted()).toEqual(["aaa", ...upTo(7).map(() => "ddd")]);
    await evictDurableObject(shardOf(address));
    expect(fatesOf(await append(address, rowsOf(address, [3, 4])))).toBe("da");
    await abortAllDurableObjects();
    expect(fatesOf(await append(address, rowsOf(address, [1, 2, 3, 4, 5])))).toBe("dddda");
    expect((await close(address)).counters.accepted.rows).toBe(5);
  });

  it("keeps the first payload", async () => {
    const address = fresh("first-wins");
    await append(address, rowsOf(address, [1], "first"));
    await append(address, rowsOf(address, [1], "second"));
    await close(address);
    const text = new TextDecoder().decode(await shardOf(address).tailPayload(address.hour, null));
    expect(text).toBe(rowOf(address, 1, "first").line);
  });

  it("[SH5] those that come while one is made durable are the next commit, in one row", async () => {
    const address = fresh("group-commit");
    await append(address, rowsOf(address, ["first"]));
    const replies = await runInDurableObject(shardOf(address), (shard) =>
      Promise.all(upTo(50).map((id) => shard.append(messageOf(rowsOf(address, [id]))))),
    );
    expect(replies.map(fatesOf)).toEqual(upTo(50).map(() => "a"));
    const rows = await batches(address);
    expect(rows.map(({ tags }) => tags / 24)).toEqual([1, 1, 49]);
  });

  it("[SH5] from many callers at once make fewer rows than appends", async () => {
    const address = fresh("many-callers");
    await append(address, rowsOf(address, ["first"]));
    await Promise.all(upTo(64).map((id) => append(address, rowsOf(address, [id]))));
    expect((await batches(address)).length).toBeLessThan(33);
    expect((await close(address)).counters.accepted.rows).toBe(65);
  });

  it("[SH5] waits for no timer", async () => {
    const address = fresh("no-timer");
    vi.useFakeTimers({ now: during(address), toFake: ["Date", "setTimeout", "setInterval", "setImmediate"] });
    expect(fatesOf(await append(address, rowsOf(address, [1])))).toBe("a");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("[SH2] is not answered before its rows are durable, and neither is its duplicate", async () => {
    const address = fresh("durable-first");
    await append(address, rowsOf(address, ["first"]));
    const durable = Promise.withResolvers<void>();
    await runInDurableObject(shardOf(address), async (shard, { storage }) => {
      const sync = vi.spyOn(storage, "sync").mockImplementation(() => durable.promise);
      const answered: string[] = [];
      const first = shard.append(messageOf(rowsOf(address, [1]))).then(() => answered.push("first"));
      const again = shard.append(messageOf(rowsOf(address, [1]))).then(() => answered.push("again"));
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
      expect(answered).toEqual([]);
      durable.resolve();
      await Promise.all([first, again]);
      expect(answered).toEqual(["first", "again"]);
      sync.mockRestore();
    });
  });

  it("[EV6] takes an event of exactly `eventBytesMax`, in one row below SQLite's limit", async () => {
    const address = fresh("largest");
    const eventOf = (line: string) => line.slice(line.indexOf('"event":') + 8, -2);
    const envelope = eventOf(rowOf(address, 1).line).length;
    const large = rowOf(address, 1, "x".repeat(eventBytesMax - envelope));
    expect(eventOf(large.line)).toHaveLength(eventBytesMax);
    expect(fatesOf(await append(address, [large]))).toBe("a");
    const rows = await batches(address);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.row).toBeLessThanOrEqual(sqliteRowBytesMax);
    expect((await closeIntoParts(address)).parts).toHaveLength(1);
  });

  it("[SH7] of more than a row holds becomes several rows, each within SQLite's limit", async () => {
    const address = fresh("many-rows");
    const count = 45_000;
    const reply = outcomeOf(await append(address, rowsOf(address, upTo(count))));
    expect(reply.accepted.rows).toBe(count);
    const rows = await batches(address);
    expect(rows.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...rows.map(({ row }) => row))).toBeLessThanOrEqual(sqliteRowBytesMax);
    expect(rows.map(({ tags }) => tags > 0)).toEqual(rows.map((_, index) => index === 0));
  });
});

describe("a commit that fails", () => {
  it("[SH6] answers nobody, ends the object, and what it had in memory is no duplicate afterwards", async () => {
    const address = fresh("failed-commit");
    await append(address, rowsOf(address, [1]));
    const disk = await failing(() => shardOf(address), "INSERT ON batch");
    const replies = await Promise.allSettled([
      append(address, rowsOf(address, [2])),
      append(address, rowsOf(address, [2])),
      append(address, rowsOf(address, [1])),
    ]);
    expect(replies.map(({ status }) => status)).toContain("rejected");
    for (const reply of replies) {
      if (reply.status === "fulfilled") expect(fatesOf(reply.value)).toBe("d");
    }
    expect(replies.slice(0, 2).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await disk.restore();
    expect(fatesOf(await append(address, rowsOf(address, [1, 2])))).toBe("da");
  });

  it("[SH6] to become durable does the same", async () => {
    const address = fresh("failed-sync");
    await append(address, rowsOf(address, [1]));
    const shard = shardOf(address);
    await runInDurableObject(shard, (_object, { storage }) => {
      vi.spyOn(storage, "sync").mockRejectedValue(new Error("the disk is broken"));
    });
    await expect(append(address, rowsOf(address, [2]))).rejects.toThrow();
    expect(fatesOf(await append(address, rowsOf(address, [1])))).toBe("d");
    expect((await close(address)).counters.accepted.rows).toBeGreaterThan(0);
  });

  it("[SH3] leaves none of its rows, also when it fails at the last one", async () => {
    const address = fresh("all-or-none");
    await append(address, rowsOf(address, [0]));
    const disk = await failing(
      () => shardOf(address),
      "INSERT ON batch",
      "(SELECT count(*) FROM batch) >= 3",
    );
    await expect(append(address, rowsOf(address, [1, 2, 3], "x".repeat(MiB)))).rejects.toThrow(
      "disk is broken",
    );
    expect(await batches(address)).toHaveLength(1);
    await disk.restore();
    expect(fatesOf(await append(address, rowsOf(address, [1, 2, 3])))).toBe("aaa");
  });
});

describe("enrolment", () => {
  it("[SH1] comes before the first row: a bucket that cannot confirm leaves the shard blank", async () => {
    const address = fresh("enrol-first");
    await append(address, rowsOf(address, [1]));
    const disk = await failing(() => bucketOf(address), "INSERT ON enrolment");
    const other = { index: 1, plan: { ...plan, shards: 2 } };
    await expect(append(address, [rowOf(address, 2, "", 1)], { index: 1 })).rejects.toThrow("disk is broken");
    expect(await tablesOf(shardOf(address, 1))).toEqual([]);
    await disk.restore();
    expect(await append(address, [rowOf(address, 2, "", 1)], other)).toMatchObject({
      refused: "wrong_plan",
      plan,
    });
    expect(await tablesOf(shardOf(address, 1))).toEqual([]);
  });

  it("[SH1] is one for all appends that wait for it, and stands in the bucket", async () => {
    const address = fresh("enrol-once");
    const enrol = vi.spyOn(env.HOUR_BUCKET, "getByName");
    await Promise.all(upTo(10).map((id) => append(address, rowsOf(address, [id]))));
    expect(enrol).toHaveBeenCalledTimes(1);
    expect(await sql(bucketOf(address), "SELECT shard, receipt FROM enrolment")).toEqual([
      { shard: 0, receipt: null },
    ]);
  });

  it("[SH1] refused, the shard stays blank: the hour is over, or too far ahead", async () => {
    const address = fresh("enrol-refused");
    setClock(due(address));
    expect(await append(address, rowsOf(address, [1]))).toEqual({ refused: "closed" });
    setClock(startOf(address.hour) - openEarlyMsMax - 1);
    expect(await append(address, rowsOf(address, [1]))).toEqual({ refused: "too_early" });
    expect(await tablesOf(shardOf(address))).toEqual([]);
    expect(await tablesOf(bucketOf(address))).toEqual([]);
    setClock(startOf(address.hour) - openEarlyMsMax);
    expect(fatesOf(await append(address, rowsOf(address, [1])))).toBe("a");
  });

  it("[BU2] a blank shard that its bucket closed never comes to life, also under its own name within the hour", async () => {
    const address = fresh("blank-closed");
    const receipt = await close(address);
    expect(receipt).toMatchObject({ counters: { accepted: { rows: 0 } }, parts: [], tail: null });
    expect(await append(address, rowsOf(address, [1]))).toEqual({ refused: "closed" });
    await evictDurableObject(shardOf(address));
    expect(await append(address, rowsOf(address, [1]))).toEqual({ refused: "closed" });
    expect(await tablesOf(bucketOf(address))).toEqual([]);
  });
});

describe("a shard refuses, and takes no row", () => {
  it("[SH8] another plan, with the right one", async () => {
    const address = fresh("wrong-plan");
    await append(address, rowsOf(address, [1]));
    const reply = await append(address, rowsOf(address, [2]), { plan: { ...plan, shards: 2 } });
    expect(reply).toEqual({ refused: "wrong_plan", plan });
    expect((await close(address)).counters.accepted.rows).toBe(1);
  });

  it("another protocol, with its own", async () => {
    const address = fresh("protocol");
    expect(await append(address, rowsOf(address, [1]), { protocol: 99 })).toEqual({
      refused: "unknown_protocol",
      protocol: 1,
    });
    expect(await tablesOf(shardOf(address))).toEqual([]);
    expect(
      await shardOf(address).close({
        protocol: 99,
        hour: address.hour,
        nowMs: due(address),
        formats: ["ndjson.gz"],
        carryBytes: carryBytesMin,
      }),
    ).toEqual({
      closed: false,
      protocol: 1,
    });
  });

  it("[ID6] a row that hashes elsewhere, and with it the whole append", async () => {
    const address = fresh("foreign-hash");
    const two = { plan: { ...plan, shards: 2 } };
    const reply = await append(address, [rowOf(address, 1, "", 4), rowOf(address, 2, "", 3)], two);
    expect(reply).toMatchObject({ refused: "malformed", detail: "row 1 has another home" });
    expect(await batches(address)).toEqual([]);
    expect(fatesOf(await append(address, [rowOf(address, 1, "", 4)], two))).toBe("a");
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["a count without rows", Uint8Array.of(1, 0, 0, 0)],
    ["a byte too much", Uint8Array.of(0, 0, 0, 0, 7)],
  ])("packed rows that are %s", async (name, rows) => {
    const address = fresh(`malformed-${name}`);
    expect(await append(address, [], { rows })).toMatchObject({ refused: "malformed" });
    expect(await tablesOf(shardOf(address))).toEqual([]);
  });

  describe("[SH11] of a queue of `queueBytesMax`", () => {
    /** Sixteen rows, of so many bytes as a message has them. */
    const sized = (address: BucketAddress, id: number, bytes: number): Row[] => {
      const rows = upTo(16, 100 * (id + 1)).map((no) => rowOf(address, no));
      const around = packRows(rows).length;
      return rows.map((_, at) => {
        const pad = Math.floor((bytes - around) / 16) + (at < (bytes - around) % 16 ? 1 : 0);
        return rowOf(address, 100 * (id + 1) + at, "x".repeat(pad));
      });
    };

    const appended = async (address: BucketAddress, bytes: readonly number[]): Promise<string[]> => {
      await append(address, rowsOf(address, ["first"]));
      const replies = await runInDurableObject(shardOf(address), (shard) =>
        Promise.all(bytes.map((size, id) => shard.append(messageOf(sized(address, id, size))))),
      );
      return replies.map((reply) => ("refused" in reply ? reply.refused : "taken"));
    };

    // The first one is being committed, and counts until it is durable.
    it("all is taken to its last byte, and nothing past it", async () => {
      const half = queueBytesMax / 2;
      const address = fresh("queue");
      expect(await appended(address, [half, half, 5_000])).toEqual(["taken", "taken", "overloaded"]);
      expect(await appended(fresh("queue-past"), [half, half + 1])).toEqual(["taken", "overloaded"]);
      expect(fatesOf(await append(address, sized(address, 9, half)))).toBe("a".repeat(16));
      expect((await close(address)).counters.accepted.rows).toBe(1 + 3 * 16);
    });

    it("what comes alone is taken, as large as a body", async () => {
      expect(await appended(fresh("queue-alone"), [queueBytesMax + 1, 5_000])).toEqual([
        "taken",
        "overloaded",
      ]);
    });
  });

  it("[SH11] what would take it past `identitiesPerShardMax`: full, also after it woke", async () => {
    const address = fresh("full");
    await append(address, rowsOf(address, ["first"]));
    await remembering(address, identitiesPerShardMax - 1);
    expect(await append(address, rowsOf(address, [1, 2]))).toEqual({ refused: "full" });
    expect(fatesOf(await append(address, rowsOf(address, ["one-more"])))).toBe("a");
    expect(await append(address, rowsOf(address, [1]))).toEqual({ refused: "full" });
  });
});

describe("a claim", () => {
  it("[SH11] that would take the home past `identitiesPerHomeMax`: full, and it is asked again later", async () => {
    const address = fresh("full-of-claims");
    await append(address, rowsOf(address, ["first"]));
    await remembering(address, identitiesPerHomeMax - 1);
    const claim = (...ids: string[]): Promise<unknown> =>
      shardOf(address).claim({
        protocol: protocolVersion,
        owner: HolderName.parse(`${hourText}/7`),
        fingerprints: Uint8Array.from(
          ids.flatMap((id) => [...fingerprintOf({ type: address.type, source: "//clients.example", id })]),
        ),
        windowMs: plan.windowMs,
        trace: undefined,
      });
    expect(await claim("1", "2")).toEqual({ decided: false, why: "full" });
    expect(await claim("1")).toEqual({ decided: true, granted: new Uint8Array([1]) });
    expect(await claim("2")).toEqual({ decided: false, why: "full" });
  });
});

describe("a receipt", () => {
  it("[SH9] closes the shard: what is durable is in it, what waits is answered closed", async () => {
    const address = fresh("closing");
    await append(address, rowsOf(address, ["first"]));
    const { running, waiting, receipt } = await runInDurableObject(shardOf(address), async (shard) => {
      const answers = Promise.all([1, 2].map((id) => shard.append(messageOf(rowsOf(address, [id])))));
      const closed = await shard.close({
        protocol: 1,
        hour: address.hour,
        nowMs: due(address),
        formats: ["ndjson.gz"],
        carryBytes: carryBytesMin,
      });
      const [first, second] = await answers;
      return { running: first, waiting: second, receipt: closed.closed ? closed.receipt : null };
    });
    expect(running).toMatchObject({ accepted: { rows: 1 } });
    expect(waiting).toEqual({ refused: "closed" });
    expect(receipt?.counters.accepted.rows).toBe(2);
    expect(receipt?.tail?.tally).toEqual(receipt?.counters.accepted);
    await evictDurableObject(shardOf(address));
    expect(await append(address, rowsOf(address, ["first"]))).toEqual({ refused: "closed" });
  });

  it("[SH10] is the same when it is asked for again, at once, later and after a restart", async () => {
    const address = fresh("same-receipt");
    await append(address, rowsOf(address, upTo(3), "x".repeat(MiB)));
    await append(address, rowsOf(address, upTo(3)));
    const [first, beside] = await Promise.all([closeIntoParts(address), closeIntoParts(address)]);
    expect(first.parts).toHaveLength(1);
    expect(beside).toEqual(first);
    await evictDurableObject(shardOf(address));
    expect(await closeIntoParts(address)).toEqual(first);
    await abortAllDurableObjects();
    setClock(due(address) + 3_600_000);
    expect(await closeIntoParts(address)).toEqual(first);
    expect(await objectsOf(address)).toEqual(["part-0-0.ndjson.gz"]);
  });

  it("[SH10] is the same for callers at once who let it carry more or less", async () => {
    const address = fresh("closed-twice-at-once");
    await append(address, rowsOf(address, upTo(3), "x".repeat(MiB)));
    const asked = { protocol: 1, hour: address.hour, nowMs: due(address) };
    const [first, second] = await runInDurableObject(shardOf(address), (shard) =>
      Promise.all(
        [carryAloneBytesMax, 0].map((carryBytes) =>
          shard.close({ ...asked, formats: ["ndjson.gz"], carryBytes }),
        ),
      ),
    );
    expect(first).toMatchObject({ closed: true, receipt: { parts: [], tail: { tally: { rows: 3 } } } });
    expect(second).toEqual(first);
    expect(await closeIntoParts(address)).toMatchObject({ parts: [], tail: { tally: { rows: 3 } } });
  });

  it("[PA4] carries what is at most `carryBytes`, and no byte more", async () => {
    const carryBytes = 600_000;
    const at = fresh("carried");
    const lineBytes = rowOf(at, 1).line.length;
    await append(at, rowsOf(at, [1], "x".repeat(carryBytes - lineBytes)));
    expect(await shardOf(at).unflushedBytes(at.hour)).toBe(carryBytes);
    const carried = await close(at, 0, carryBytes);
    expect(carried).toMatchObject({ parts: [], tail: { plainBytes: carryBytes } });
    expect((await shardOf(at).tailPayload(at.hour, null)).length).toBe(carryBytes);
    const past = fresh("not-carried");
    const room = carryBytes - rowOf(past, 1).line.length;
    await append(past, rowsOf(past, [1], "x".repeat(room + 1)));
    expect(await close(past, 0, carryBytes)).toMatchObject({ parts: [{ tally: { rows: 1 } }], tail: null });
    expect((await shardOf(past).tailPayload(past.hour, null)).length).toBe(0);
    expect(await shardOf(past).unflushedBytes(past.hour)).toBe(0);
  });

  it("[PA4] of a caller that does not say how much it may carry carries the least", async () => {
    const address = fresh("carry-unsaid");
    await append(address, rowsOf(address, [1], "x".repeat(carryBytesMin)));
    const older = { protocol: 1, hour: address.hour, nowMs: due(address), formats: ["ndjson.gz"] };
    const reply = await shardOf(address).close(older as CloseMessage);
    expect(reply).toMatchObject({ closed: true, receipt: { parts: [{ tally: { rows: 1 } }], tail: null } });
  });

  it.each([
    ["at the bound", MiB, [4, 4, 1]],
    ["one byte before it", MiB - 1, [5, 4]],
  ])("[PA5] carries rows in pages that end with the batch that fills them: %s", async (name, bytes, rows) => {
    const address = fresh(`tail-pages-${name}`);
    const room = bytes - rowOf(address, 1).line.length;
    for (const id of upTo(9)) await append(address, rowsOf(address, [id], "x".repeat(room)));
    expect(await shardOf(address).tailPages(address.hour)).toEqual([]);
    const { tail } = await close(address);
    const pages = await shardOf(address).tailPages(address.hour);
    expect(pages[0]?.content.plainBytes).toBe(bytes * (rows[0] ?? 0));
    expect(pages.map(({ content }) => content.tally.rows)).toEqual(rows);
    expect(addContents(pages.map(({ content }) => content))).toEqual(tail);
    const payloads = await Promise.all(
      pages.map(({ range }) => shardOf(address).tailPayload(address.hour, range)),
    );
    expect(payloads.map(({ length }) => length)).toEqual(pages.map(({ content }) => content.plainBytes));
    const whole = await shardOf(address).tailPayload(address.hour, null);
    const digest = async (parts: Uint8Array<ArrayBuffer>[]) =>
      sha256Hex(new Uint8Array(await new Blob(parts).arrayBuffer()));
    expect(await digest(payloads)).toBe(await digest([whole]));
  });
});

/** A part of 20 MiB is compressed beside all that the runtime has to do meanwhile. */
const encoding = { timeout: 20_000 };

describe("a flush", () => {
  it("[PA4] within the hour puts a part that is full, and the receipt carries what came after", async () => {
    const address = fresh("flush");
    const perAppend = 6;
    const appends = 5;
    for (const no of upTo(appends)) {
      const ids = upTo(perAppend, no * perAppend);
      await append(
        address,
        ids.map((id) => rowOf(address, id, incompressible())),
      );
    }
    await vi.waitFor(async () => {
      const put = await sql(shardOf(address), "SELECT key FROM part WHERE sha256 IS NOT NULL");
      expect(put).toHaveLength(1);
    }, encoding);
    // Open as before: what was flushed is remembered.
    expect(fatesOf(await append(address, rowsOf(address, [0, "late"])))).toBe("da");
    const receipt = await close(address);
    const [part, rest] = receipt.parts;
    expect(part?.bytes).toBeGreaterThan(partBytesTarget * 0.9);
    expect(part?.bytes).toBeLessThanOrEqual(partBytesMax);
    expect(part?.key).toBe(`${bucketPrefix(address)}part-0-0.ndjson.gz`);
    const object = await env.EVENTS.get(part?.key ?? "");
    const bytes = new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer());
    expect(bytes).toHaveLength(part?.bytes ?? -1);
    expect(await sha256Hex(bytes)).toBe(part?.sha256);
    expect(object?.checksums.toJSON().sha256).toBe(part?.sha256);
    expect((await linesOf(part?.key ?? "")).length).toBe(part?.tally.rows);
    const held = [part, rest, receipt.tail].flatMap((content) => (content ? [content.tally] : []));
    expect(addTallies(held)).toEqual(receipt.counters.accepted);
    expect(receipt.counters.accepted.rows).toBe(perAppend * appends + 1);
  });

  it("[PA4] that fails is not tried again by each commit, and is made up for at the close", async () => {
    const address = fresh("r2-away");
    const put = vi.spyOn(env.EVENTS, "put").mockRejectedValue(new Error("R2 is away"));
    const commit = async (from: number, rows: number): Promise<void> => {
      for (const id of upTo(rows, from)) await append(address, [rowOf(address, id, incompressible())]);
    };
    await commit(0, 30);
    await vi.waitFor(() => {
      expect(put).toHaveBeenCalledTimes(1);
    }, encoding);
    await commit(30, 18);
    await vi.waitFor(() => {
      expect(put).toHaveBeenCalledTimes(2);
    }, encoding);
    await commit(48, 6);
    await wait(3_000);
    expect(put).toHaveBeenCalledTimes(2);
    put.mockRestore();
    const { counters, parts } = await close(address);
    expect(counters.delivered.rows).toBe(54);
    expect(parts.length).toBeGreaterThanOrEqual(2);
  });

  it("[PA1] fixes a part before it is put: after a put that failed, the same rows go under the same key", async () => {
    const address = fresh("frozen");
    await append(address, rowsOf(address, [1, 2], "x".repeat(MiB)));
    const put = vi.spyOn(env.EVENTS, "put").mockRejectedValue(new Error("R2 is away"));
    await expect(closeIntoParts(address)).rejects.toThrow("R2 is away");
    expect(put.mock.calls[0]?.[2]).toMatchObject({ onlyIf: { etagDoesNotMatch: "*" } });
    const frozen = await sql(shardOf(address), "SELECT no, first_seq, last_seq, key_no, sha256 FROM part");
    expect(frozen).toEqual([{ no: 1, first_seq: 1, last_seq: 2, key_no: 0, sha256: null }]);
    expect(await append(address, rowsOf(address, [3]))).toEqual({ refused: "closed" });
    put.mockRestore();
    await evictDurableObject(shardOf(address));
    expect(await closeIntoParts(address)).toMatchObject({ parts: [{ tally: { rows: 2 } }], strays: [] });
    expect(await objectsOf(address)).toEqual(["part-0-0.ndjson.gz"]);
  });

  it("[PA1] puts a frozen part by the encoder that it was frozen with, also one of an earlier day", async () => {
    const groups: number[] = [];
    for (const encoder of [3, 2]) {
      const address = fresh(`frozen-encoder-${encoder}`);
      for (const id of upTo(9)) await append(address, rowsOf(address, [id], "x".repeat(MiB)));
      const put = vi.spyOn(env.EVENTS, "put").mockRejectedValue(new Error("R2 is away"));
      const message = { protocol: 1, hour: address.hour, nowMs: due(address), carryBytes: 0 };
      const closing = async () => await shardOf(address).close({ ...message, formats: ["parquet"] });
      await expect(closing()).rejects.toThrow("R2 is away");
      put.mockRestore();
      expect(await sql(shardOf(address), "SELECT encoder FROM part")).toEqual([{ encoder: 3 }]);
      await sql(shardOf(address), "UPDATE part SET encoder = ?", encoder);
      expect(await closing()).toMatchObject({ closed: true });
      const part = await env.EVENTS.get(`${bucketPrefix(address)}part-0-0.parquet`);
      groups.push(parquetMetadata((await part?.arrayBuffer()) ?? new ArrayBuffer()).row_groups.length);
    }
    expect(groups).toEqual([3, 2]);
  });

  it("[PA2] puts a part once, create-only and with its sha256", async () => {
    const address = fresh("put-once");
    await append(address, rowsOf(address, [1, 2], "x".repeat(MiB)));
    const put = vi.spyOn(env.EVENTS, "put");
    const multipart = vi.spyOn(env.EVENTS, "createMultipartUpload");
    const { parts } = await closeIntoParts(address);
    expect(put.mock.calls.map(([key, , options]) => [key, options])).toEqual([
      [parts[0]?.key, { onlyIf: { etagDoesNotMatch: "*" }, sha256: parts[0]?.sha256 }],
    ]);
    expect(multipart).not.toHaveBeenCalled();
  });

  it("[PA3] a put whose reply was lost is found to be its own", async () => {
    const address = fresh("lost-reply");
    await append(address, rowsOf(address, [1, 2], "x".repeat(MiB)));
    const put = env.EVENTS.put.bind(env.EVENTS);
    vi.spyOn(env.EVENTS, "put").mockImplementation(async (key: string, value, options) => {
      await put(key, value as string, options);
      throw new Error("the reply was lost");
    });
    expect(await closeIntoParts(address)).toMatchObject({ parts: [{ tally: { rows: 2 } }], strays: [] });
    expect(await objectsOf(address)).toEqual(["part-0-0.ndjson.gz"]);
  });

  it("[PA3] the same rows under its key in another compression are adopted as they are", async () => {
    const address = fresh("adopted");
    const rows = rowsOf(address, [1, 2], "x".repeat(MiB));
    const theirs = await gzipOf(rows.map(({ line }) => line).join(""));
    theirs[4] = 1; // Another modification time in the header: the same content, other bytes.
    const key = `${bucketPrefix(address)}part-0-0.ndjson.gz`;
    await env.EVENTS.put(key, theirs);
    await append(address, rows);
    const receipt = await closeIntoParts(address);
    expect(receipt.strays).toEqual([]);
    expect(receipt.parts).toMatchObject([{ key, bytes: theirs.length, sha256: await sha256Hex(theirs) }]);
  });

  it.each([
    ["no gzip", () => Promise.resolve("hello")],
    ["other rows", () => gzipOf("{}\n")],
  ])(
    "[PA3] %s under its key is a stray: the part takes the next number and leaves it alone",
    async (name, foreign) => {
      const address = fresh(`stray-${name}`);
      const stray = `${bucketPrefix(address)}part-0-0.ndjson.gz`;
      await env.EVENTS.put(stray, await foreign());
      const { etag } = (await env.EVENTS.head(stray)) ?? {};
      const rows = rowsOf(address, [1, 2], "x".repeat(MiB));
      await append(address, rows);
      const receipt = await closeIntoParts(address);
      const key = `${bucketPrefix(address)}part-0-1.ndjson.gz`;
      expect(receipt).toMatchObject({ strays: [stray], parts: [{ key, tally: { rows: 2 } }] });
      expect(await linesOf(key)).toEqual(rows.map(({ line }) => line.trimEnd()));
      expect((await env.EVENTS.head(stray))?.etag).toBe(etag);
    },
  );
});

describe("its alarm", () => {
  const dead = (address: ReturnType<typeof bucket>) => epochMs(due(address) + deadHandMs);

  it("[SH12] of an open shard wakes the bucket that nobody sealed, and not before the dead hand", async () => {
    const address = fresh("dead-hand");
    await append(address, rowsOf(address, [1]));
    setClock(dead(address) - 1);
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(true);
    expect(await objectsOf(address)).toEqual([]);
    setClock(dead(address));
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(true);
    expect(await objectsOf(address)).toEqual(["_SUCCESS", "_manifest.json", "part-merged-0.ndjson.gz"]);
  });

  it("[SH12] goes on when the bucket fails, without throwing", async () => {
    const address = fresh("dead-hand-fails");
    await append(address, rowsOf(address, [1]));
    const away = vi.spyOn(env.HOUR_BUCKET, "getByName").mockImplementation(() => {
      throw new Error("the bucket is away");
    });
    setClock(dead(address));
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(true);
    expect(away).toHaveBeenCalled();
    away.mockRestore();
    expect(await runDurableObjectAlarm(shardOf(address))).toBe(true);
    expect(await objectsOf(address)).toContain("_SUCCESS");
  });
});

describe("looking up appends", () => {
  it("[LE5] tells what was committed of each edge, by what the ledger knows of it", async () => {
    const address = fresh("look-up");
    const message = (no: number, id: number) => ({ rows: rowsOf(address, [id]), no: AppendNo.parse(no) });
    for (const [no, id] of [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 3],
      [9, 9],
    ] as const) {
      const { rows, no: appendNo } = message(no, id);
      await append(address, rows, { no: appendNo });
    }
    const edge = messageOf([]).edge;
    const ask = { edge, sentThrough: 4, unresolved: [2, 4, 5].map((no) => AppendNo.parse(no)) };
    const one = { rows: 1 };
    const expected = [{ edge, known: true, resolved: { rows: 2 }, unresolved: one, unanswered: one }];
    expect(await shardOf(address).lookUpAppends([ask])).toMatchObject(expected);
    await close(address);
    await evictDurableObject(shardOf(address));
    expect(await shardOf(address).lookUpAppends([ask])).toMatchObject(expected);
    expect(await shardOf(address).lookUpAppends([])).toMatchObject([
      { known: false, unanswered: { rows: 4 } },
    ]);
    expect(await shardOf(bucket("shard/never", hourText)).lookUpAppends([ask])).toEqual([]);
    expect(endOf(address.hour)).toBeLessThan(due(address));
  });
});
