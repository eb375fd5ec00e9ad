/** Rates of keys and streams, from outside: what is answered, what is counted, and what is never lost. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { epochMs } from "../../domain/hour.ts";
import type { BucketAddress } from "../../domain/ids.ts";
import { rateWindowMs } from "../../domain/limits.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { bucket } from "./helpers.ts";
import { due, during, hourText, setClock, upTo } from "./helpers-objects.ts";
import {
  answer,
  call,
  eventOf,
  ledgersOf,
  newKey,
  post,
  register,
  report,
  settled,
} from "./helpers-system.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const perSecond = 2;
const quota = (perSecond * rateWindowMs) / 1_000;

async function stream(name: string, settings: object = {}): Promise<BucketAddress> {
  const address = bucket(`rates/${name}`, hourText);
  setClock(during(address));
  await register(address.type, settings);
  return address;
}

async function limitedKey(...scopes: string[]): Promise<string> {
  const body = JSON.stringify({ scopes, eventsPerSecondMax: perSecond });
  return z.looseObject({ key: z.string() }).parse(await (await call("POST /v1/keys", { body })).json()).key;
}

const events = (type: string, from: number, count: number) =>
  upTo(count, from).map((id) => eventOf(type, id));

it("[RA1] [RA3] a key over its rate is 429 with when to come again, and then it is taken", async () => {
  const address = await stream("key");
  const key = await limitedKey("write:*");
  const first = await post(key, events(address.type, 0, quota));
  expect(first.status).toBe(200);
  expect(first.headers.get("ratelimit-policy")).toBe(`"key";q=${quota};w=10`);
  expect(first.headers.get("ratelimit")).toBe(`"key";r=0;t=10`);
  const over = await post(key, events(address.type, quota, 3));
  expect(over.status).toBe(429);
  expect(over.headers.get("retry-after")).toBe("1");
  expect(over.headers.get("ratelimit")).toBe(`"key";r=0;t=10`);
  expect(await over.json()).toMatchObject({
    type: "urn:hourseal:problem:rate_limited",
    failed: [0, 1, 2],
    "violated-policies": ["key"],
    accepted: 0,
  });
  setClock(during(address) + 1_000);
  expect(await answer(post(key, events(address.type, quota, 3)))).toMatchObject({
    status: 200,
    body: { accepted: 3 },
  });
  // A key without a rate of its own knows nothing of it.
  const free = await post(await newKey("write:*"), events(address.type, 0, 1));
  expect([free.status, free.headers.get("ratelimit")]).toEqual([200, null]);
});

it("[RA1] [RA2] a stream over its rate fails its own events and no others of the request", async () => {
  const slow = await stream("slow ∆", { eventsPerSecondMax: perSecond });
  const fast = await stream("fast");
  const key = await newKey("write:*");
  await post(key, events(slow.type, 0, quota));
  const mixed = [eventOf(fast.type, 1), eventOf(slow.type, "over"), eventOf(fast.type, 2)];
  const name = `stream rates%2Fslow%20%E2%88%86`;
  const reply = await post(key, mixed);
  expect(reply.status).toBe(429);
  expect(reply.headers.get("ratelimit")).toContain(`"${name}";r=0;`);
  expect(await reply.json()).toMatchObject({ accepted: 2, failed: [1], "violated-policies": [name] });
  setClock(during(slow) + 1_000);
  expect(await answer(post(key, mixed))).toMatchObject({ status: 200, body: { accepted: 1, duplicates: 2 } });
});

it("[RA2] what is over a rate is counted and logged, reaches no shard, and the audit balances", async () => {
  const address = await stream("counted", { eventsPerSecondMax: perSecond });
  const key = await newKey(`write:${address.type}`);
  const lines = vi.spyOn(console, "log");
  await post(key, events(address.type, 0, quota));
  for (let turn = 0; turn < 5; turn++) await post(key, events(address.type, quota, 7));
  const logged = lines.mock.calls
    .map(([line]) => String(line))
    .filter((line) => line.includes("rate_limited"));
  expect(logged).toHaveLength(1);
  await settled();
  const accounts = await Promise.all(ledgersOf(address.hour).map((ledger) => ledger().account(address.type)));
  const sum = (of: "received" | "accepted" | "failed") =>
    accounts.reduce((total, account) => total + account.events[of], 0);
  expect([sum("received"), sum("accepted"), sum("failed")]).toEqual([quota + 35, quota, 35]);
  const now = setClock(due(address));
  await runFlusher(env, now);
  expect(await report(address.type)).toMatchObject({ rows: quota, notBalanced: [] });
});

describe("[RA1] a flood", () => {
  it("gets its rate through, and not much more", async () => {
    const address = await stream("flood", { eventsPerSecondMax: perSecond });
    const key = await newKey(`write:${address.type}`);
    let accepted = 0;
    for (let no = 0; no < 120; no++) {
      setClock(epochMs(during(address) + no * 250));
      if ((await post(key, events(address.type, no, 1))).status === 200) accepted++;
    }
    expect(accepted).toBeGreaterThanOrEqual(quota + perSecond * 28);
    expect(accepted).toBeLessThanOrEqual(quota + perSecond * 30 + 1);
  });
});

it("[RA3] a browser may read the fields", async () => {
  const response = await call("POST /v1/events", { key: null, headers: { origin: "https://example.com" } });
  expect(response.headers.get("access-control-expose-headers")).toContain("RateLimit");
});
