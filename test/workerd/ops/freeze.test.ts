/** Freezing deletions on the real runtime: objects whose time is over, with real alarms, storage and D1. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, endOf, plusHours, startOf } from "../../../domain/hour.ts";
import { type BucketAddress, undatedHomeName } from "../../../domain/ids.ts";
import { freezeRecheckMs, retireAfterWindowMs, undatedHomes } from "../../../domain/limits.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket } from "../helpers.ts";
import {
  alarmOf,
  bucketOf,
  containing,
  due,
  during,
  hourText,
  plan,
  setClock,
  shardOf,
  sql,
  tablesOf,
} from "../helpers-objects.ts";
import { answer, call, eventOf, ledgersOf, newKey, post, register, settled } from "../helpers-system.ts";
import { ask } from "./ask.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function ops(action: "freeze" | "unfreeze", body: object): Promise<unknown> {
  return (await ask(`POST /v1/ops/${action}`, { body })).json();
}

async function payloadsOf(address: BucketAddress): Promise<number> {
  const [row] = await sql<{ kept: number }>(shardOf(address), "SELECT count(payload) AS kept FROM batch");
  return row?.kept ?? 0;
}

/** A bucket that was sealed and found balanced, and an undated home that was asked in its hour. */
async function balanced(name: string, hoursLater: number): Promise<{ address: BucketAddress; now: EpochMs }> {
  const address = bucket(`freeze/${name}`, plusHours(bucket("x", hourText).hour, hoursLater));
  setClock(during(address));
  await register(address.type);
  const key = await newKey("write:*");
  const time = new Date(startOf(address.hour)).toISOString();
  const events = [eventOf(address.type, 1, { time }), eventOf(address.type, 2)];
  expect(await answer(post(key, events))).toMatchObject({ status: 200, body: { accepted: 2 } });
  await settled();
  const now = setClock(due(address));
  await runFlusher(env, now);
  return { address, now };
}

const stubsOf = ({ type, hour }: BucketAddress) => [
  () => bucketOf({ type, hour }),
  () => shardOf({ type, hour }),
  ...Array.from(
    { length: undatedHomes },
    (_, index) => () => env.UNDATED_HOME.getByName(undatedHomeName(type, index)),
  ),
  ...ledgersOf(hour),
];

async function used(address: BucketAddress) {
  const stubs = stubsOf(address);
  const tables = await Promise.all(stubs.map(async (stub) => tablesOf(stub())));
  return stubs.filter((_, index) => tables[index]?.length !== 0);
}

describe("[OP13] frozen", () => {
  it("is nothing without --yes, and a stream that nobody registered cannot be", async () => {
    expect(await ops("freeze", {})).toMatchObject({ dryRun: true, freezes: [] });
    expect((await ask("POST /v1/ops/freeze", { body: { type: "nobody", dryRun: false } })).status).toBe(404);
    expect(await (await ask("GET /v1/ops/freezes")).json()).toEqual({ freezes: [] });
  });

  it("a stream keeps payloads, objects, homes and ledgers past their time; lifted, they go", async () => {
    const { address, now } = await balanced("stream", 0);
    const freeze = { type: address.type, dryRun: false, author: "Ann", note: "evidence" };
    expect(await ops("freeze", freeze)).toMatchObject({ changed: true, freezes: [{ type: address.type }] });
    expect(await ops("freeze", { ...freeze, note: "again" })).toMatchObject({
      changed: false,
      freezes: [{ note: "evidence" }],
    });
    await runDurableObjectAlarm(bucketOf(address));
    expect(await payloadsOf(address)).toBeGreaterThan(0);
    expect(await alarmOf(bucketOf(address))).toBe(now + freezeRecheckMs);

    const path = `${encodeURIComponent(address.type)}/${address.hour}`;
    expect(await (await ask(`GET /v1/ops/explain/${path}`, { now })).json()).toMatchObject({
      state: "balanced",
      reasons: [{ what: "freeze", detail: containing("frozen by Ann: evidence") }],
    });
    const about = `/v1/audit/report?type=${encodeURIComponent(address.type)}`;
    expect(await (await call(`GET ${about}`)).json()).toMatchObject({ freezes: [{ note: "evidence" }] });

    // Lifted for a moment, so that the payloads go; then to the end of everything's time, frozen again.
    await ops("unfreeze", { type: address.type, dryRun: false });
    setClock(now + freezeRecheckMs);
    for (let slice = 0; slice < 3; slice++) await runDurableObjectAlarm(bucketOf(address));
    expect(await payloadsOf(address)).toBe(0);
    await ops("freeze", freeze);
    const stubs = await used(address);
    expect(stubs.length).toBeGreaterThanOrEqual(4);
    const later = setClock(endOf(address.hour) + 2 * (plan.windowMs + 2 * retireAfterWindowMs));
    for (const stub of stubs) {
      await runDurableObjectAlarm(stub());
      expect(await tablesOf(stub())).not.toEqual([]);
      expect(await alarmOf(stub())).toBe(later + freezeRecheckMs);
    }
    expect(await ops("unfreeze", { type: address.type, dryRun: false })).toMatchObject({ freezes: [] });
    setClock(later + freezeRecheckMs);
    for (const stub of stubs) {
      await runDurableObjectAlarm(stub()).catch(() => false);
      await vi.waitFor(async () => {
        expect(await tablesOf(stub())).toEqual([]);
      });
    }
    expect(await (await ask("GET /v1/ops/actions?limit=5")).json()).toMatchObject({
      actions: [
        { action: "unfreeze", target: address.type, outcome: { changed: true } },
        { action: "freeze" },
        { action: "unfreeze" },
        { action: "freeze", outcome: { changed: false } },
        { action: "freeze", author: "Ann", note: "evidence", outcome: { changed: true } },
      ],
    });
  });

  it("are all streams, or another one, or nobody can say: it is kept only where it has to be", async () => {
    const { address, now } = await balanced("all", 1);
    await ops("freeze", { dryRun: false });
    await runDurableObjectAlarm(bucketOf(address));
    expect(await payloadsOf(address)).toBeGreaterThan(0);
    await ops("unfreeze", { dryRun: false });

    // The object has the binding of its Worker: D1 without the table answers as one that is away.
    await env.CATALOG.prepare("ALTER TABLE freezes RENAME TO away").run();
    setClock(now + 2 * freezeRecheckMs);
    await runDurableObjectAlarm(bucketOf(address));
    expect(await payloadsOf(address)).toBeGreaterThan(0);
    expect(await alarmOf(bucketOf(address))).toBeGreaterThan(now + 2 * freezeRecheckMs);
    await env.CATALOG.prepare("ALTER TABLE away RENAME TO freezes").run();

    await register("freeze/other");
    await ops("freeze", { type: "freeze/other", dryRun: false });
    setClock(now + 3 * freezeRecheckMs);
    for (let slice = 0; slice < 3; slice++) await runDurableObjectAlarm(bucketOf(address));
    expect(await payloadsOf(address)).toBe(0);
    await ops("unfreeze", { type: "freeze/other", dryRun: false });
  });
});
