/** Late, undated, early and spilled events on the real runtime: each is delivered once, over all buckets. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, endOf, epochMs, isoOf, plusHours, startOf } from "../../domain/hour.ts";
import { type BucketAddress, type EventType, HolderName, undatedHomeName } from "../../domain/ids.ts";
import {
  claimPatienceMs,
  forgetAfterWindowMs,
  retireAfterWindowMs,
  undatedHomes,
} from "../../domain/limits.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { protocolVersion } from "../../domain/plan.ts";
import type { Finding } from "../../domain/verdict.ts";
import { r2Objects } from "../../platform/objects.ts";
import { auditBucket } from "../../workers/flusher/audit/audit-bucket.ts";
import type { UndatedHome } from "../../workers/index.ts";
import { bucket, hour } from "./helpers.ts";
import {
  bucketOf,
  due,
  linesOf,
  manifestAt,
  plan,
  seal,
  setClock,
  shardOf,
  sql,
  tablesOf,
} from "./helpers-objects.ts";
import {
  type TestEvent,
  answer,
  eventOf,
  intercept,
  newKey,
  post,
  register,
  settled,
} from "./helpers-system.ts";

const minuteMs = 60_000;
const ten = hour("2031-11-23T10");
const away = () => Promise.reject(new Error("it is away"));

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

beforeEach(() => {
  setClock(startOf(ten));
});

interface Client {
  readonly type: EventType;
  /** Posts at this minute after ten o'clock; answers what it came to. */
  at(minute: number, ...events: TestEvent[]): Promise<{ status: number; body: unknown }>;
  event(id: number | string, minute?: number): TestEvent;
}

async function client(name: string, settings: object = {}): Promise<Client> {
  const { type } = bucket(`claims/${name}`, ten);
  await register(type, settings);
  const key = await newKey(`write:${type}`);
  return {
    type,
    at: (minute, ...events) => {
      setClock(minutes(minute));
      return answer(post(key, events));
    },
    event: (id, minute) => eventOf(type, id, minute === undefined ? {} : { time: isoOf(minutes(minute)) }),
  };
}

/** So many minutes after ten o'clock. */
function minutes(minute: number): EpochMs {
  return epochMs(startOf(ten) + minute * minuteMs);
}

/** Hours after ten o'clock. */
function inHours({ type }: Client, hours: number): BucketAddress {
  return { type, hour: plusHours(ten, hours) };
}

const taken = (accepted: number, more: object = {}) => ({
  status: 200,
  body: { accepted, duplicates: 0, late: 0, quarantined: 0, refused: [], ...more },
});

async function sealAt(address: BucketAddress, afterDueMs = 0): Promise<Manifest> {
  await settled();
  const nowMs = setClock(due(address) + afterDueMs);
  const reply = await seal(address, { nowMs, plan });
  if (reply.state !== "sealed") throw new Error(`not sealed: ${JSON.stringify(reply)}`);
  return manifestAt(address);
}

async function audit(address: BucketAddress, now = due(address)): Promise<readonly Finding[]> {
  const reply = await seal(address);
  if (reply.state !== "sealed") throw new Error(`not sealed: ${reply.state}`);
  const objects = r2Objects(env.EVENTS);
  return (await auditBucket(env, objects, address, reply.summary, now, () => false))?.findings ?? [];
}

/** Rows of buckets, as `<hours after ten>: <id>`; every one of them balanced. */
async function rowsOver({ type }: Client, hours: readonly number[]): Promise<string[]> {
  const rows: string[] = [];
  for (const after of hours) {
    const address = { type, hour: plusHours(ten, after) };
    for (const { key } of (await manifestAt(address)).parts) {
      for (const line of await linesOf(key)) {
        rows.push(`${after}: ${(JSON.parse(line) as { event: { id: string } }).event.id}`);
      }
    }
    expect(await audit(address)).toEqual([]);
  }
  return rows;
}

function undatedHomesOf(type: EventType): (() => DurableObjectStub<UndatedHome>)[] {
  return Array.from(
    { length: undatedHomes },
    (_, index) => () => env.UNDATED_HOME.getByName(undatedHomeName(type, index)),
  );
}

