/** The virtual clock and the alarms it drives, on the real runtime, in the composition of local mode. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type EpochMs, epochMs, isoOf } from "../../domain/hour.ts";
import type { LocalClock } from "../../durable-objects/local-clock/local-clock.ts";
import { armAlarm } from "../../platform/alarm.ts";
import { type AlarmOwner, readClock } from "../../platform/clock.ts";
import worker, { EdgeLedger, EventShard, HourBucket, UndatedHome } from "../../workers/index.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const namespaces = {
  EventShard: env.EVENT_SHARD,
  HourBucket: env.HOUR_BUCKET,
  EdgeLedger: env.EDGE_LEDGER,
  UndatedHome: env.UNDATED_HOME,
} as const;

/** Objects assert that they know their names; the last part is what these tests call them. */
const owners = {
  bucket: (label: string): AlarmOwner => ({ class: "HourBucket", name: `2026-11-23T10/${label}` }),
  shard: (label: string): AlarmOwner => ({ class: "EventShard", name: `2026-11-23T10/0/${label}` }),
  ledger: (slot: number): AlarmOwner => ({ class: "EdgeLedger", name: `2026-11-23T10/${slot}` }),
  undated: (label: string): AlarmOwner => ({ class: "UndatedHome", name: `3/${label}` }),
};
const { bucket, shard, ledger, undated } = owners;

/** The generated types do not know the class, which is not part of the deployed Worker. */
type ClockNamespace = DurableObjectNamespace<LocalClock>;

function clock(): DurableObjectStub<LocalClock> {
  const namespace = env.LOCAL_CLOCK as ClockNamespace | undefined;
  if (namespace === undefined) throw new Error("these tests run in local mode");
  return namespace.getByName("clock");
}

const now = (): Promise<EpochMs> => readClock(env);

/** What ran, in order: `<label> at <minutes after the start>`. */
let ran: string[] = [];
let startMs = 0;
/** What an alarm does, by label; nothing if there is none. */
const actions = new Map<string, (state: DurableObjectState) => Promise<void>>();

beforeEach(async () => {
  ran = [];
  actions.clear();
  for (const objectClass of [EventShard, HourBucket, EdgeLedger, UndatedHome]) {
    vi.spyOn(objectClass.prototype, "alarm").mockImplementation(async function (this: {
      readonly ctx: DurableObjectState;
    }) {
      const label = this.ctx.id.name?.split("/").at(-1) ?? "";
      ran.push(`${label} at ${Math.round(((await now()) - startMs) / minuteMs)}`);
      await actions.get(label)?.(this.ctx);
    });
  }
  // Each test begins at a full hour that no test before it has reached.
  startMs = Math.ceil((await now()) / hourMs + 24) * hourMs;
  expect(await clock().set(startMs)).toMatchObject({ ok: true });
  ran = [];
});

afterEach(() => {
  vi.restoreAllMocks();
});

function stubOf(owner: AlarmOwner): DurableObjectStub<EventShard | HourBucket | EdgeLedger | UndatedHome> {
  return namespaces[owner.class].getByName(owner.name);
}

async function arm(owner: AlarmOwner, minutes: number): Promise<void> {
  const nowMs = await now();
  await runInDurableObject(stubOf(owner), (_, state) =>
    armAlarm(state, env, owner, epochMs(startMs + minutes * minuteMs), nowMs),
  );
}

function moveTo(minutes: number): ReturnType<DurableObjectStub<LocalClock>["set"]> {
  return clock().set(startMs + minutes * minuteMs);
}

describe("[LO2] moving the clock", () => {
  test("runs what falls due before it answers, in order of due time, each at its own time", async () => {
    await arm(bucket("late"), 70);
    await arm(shard("early"), 5);
    await arm(ledger(7), 30);
    await arm(undated("undated"), 40);
    await arm(bucket("not yet"), 200);
    expect(await moveTo(90)).toMatchObject({ ok: true, value: { alarmsRun: 4, failures: [] } });
    expect(ran).toEqual(["early at 5", "7 at 30", "undated at 40", "late at 70"]);
    expect(Math.round(((await now()) - startMs) / minuteMs)).toBe(90);
  });

  test("runs what alarms arm meanwhile, in its turn", async () => {
    actions.set("chain", (state) =>
      ran.length < 3 ? rearm(state, bucket("chain"), 10 * minuteMs) : Promise.resolve(),
    );
    await arm(bucket("chain"), 10);
    await arm(bucket("other"), 25);
    await moveTo(60);
    expect(ran).toEqual(["chain at 10", "chain at 20", "other at 25", "chain at 30"]);
  });

  test("runs an alarm once, and the last of several times it was armed for", async () => {
    await arm(bucket("moved"), 10);
    await arm(bucket("moved"), 40);
    await moveTo(30);
    expect(ran).toEqual([]);
    await moveTo(50);
    await moveTo(500);
    expect(ran).toEqual(["moved at 40"]);
  });

  test("does not run an alarm that its object has deleted", async () => {
    await arm(bucket("gone"), 10);
    await runInDurableObject(stubOf(bucket("gone")), (_, state) => state.storage.deleteAlarm());
    expect(await moveTo(20)).toMatchObject({ value: { alarmsRun: 1 } });
    expect(ran).toEqual([]);
  });

  test("names an alarm that throws, and tries it again a little later", async () => {
    let throws = 2;
    actions.set("faulty", () => (throws-- > 0 ? Promise.reject(new Error("not now")) : Promise.resolve()));
    await arm(bucket("faulty"), 10);
    await arm(bucket("sound"), 11);
    const moved = await moveTo(20);
    expect(moved).toMatchObject({ ok: true });
    expect(moved.ok ? moved.value.failures : []).toEqual([
      expect.stringContaining("HourBucket 2026-11-23T10/faulty: Error: not now"),
      expect.stringContaining("HourBucket 2026-11-23T10/faulty: Error: not now"),
    ]);
    expect(ran.filter((line) => line.includes("faulty"))).toHaveLength(3);
    expect(ran).toContain("sound at 11");
  });

  test("[LO2] never goes back, and says where it stands", async () => {
    const moved = await clock().set(startMs - hourMs);
    expect(moved).toMatchObject({ ok: false, reason: { code: "backwards" } });
    expect(Math.round(((await now()) - startMs) / minuteMs)).toBe(0);
  });
});

