/** Quotas of streams and keys, from outside: counted over all edges, told to all of them, and over when the window is. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { type EpochMs, epochMs, hourOf, plusHours, startOf } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";
import { snapshotMaxAgeMs } from "../../domain/limits.ts";
import { quotaDue } from "../../workers/flusher/quota/quota-due.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { hour, overriding, type } from "./helpers.ts";
import { due, setClock, upTo } from "./helpers-objects.ts";
import { answer, call, eventOf, newKey, post, register, report, settled } from "./helpers-system.ts";

const ten = hour("2032-11-23T10");
const half = epochMs(startOf(ten) + 1_800_000);

// Every count takes up all that the catalog has: each test has it for itself.
beforeEach(async () => {
  await env.CATALOG.batch([
    ...["streams", "keys", "quota_use", "quota_spent"].map((table) =>
      env.CATALOG.prepare(`DELETE FROM ${table}`),
    ),
    env.CATALOG.prepare("UPDATE config SET version = version + 1"),
  ]);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function stream(name: string, settings: object = {}): Promise<EventType> {
  const named = type(`quotas/${name}`);
  await register(named, settings);
  return named;
}

async function limitedKey(limits: object): Promise<{ readonly id: string; readonly key: string }> {
  const body = JSON.stringify({ scopes: ["write:*"], ...limits });
  const reply = await (await call("POST /v1/keys", { body })).json();
  return z.looseObject({ id: z.string(), key: z.string() }).parse(reply);
}

const events = (of: EventType, from: number, count: number) => upTo(count, from).map((id) => eventOf(of, id));

/** The cron counts, and edges have had the time to hear of it. */
async function counted(now: EpochMs): Promise<EpochMs> {
  await settled();
  await quotaDue(env, now);
  return setClock(epochMs(now + snapshotMaxAgeMs + 1_000));
}

describe("[RA4] a stream's quota", () => {
  it("is 429 when it is used up, until the hour ends; other streams know nothing of it", async () => {
    const now = setClock(half);
    const bounded = await stream("hour ∆", { eventsPerHourMax: 5 });
    const free = await stream("free");
    const key = await newKey("write:*");
    expect((await post(key, events(bounded, 0, 4))).status).toBe(200);
    const later = await counted(now);
    expect((await post(key, events(bounded, 4, 1))).status).toBe(200);
    const spentAt = await counted(later);
    const reply = await post(key, [eventOf(free, 1), eventOf(bounded, 9)]);
    expect(reply.status).toBe(429);
    const seconds = Math.ceil((startOf(plusHours(ten, 1)) - spentAt) / 1_000);
    expect(Number(reply.headers.get("retry-after"))).toBe(seconds);
    const name = "stream quotas%2Fhour%20%E2%88%86 hour";
    expect(reply.headers.get("ratelimit-policy")).toBe(`"${name}";q=5;w=3600`);
    expect(reply.headers.get("ratelimit")).toBe(`"${name}";r=0;t=${seconds}`);
    expect(await reply.json()).toMatchObject({ accepted: 1, failed: [1], "violated-policies": [name] });
    // The window's end needs nobody to say so.
    setClock(startOf(plusHours(ten, 1)));
    expect(await answer(post(key, events(bounded, 9, 1)))).toMatchObject({
      status: 200,
      body: { accepted: 1 },
    });
  });

  it("counts what was accepted and no duplicates; what is over it is failed, logged once, and the hour balances", async () => {
    const now = setClock(half);
    const bounded = await stream("counted", { eventsPerHourMax: 3 });
    const key = await newKey("write:*");
    for (let turn = 0; turn < 4; turn++) await post(key, events(bounded, 0, 2));
    const later = await counted(now);
    expect((await post(key, events(bounded, 2, 1))).status).toBe(200);
    await counted(later);
    const lines = vi.spyOn(console, "log");
    for (let turn = 0; turn < 3; turn++) expect((await post(key, events(bounded, 5, 1))).status).toBe(429);
    expect(lines.mock.calls.filter(([line]) => String(line).includes("quota_used_up"))).toHaveLength(1);
    await settled();
    await runFlusher(env, setClock(due({ type: bounded, hour: ten })));
    expect(await report(bounded)).toMatchObject({ rows: 3, notBalanced: [] });
  });

  it("of a day is the sum of its hours, and ends with the day", async () => {
    let now = setClock(half);
    const bounded = await stream("day", { eventsPerDayMax: 4 });
    const key = await newKey("write:*");
    await post(key, events(bounded, 0, 3));
    await counted(now);
    now = setClock(epochMs(half + 3_600_000));
    await post(key, events(bounded, 3, 1));
    await counted(now);
    expect((await post(key, events(bounded, 4, 1))).status).toBe(429);
    now = setClock(epochMs(half + 2 * 3_600_000));
    expect((await post(key, events(bounded, 4, 1))).status, "a new hour is no new day").toBe(429);
    setClock(startOf(hour("2032-11-24T00")));
    expect((await post(key, events(bounded, 4, 1))).status).toBe(200);
  });

  it("that is raised is not used up any more; one that is taken away neither", async () => {
    const now = setClock(half);
    const bounded = await stream("raised", { eventsPerHourMax: 1 });
    const key = await newKey("write:*");
    await post(key, events(bounded, 0, 1));
    const spent = await counted(now);
    expect((await post(key, events(bounded, 1, 1))).status).toBe(429);
    await register(bounded, { eventsPerHourMax: 2 });
    const raised = await counted(spent);
    expect((await post(key, events(bounded, 1, 1))).status).toBe(200);
    const again = await counted(raised);
    expect((await post(key, events(bounded, 2, 1))).status).toBe(429);
    await register(bounded, {});
    await counted(again);
    expect((await post(key, events(bounded, 2, 1))).status).toBe(200);
  });
});