describe("an event that is sent again is one row over all buckets", () => {
  it("[CL1] [CL2] after its hour was sealed, twice, and a day later in another batch", async () => {
    const sender = await client("sealed");
    const event = sender.event("once", 5);
    expect(await sender.at(5, event, event)).toEqual(taken(1, { duplicates: 1 }));
    await sealAt(inHours(sender, 0));
    expect(await sender.at(75, event, sender.event("on time", 74))).toEqual(taken(2, { late: 1 }));
    expect(await sender.at(76, event)).toEqual(taken(0, { duplicates: 1, late: 1 }));
    expect((await sealAt(inHours(sender, 1))).shards).toMatchObject([{ denied: { rows: 1 } }]);
    expect(await sender.at(25 * 60, sender.event("other", 25 * 60), event)).toEqual(taken(2, { late: 1 }));
    await sealAt(inHours(sender, 25));
    expect(await rowsOver(sender, [0, 1, 25])).toEqual(["0: once", "1: on time", "25: other"]);
  });

  it("[CL2] first seen late, in two later hours: the one that asked first has it, also when it asks again", async () => {
    const sender = await client("late-twice", { shards: 2, partitionBy: "id" });
    const event = sender.event("late", -90);
    expect(await sender.at(5, event)).toEqual(taken(1, { late: 1 }));
    expect(await sender.at(65, event)).toEqual(taken(1, { late: 1 }));
    await sealAt(inHours(sender, 1));
    await sealAt(inHours(sender, 0));
    expect(await rowsOver(sender, [0, 1])).toEqual(["1: late"]);
  });

  it("[CL2] asked for again after the holder lost the answer", async () => {
    const sender = await client("asked-again");
    await sender.at(5, sender.event("late", -90));
    await settled();
    let lost = 0;
    intercept(env.EVENT_SHARD, "claim", async (act) => {
      const reply = await act();
      if (lost++ === 0) await away();
      return reply;
    });
    const address = inHours(sender, 0);
    setClock(due(address));
    expect(await seal(address)).toMatchObject({ state: "failed", step: "collect_receipts" });
    expect(lost).toBe(1);
    vi.restoreAllMocks();
    await evictDurableObject(shardOf(inHours(sender, -2)));
    await sealAt(address);
    expect(await rowsOver(sender, [0])).toEqual(["0: late"]);
  });

  it("[CL7] undated, two hours later", async () => {
    const sender = await client("undated");
    const events = [1, 2, 3, 4].map((id) => sender.event(id));
    expect(await sender.at(5, ...events)).toEqual(taken(4));
    expect(await sender.at(125, ...events, sender.event("new"))).toEqual(taken(5));
    await sealAt(inHours(sender, 0));
    expect((await sealAt(inHours(sender, 2))).shards).toMatchObject([{ denied: { rows: 4 } }]);
    expect(await rowsOver(sender, [0, 2])).toEqual(["0: 1", "0: 2", "0: 3", "0: 4", "2: new"]);
  });

  it.each([
    ["before the first hour is sealed", 61, "1: fast", "accepted"],
    ["after it", 75, "0: fast", "duplicates"],
  ])(
    "[CL7] of a client that is six minutes fast, sent again in its own hour %s",
    async (when, minute, row, fate) => {
      const sender = await client(`fast ${when}`);
      const event = sender.event("fast", 61);
      expect(await sender.at(55, event)).toEqual(taken(1, { late: 1 }));
      if (fate === "duplicates") await sealAt(inHours(sender, 0));
      const fates = fate === "accepted" ? taken(1) : taken(0, { duplicates: 1 });
      expect(await sender.at(minute, event)).toEqual(fates);
      if (fate === "accepted") await sealAt(inHours(sender, 0));
      // A shard that only guarded the identity has no row to deliver, and opens for the next one.
      expect(await sender.at(minute + 1, sender.event("next", minute))).toEqual(taken(1));
      await sealAt(inHours(sender, 1));
      expect((await rowsOver(sender, [0, 1])).toSorted()).toEqual([row, "1: next"].toSorted());
    },
  );

  it.each([
    ["years ago", "1999-12-31T23:59:59Z"],
    ["next year", "2033-01-01T00:00:00Z"],
    ["at the edge of what is believed", isoOf(epochMs(startOf(ten) - plan.windowMs - forgetAfterWindowMs))],
    ["a little past the hour that is believed", isoOf(epochMs(startOf(ten) + 90 * minuteMs))],
  ])("[CL7] dated %s, an hour later", async (when, time) => {
    const sender = await client(`dated ${when}`);
    const event = eventOf(sender.type, 1, { time });
    expect(await sender.at(5, event)).toEqual(taken(1, { late: 1 }));
    await sealAt(inHours(sender, 0));
    const again = await sender.at(65, event);
    expect([taken(1, { late: 1 }), taken(0, { duplicates: 1 })]).toContainEqual(again);
    await sealAt(inHours(sender, 1));
    expect(await rowsOver(sender, [0, 1])).toEqual(["0: 1"]);
  });
});