describe("time that comes by itself", () => {
  test("runs an alarm without any move", async () => {
    await arm(bucket("soon"), 0.005);
    await vi.waitFor(() => {
      expect(ran).toEqual(["soon at 0"]);
    }, 5_000);
  });

  test("an alarm of the runtime that comes early by the virtual clock waits on", async () => {
    await arm(bucket("early"), 60);
    await runInDurableObject(stubOf(bucket("early")), (instance) => instance.alarm());
    expect(ran).toEqual([]);
    await moveTo(61);
    expect(ran).toEqual(["early at 60"]);
  });
});

describe("[LO2] what is durable", () => {
  test("the clock and what it expects survive the end of its object", async () => {
    await arm(bucket("kept"), 10);
    await evictDurableObject(clock());
    expect(Math.round(((await now()) - startMs) / minuteMs)).toBe(0);
    await moveTo(20);
    expect(ran).toEqual(["kept at 10"]);
  });

  test("an alarm the clock was never told of is told again when its object wakes", async () => {
    await arm(bucket("untold"), 10);
    await runInDurableObject(clock(), (_, state) => state.storage.sql.exec("DELETE FROM alarm").toArray());
    await evictDurableObject(stubOf(bucket("untold")));
    await runInDurableObject(stubOf(bucket("untold")), () => undefined);
    await moveTo(20);
    expect(ran).toEqual(["untold at 10"]);
  });

  test("an alarm and the rows of its turn stand or fall together", async () => {
    const stub = stubOf(bucket("rolled back"));
    const nowMs = await now();
    await runInDurableObject(stub, async (_, state) => {
      expect(() => {
        state.storage.transactionSync(() => {
          void armAlarm(state, env, bucket("rolled back"), epochMs(nowMs + minuteMs), nowMs);
          throw new Error("roll back");
        });
      }).toThrow("roll back");
      expect(await state.storage.getAlarm()).toBeNull();
    });
    await moveTo(20);
    expect(ran).toEqual([]);
  });
});

describe("the routes", () => {
  const minuteOf = (time: string): unknown => expect.stringContaining(time.slice(0, 16));
  const sentence: unknown = expect.stringMatching(/[.]$/);
  const call = (method: string, path: string, body?: unknown, key = env.HOURSEAL_ADMIN_KEY) =>
    exports.default.fetch(`https://local/v1/local/${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  test("tell and move the time", async () => {
    const to = isoOf(epochMs(startMs + 30 * minuteMs));
    expect(await (await call("POST", "clock", { now: to })).json()).toMatchObject({ alarmsRun: 0 });
    const told: unknown = await (await call("GET", "clock")).json();
    expect(told).toMatchObject({ now: minuteOf(to) });
  });

  test.each([
    ["a wrong key", 401, () => call("GET", "clock", undefined, "x".repeat(30))],
    ["another path", 404, () => call("GET", "time")],
    ["another method", 404, () => call("DELETE", "clock")],
    ["no time", 422, () => call("POST", "clock", {})],
    ["a time that is none", 422, () => call("POST", "clock", { now: "2026-02-30T00:00:00Z" })],
    ["a time that has passed", 409, () => call("POST", "clock", { now: "1999-01-01T00:00:00Z" })],
  ])("refuse %s with %i", async (_, status, asked) => {
    const reply = await asked();
    expect(reply.status).toBe(status);
    expect(await reply.json()).toMatchObject({ status, detail: sentence });
  });

  test("run the cron at the virtual time", async () => {
    const scheduled = vi.spyOn(worker, "scheduled").mockResolvedValue();
    expect((await call("POST", "cron")).status).toBe(200);
    const controller = scheduled.mock.calls[0]?.[0];
    expect(Math.round(((controller?.scheduledTime ?? 0) - startMs) / minuteMs)).toBe(0);
  });
});

async function rearm(state: DurableObjectState, owner: AlarmOwner, inMs: number): Promise<void> {
  const nowMs = await now();
  await armAlarm(state, env, owner, epochMs(nowMs + inMs), nowMs);
}