describe("[RA4] a key's quota", () => {
  it("is one over all streams; other keys know nothing of it, and its successor has as much", async () => {
    const now = setClock(half);
    const [one, other] = [await stream("one"), await stream("other")];
    const { id, key } = await limitedKey({ eventsPerHourMax: 4 });
    await post(key, [...events(one, 0, 2), ...events(other, 0, 2)]);
    await counted(now);
    const reply = await post(key, events(one, 2, 1));
    expect(reply.status).toBe(429);
    expect(reply.headers.get("ratelimit-policy")).toBe('"key hour";q=4;w=3600');
    expect((await post(await newKey("write:*"), events(one, 2, 1))).status).toBe(200);
    const { keys } = z
      .looseObject({ keys: z.array(z.looseObject({})) })
      .parse(await (await call("GET /v1/keys")).json());
    expect(keys.find((listed) => listed["id"] === id)).toMatchObject({
      eventsPerHourMax: 4,
      eventsPerDayMax: null,
    });
    const rotated = await call(`POST /v1/keys/${id}/rotate`, { body: "{}" });
    expect(await rotated.json()).toMatchObject({ eventsPerHourMax: 4 });
  });
});

describe("[RA5] counting", () => {
  it("goes on with what is known when a ledger does not answer, and forgets nothing by it", async () => {
    const now = setClock(half);
    const bounded = await stream("away", { eventsPerHourMax: 2 });
    const key = await newKey("write:*");
    await post(key, events(bounded, 0, 2));
    const spent = await counted(now);
    const EDGE_LEDGER = overriding(env.EDGE_LEDGER, {
      getByName: () => ({ use: () => Promise.reject(new Error("the ledger is away")) }),
    });
    expect(await quotaDue({ ...env, EDGE_LEDGER }, spent)).toEqual({ progress: 0 });
    expect((await post(key, events(bounded, 2, 1))).status).toBe(429);
  });

  it("twice at once says the same, and writes the snapshot only when there is news", async () => {
    const now = setClock(half);
    const bounded = await stream("twice", { eventsPerHourMax: 1 });
    await post(await newKey("write:*"), events(bounded, 0, 1));
    await settled();
    await Promise.all([quotaDue(env, now), quotaDue(env, now)]);
    const version = () => env.CATALOG.prepare("SELECT version FROM config").first("version");
    const before = await version();
    expect(await quotaDue(env, now)).toEqual({ progress: 0 });
    expect(await version()).toBe(before);
    expect(await (await call("GET /v1/quotas")).json()).toEqual({
      quotas: [
        {
          kind: "stream",
          name: bounded,
          eventsPerHourMax: 1,
          eventsPerDayMax: null,
          eventsThisHour: 1,
          eventsToday: 1,
          usedUpUntil: "2032-11-23T11:00:00.000Z",
        },
      ],
    });
  });

  it("asks nothing of anybody if nobody has a quota, and forgets the days before", async () => {
    const now = setClock(half);
    await stream("none");
    const EDGE_LEDGER = overriding(env.EDGE_LEDGER, {
      getByName: () => {
        throw new Error("nobody is asked");
      },
    });
    expect(await quotaDue({ ...env, EDGE_LEDGER }, now)).toEqual({ progress: 0 });
    const bounded = await stream("old", { eventsPerDayMax: 9 });
    const insert = env.CATALOG.prepare(
      "INSERT INTO quota_use (hour, kind, name, events) VALUES (?, 'stream', ?, 9)",
    );
    await env.CATALOG.batch(["2032-11-21T23", "2032-11-22T00"].map((of) => insert.bind(of, bounded)));
    await quotaDue(env, now);
    const { results } = await env.CATALOG.prepare("SELECT hour FROM quota_use").all();
    expect(results).toEqual([{ hour: "2032-11-22T00" }]);
    expect(hourOf(now)).toBe(ten);
  });
});