describe("a home", () => {
  it("[CL6] is found by the plan that the claim fixed, which the stream's settings do not change", async () => {
    const sender = await client("plan", { shards: 3, partitionBy: "id" });
    const late = [1, 2, 3, 4, 5, 6].map((id) => sender.event(id, -90));
    const early = sender.event("early", 65);
    await sender.at(5, ...late, early);
    await sealAt(inHours(sender, 0));
    await register(sender.type, { shards: 2, partitionBy: "source" });
    setClock(minutes(60));
    expect(await sender.at(66, ...late, early, sender.event("new", 66))).toEqual(
      taken(7, { duplicates: 1, late: 6 }),
    );
    await sealAt(inHours(sender, 1));
    expect(await manifestAt(inHours(sender, 1))).toMatchObject({ plan: { shards: 3, partitionBy: "id" } });
    const rows = await rowsOver(sender, [0, 1]);
    expect(rows).toHaveLength(8);
    expect(new Set(rows.map((row) => row.split(": ")[1])).size).toBe(8);
  });

  it("[CL5] that has forgotten lets the row through, marked and counted, once", async () => {
    const sender = await client("forgotten");
    const event = sender.event("old", -(plan.windowMs / minuteMs) - 12 * 60);
    await sender.at(5, event);
    const manifest = await sealAt(inHours(sender, 0));
    expect(manifest.shards).toMatchObject([{ unguarded: 1, delivered: { rows: 1 } }]);
    const [line = ""] = await linesOf(manifest.parts[0]?.key ?? "");
    expect(JSON.parse(line)).toMatchObject({ unguarded: true, event });
    // So near the end of the window an undated home guards it, too.
    await sender.at(65, event);
    await sealAt(inHours(sender, 1));
    expect(await rowsOver(sender, [0, 1])).toEqual(["0: old"]);
  });

  it("[CL4] that does not answer holds up nothing: rows move to the next open bucket, which asks again", async () => {
    const sender = await client("moved");
    await sender.at(5, sender.event("late", -90), sender.event("on time", 5));
    await settled();
    const address = inHours(sender, 0);
    intercept(env.EVENT_SHARD, "claim", away);
    setClock(due(address));
    expect(await seal(address)).toMatchObject({ state: "failed", step: "collect_receipts" });
    const from = await sealAt(address, claimPatienceMs);
    expect(from.shards).toMatchObject([
      { accepted: { rows: 2 }, delivered: { rows: 1 }, reassignedOut: [{ hour: plusHours(ten, 1) }] },
    ]);
    // The other end is not sealed yet: whether the row has arrived, and what its home grants, is not known.
    expect(await audit(address)).toMatchObject([
      { kind: "unaudited", hop: "homes" },
      { kind: "unaudited", hop: "moves" },
    ]);
    vi.restoreAllMocks();
    await evictDurableObject(shardOf(address));
    const to = await sealAt(inHours(sender, 1));
    expect(to.shards).toMatchObject([{ hour: ten, reassignedIn: [{ hour: ten, tally: { rows: 1 } }] }]);
    expect(await rowsOver(sender, [0, 1])).toEqual(["0: on time", "1: late"]);
  });

  it("[CL4] undated, that does not answer, the same; and payloads go only when both buckets are balanced", async () => {
    const sender = await client("moved-undated");
    await sender.at(5, sender.event("undated"));
    await settled();
    intercept(env.UNDATED_HOME, "claim", away);
    await sealAt(inHours(sender, 0), claimPatienceMs);
    vi.restoreAllMocks();
    const rows = () =>
      sql(shardOf(inHours(sender, 0)), "SELECT count(rows) AS kept FROM foreign_batch WHERE states IS NULL");
    await bucketOf(inHours(sender, 0)).verified({ nowMs: due(inHours(sender, 0)), verdict: "balanced" });
    await runDurableObjectAlarm(bucketOf(inHours(sender, 0)));
    expect(await rows()).toEqual([{ kept: 1 }]);
    await sealAt(inHours(sender, 1));
    expect(await rowsOver(sender, [0, 1])).toEqual(["1: undated"]);
  });
});

describe("a shard that cannot take an event", () => {
  it.each([
    ["is away", away],
    ["is overloaded", () => Promise.resolve({ refused: "overloaded" })],
    ["is full", () => Promise.resolve({ refused: "full" })],
    [
      "loses its answer",
      async (act: () => Promise<unknown>) => {
        await act();
        await away();
      },
    ],
  ])("[CL8] because it %s: an overflow shard does, and one row is delivered", async (why, instead) => {
    const sender = await client(`spill ${why}`);
    intercept(env.EVENT_SHARD, "append", (act, name) => (name.includes("/0/") ? instead(act) : act()));
    const events = [sender.event("dated", 5), sender.event("undated"), sender.event("late", -90)];
    expect(await sender.at(5, ...events)).toEqual(taken(3, { late: 1 }));
    vi.restoreAllMocks();
    const again = await sender.at(6, ...events);
    expect(again).toMatchObject({ status: 200, body: { refused: [] } });
    const { shards } = await sealAt(inHours(sender, 0));
    expect(shards.length).toBeGreaterThan(1);
    expect((await rowsOver(sender, [0])).toSorted()).toEqual(["0: dated", "0: late", "0: undated"]);
  });

  it("[CL8] because its disk is broken", async () => {
    const sender = await client("spill-disk");
    await sender.at(5, sender.event("before", 5));
    await sql(
      shardOf(inHours(sender, 0)),
      "CREATE TRIGGER failing BEFORE INSERT ON batch BEGIN SELECT raise(ABORT, 'the disk is broken'); END",
    );
    expect(await sender.at(6, sender.event("during", 6))).toEqual(taken(1));
    await sql(shardOf(inHours(sender, 0)), "DROP TRIGGER failing");
    await sealAt(inHours(sender, 0));
    expect(await rowsOver(sender, [0])).toEqual(["0: before", "0: during"]);
  });
});

describe("tampering with what homes recorded is found", () => {
  async function granted(name: string): Promise<{ sender: Client; home: () => DurableObjectStub }> {
    const sender = await client(name);
    await sender.at(5, sender.event("late", -90), sender.event("late-too", -90));
    await sealAt(inHours(sender, 0));
    expect(await audit(inHours(sender, 0))).toEqual([]);
    return { sender, home: () => shardOf(inHours(sender, -2)) };
  }

  it.each([
    ["a claim that was deleted", "DELETE FROM claim", "missing"],
    ["an owner that was forged", "UPDATE claim SET owner = '2031-11-23T09/0'", "missing"],
  ])("[CL2] %s", async (what, statement, kind) => {
    const { sender, home } = await granted(what);
    await sql(home(), statement);
    await evictDurableObject(home());
    expect(await audit(inHours(sender, 0))).toMatchObject([{ kind, hop: "homes", rows: 2 }]);
  });

  it("[CL2] an undated identity that has another owner", async () => {
    const sender = await client("forged-undated");
    await sender.at(5, sender.event("undated"));
    await sealAt(inHours(sender, 0));
    expect(await audit(inHours(sender, 0))).toEqual([]);
    for (const home of undatedHomesOf(sender.type)) {
      if ((await tablesOf(home())).length === 0) continue;
      await sql(home(), "UPDATE identity SET owner = '2031-11-23T09/0'");
    }
    expect(await audit(inHours(sender, 0))).toMatchObject([{ kind: "missing", hop: "homes", rows: 1 }]);
  });

  it("[CL1] a row that was denied, of which its home knows nothing", async () => {
    const sender = await client("denied-for-nothing");
    const event = sender.event("once", 5);
    await sender.at(5, event);
    await sealAt(inHours(sender, 0));
    await sender.at(75, event);
    await sealAt(inHours(sender, 1));
    expect(await audit(inHours(sender, 1))).toEqual([]);
    const home = () => shardOf(inHours(sender, 0));
    await runInDurableObject(home(), (_object, { storage }) => {
      storage.sql.exec("UPDATE batch SET fingerprints = x''");
    });
    await evictDurableObject(home());
    expect(await audit(inHours(sender, 1))).toMatchObject([{ kind: "missing", hop: "denials", rows: 1 }]);
  });
});

describe("an undated home", () => {
  it("[CL5] takes an identity for new after the window and a day, keeps it a day for audits, and deletes itself", async () => {
    const sender = await client("undated-retires");
    await sender.at(5, sender.event("undated"));
    await sealAt(inHours(sender, 0));
    const [home] = await Promise.all(
      undatedHomesOf(sender.type).map(async (stub) => ((await tablesOf(stub())).length > 0 ? stub : null)),
    ).then((stubs) => stubs.filter((stub) => stub !== null));
    if (home === undefined) throw new Error("no home was asked");
    setClock(endOf(ten) + plan.windowMs + retireAfterWindowMs - 2 * 3_600_000);
    await runDurableObjectAlarm(home());
    const [kept] = await sql<{ fingerprint: ArrayBuffer }>(home(), "SELECT fingerprint FROM identity");
    const fingerprints = new Uint8Array(kept?.fingerprint ?? new ArrayBuffer());
    const owner = HolderName.parse(`${inHours(sender, 200).hour}/0`);
    expect((await home().ownedBy(owner, fingerprints)).known).toBe(1);
    const message = { protocol: protocolVersion, owner, fingerprints, windowMs: plan.windowMs };
    expect(await home().claim(message)).toEqual({ decided: true, granted: new Uint8Array([1]) });
    expect((await home().ownedBy(owner, fingerprints)).owned.rows).toBe(1);
    setClock(endOf(ten) + 2 * (plan.windowMs + 2 * retireAfterWindowMs));
    await runDurableObjectAlarm(home()).catch(() => false);
    await vi.waitFor(async () => {
      expect(await tablesOf(home())).toEqual([]);
    });
  });
});
