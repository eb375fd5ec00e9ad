/** Draining a stream on the real runtime: what edges answer, what is counted, what becomes of its hours, and how it ends. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, isoOf, plusHours, startOf } from "../../../domain/hour.ts";
import type { BucketAddress, EventType } from "../../../domain/ids.ts";
import { drainRetryMs, snapshotMaxAgeMs } from "../../../domain/limits.ts";
import { addDrain } from "../../../platform/catalog/drains.ts";
import { unplannedStreams } from "../../../platform/catalog/plans.ts";
import { lostConfig, restoreConfig } from "../../../platform/catalog/restore.ts";
import { readStreams } from "../../../platform/catalog/stream-changes.ts";
import { configVersion } from "../../../platform/catalog/version.ts";
import { readSnapshot, writeSnapshot } from "../../../platform/snapshot.ts";
import { runFlusher } from "../../../workers/flusher/scheduled.ts";
import { bucket } from "../helpers.ts";
import { containing, due, during, hourText, setClock } from "../helpers-objects.ts";
import {
  type TestEvent,
  answer,
  call,
  eventOf,
  intercept,
  ledgersOf,
  newKey,
  post,
  register,
  report,
  settled,
} from "../helpers-system.ts";

/** The cron takes up the hours of all streams. */
beforeEach(async () => {
  await env.CATALOG.batch([
    env.CATALOG.prepare("DELETE FROM buckets"),
    env.CATALOG.prepare("DELETE FROM streams"),
  ]);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const code = "stream_drained";

/** A stream in an hour of its own, and a key that may write everything. */
async function stream(
  name: string,
  settings: object = {},
): Promise<{ readonly address: BucketAddress; readonly type: EventType; readonly key: string }> {
  const address = bucket(`drain/${name} ∆`, hourText);
  setClock(during(address));
  await register(address.type, settings);
  return { address, type: address.type, key: await newKey("write:*") };
}

const path = (type: string) => encodeURIComponent(type);

async function ops(action: "drain" | "undrain", type: string, body: object = { dryRun: false }) {
  return answer(call(`POST /v1/ops/${action}/${path(type)}`, { body: JSON.stringify(body) }));
}

async function posted(key: string, events: readonly TestEvent[]) {
  const response = await post(key, events);
  await settled();
  return { status: response.status, wait: response.headers.get("retry-after"), body: await response.json() };
}

async function counted({ hour, type }: BucketAddress) {
  const accounts = await Promise.all(ledgersOf(hour).map((ledger) => ledger().account(type)));
  const sum = (of: "received" | "accepted" | "refused" | "failed") =>
    accounts.reduce((total, account) => total + account.events[of], 0);
  return {
    received: sum("received"),
    accepted: sum("accepted"),
    refused: sum("refused"),
    failed: sum("failed"),
  };
}

describe("[DR1] drain and undrain", () => {
  it("are a dry run unless told not to be, are noted, and change nothing when repeated", async () => {
    const { address, type, key } = await stream("noted");
    const by = { author: "Ann", note: "wrong prices" };
    expect(await ops("drain", type, by)).toEqual({
      status: 200,
      body: { dryRun: true, type, drained: null },
    });
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 200 });

    const drained = { since: isoOf(during(address)), author: "Ann", note: "wrong prices" };
    const real = { ...by, dryRun: false };
    expect(await ops("drain", type, real)).toMatchObject({ status: 200, body: { changed: true, drained } });
    setClock(during(address) + 1);
    expect(await ops("drain", type, { ...real, author: "Bob" })).toMatchObject({
      body: { changed: false, drained },
    });
    expect(await ops("undrain", type, by)).toMatchObject({ body: { dryRun: true, drained } });
    expect(await posted(key, [eventOf(type, 2)])).toMatchObject({ status: 503 });
    expect(await ops("undrain", type)).toMatchObject({ body: { changed: true, drained: null } });
    expect(await ops("undrain", type)).toMatchObject({ body: { changed: false, drained: null } });
    const { body } = await answer(call("GET /v1/ops/actions?limit=4"));
    expect(body).toMatchObject({
      actions: [
        { action: "undrain", outcome: { changed: false } },
        { action: "undrain", target: type, keyId: "admin", outcome: { changed: true } },
        { action: "drain", author: "Bob", outcome: { changed: false } },
        { action: "drain", target: type, ...by, outcome: { changed: true } },
      ],
    });
  });

  it("take a stream that is there, and an admin's key", async () => {
    const { type, key } = await stream("there");
    expect(await ops("drain", `${type}x`)).toMatchObject({ status: 404, body: { near: [type] } });
    const asWriter = await call(`POST /v1/ops/drain/${path(type)}`, { key, body: "{}" });
    expect(asWriter.status).toBe(403);
    const change = { streams: [], remove: [type], base: (await readStreams(env.CATALOG)).version };
    expect(await answer(call("POST /v1/stream-changes", { body: JSON.stringify(change) }))).toMatchObject({
      status: 200,
    });
    expect(await ops("drain", type)).toMatchObject({ status: 409 });
    expect(await ops("undrain", type)).toMatchObject({ status: 200, body: { changed: false } });
  });

  it("reach an edge with its next snapshot, and not before", async () => {
    const { address, type, key } = await stream("snapshot");
    const now = during(address);
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 200 });
    // As another isolate does it: this one has not heard.
    expect(await addDrain(env.CATALOG, type, { sinceMs: now, author: "", note: "" })).toBe(true);
    await writeSnapshot(env, now);
    setClock(now + snapshotMaxAgeMs);
    expect(await posted(key, [eventOf(type, 2)])).toMatchObject({ status: 200 });
    setClock(now + snapshotMaxAgeMs + 1);
    expect(await posted(key, [eventOf(type, 3)])).toMatchObject({ status: 503 });
  });

  it("are recorded though the edges cannot be told, which is said; repeated, they hear of it", async () => {
    const { type, key } = await stream("unpublished");
    vi.spyOn(env.EVENTS, "put").mockRejectedValue(new Error("R2 is away"));
    expect(await ops("drain", type)).toMatchObject({
      status: 503,
      body: { detail: containing("not yet published") },
    });
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 200 });
    vi.restoreAllMocks();
    expect(await ops("drain", type)).toMatchObject({ status: 200, body: { changed: false } });
    expect(await posted(key, [eventOf(type, 2)])).toMatchObject({ status: 503 });
  });
});

describe("[DR2] an event of a drained stream", () => {
  it("is to be sent again, and is taken then, once; the rest of its request is taken at once", async () => {
    const { address, type, key } = await stream("again");
    const other = `${type}/other`;
    await register(other);
    await ops("drain", type);
    const mixed = [eventOf(other, 1), eventOf(type, 1), { ...eventOf(other, 2), source: "" }];
    const wait = String(drainRetryMs / 1_000);
    const first = await posted(key, mixed);
    expect(first).toMatchObject({
      status: 503,
      wait,
      body: {
        type: `urn:hourseal:problem:${code}`,
        accepted: 1,
        failed: [1],
        drained: [{ index: 1, id: "1", code }],
        refused: [{ index: 2, code: "missing_attribute" }],
      },
    });
    expect(JSON.stringify(first.body)).toContain(`the stream ${type} takes no new events`);
    expect(await posted(key, [eventOf(type, 1), eventOf(type, 2)])).toMatchObject({
      status: 503,
      body: { accepted: 0, failed: [0, 1], refused: [] },
    });
    expect(await counted(address)).toEqual({ received: 3, accepted: 0, refused: 3, failed: 0 });
    await ops("undrain", type);
    expect(await posted(key, mixed)).toMatchObject({ status: 200, body: { accepted: 1, duplicates: 1 } });
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ body: { accepted: 0, duplicates: 1 } });
    expect(await counted(address)).toEqual({ received: 5, accepted: 1, refused: 3, failed: 0 });
  });

  it("waits as long as the longest of what else is to be sent again", async () => {
    const { type, key } = await stream("waits");
    const other = `${type}/other`;
    await register(other, { eventsPerSecondMax: 1 });
    await ops("drain", type);
    const many = Array.from({ length: 10 }, (_, id) => eventOf(other, id));
    expect(await posted(key, many)).toMatchObject({ status: 200 });
    expect(await posted(key, [eventOf(type, 1), eventOf(other, "over")])).toMatchObject({
      status: 503,
      wait: String(drainRetryMs / 1_000),
      body: { type: "urn:hourseal:problem:not_durable", failed: [0, 1], drained: [{ index: 0, code }] },
    });
  });

  it("is refused before its data is looked at, and a key without the scope is told of that alone", async () => {
    const schema = { type: "object", required: ["price"], properties: { price: { type: "number" } } };
    const { type, key } = await stream("schema", { schema, onInvalid: "quarantine" });
    await ops("drain", type);
    expect(await posted(key, [eventOf(type, 1, { data: {} })])).toMatchObject({
      status: 503,
      body: { quarantined: 0, drained: [{ index: 0, code }] },
    });
    const narrow = await newKey("write:other");
    expect(await posted(narrow, [eventOf(type, 1)])).toMatchObject({ status: 403 });
    // A quarantine that takes nothing holds up what would go there, and nothing else.
    await ops("undrain", type);
    await ops("drain", "hourseal.quarantine");
    const both = [eventOf(type, 2, { data: {} }), eventOf(type, 3, { data: { price: 1 } })];
    expect(await posted(key, both)).toMatchObject({
      status: 503,
      body: { accepted: 1, failed: [0], drained: [{ index: 0, code }] },
    });
    await ops("undrain", "hourseal.quarantine");
    expect(await posted(key, both)).toMatchObject({ status: 200, body: { quarantined: 1, duplicates: 1 } });
  });

  it("reaches no shard", async () => {
    const { type, key } = await stream("no shard");
    await ops("drain", type);
    const appended: string[] = [];
    intercept(env.EVENT_SHARD, "append", async (act, name) => {
      appended.push(name);
      return act();
    });
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 503 });
    expect(appended).toEqual([]);
    await ops("undrain", type);
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 200 });
    expect(appended).toHaveLength(1);
  });
});

it("[LG3] what a drained stream does not take is no failure: it is sampled, and what else failed is not", async () => {
  const { type, key } = await stream("logged");
  await ops("drain", type);
  const texts: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: unknown) => {
    texts.push(String(line));
  });
  const send = async (traceId: string, events: readonly TestEvent[]) => {
    await post(key, events, { traceparent: `00-${traceId}-00f067aa0ba902b7-00` });
    await settled();
    return texts
      .filter((text) => text.includes(`"trace":"${traceId}"`))
      .map((text) => JSON.parse(text) as unknown);
  };
  const unsampled = "0000000000000001ffffffffffffffff";
  expect(await send(unsampled, [eventOf(type, 1)])).toEqual([]);
  const line = { outcome: "refused", status: 503, events: { received: 1, refused: 1, drained: 1 } };
  expect(await send("00000000000000010000000000000000", [eventOf(type, 1)])).toMatchObject([line]);
  const other = `${type}/other`;
  await register(other);
  intercept(env.EVENT_SHARD, "append", () => Promise.reject(new Error("away")));
  const failed = await send(unsampled, [eventOf(type, 1), eventOf(other, 1)]);
  expect(failed).toContainEqual(
    expect.objectContaining({ event: "request", outcome: "failed", status: 503 }),
  );
});

describe("[DR3] a drained stream", () => {
  it("has its hours sealed and audited as ever: what came before is there, then they are empty", async () => {
    const { address, type, key } = await stream("hours");
    expect(await posted(key, [eventOf(type, 1), eventOf(type, 2)])).toMatchObject({ body: { accepted: 2 } });
    await ops("drain", type);
    expect(await posted(key, [eventOf(type, 3)])).toMatchObject({ status: 503 });
    const next = { type, hour: plusHours(address.hour, 1) };
    setClock(during(next));
    expect(await posted(key, [eventOf(type, 3)])).toMatchObject({ status: 503 });
    for (const at of [address, next]) await runFlusher(env, setClock(due(at)));
    expect(await report(type)).toMatchObject({
      rows: 2,
      notBalanced: [],
      totals: { balanced: 2 },
    });
    const listed = await answer(call(`GET /v1/buckets?type=${path(type)}`));
    expect(listed.body).toMatchObject({
      buckets: [
        { hour: address.hour, verdict: "balanced", rows: 2 },
        { hour: next.hour, verdict: "balanced", rows: 0 },
      ],
    });
    await ops("undrain", type);
    expect(await posted(key, [eventOf(type, 3)])).toMatchObject({ status: 200, body: { accepted: 1 } });
  });

  it("keeps its plan", async () => {
    const { address, type } = await stream("plan", { shards: 2, shardsMax: 8 });
    const waiting = async () =>
      (await unplannedStreams(env.CATALOG, plusHours(address.hour, 1), 10)).map((one) => one.type);
    expect(await waiting()).toEqual([type]);
    await ops("drain", type);
    expect(await waiting()).toEqual([]);
    await ops("undrain", type);
    expect(await waiting()).toEqual([type]);
  });
});

describe("[DR4] a drain", () => {
  it("shows wherever the stream does", async () => {
    const { address, type } = await stream("shown");
    const seen = async () => {
      const about = await answer(call(`GET /v1/streams/${path(type)}`));
      const listed = await answer(call("GET /v1/streams"));
      const view = await answer(call(`GET /v1/audit/streams/${path(type)}`));
      const explained = await answer(call(`GET /v1/ops/explain/${path(type)}/${address.hour}`));
      return [about, listed, view, explained].map(({ body }) => body);
    };
    expect(await seen()).toMatchObject([
      { drained: null },
      { streams: [{ type, drained: null }] },
      { drained: null },
      { reasons: [{ what: "time" }] },
    ]);
    await ops("drain", type, { dryRun: false, author: "Ann", note: "wrong prices" });
    const drained = { since: isoOf(during(address)), author: "Ann", note: "wrong prices" };
    const shown = await seen();
    expect(shown).toMatchObject([
      { drained },
      { streams: [{ type, drained }] },
      { drained },
      {
        reasons: [
          { what: "time" },
          { what: "drain", since: drained.since, detail: containing("drained by Ann: wrong prices") },
        ],
      },
    ]);
    // Once, and with a time that can be read: not as the catalog keeps it.
    expect(JSON.stringify(shown)).not.toContain("sinceMs");
  });

  it("outlives a change of settings, a removal, and the catalog", async () => {
    const { type, key } = await stream("outlives");
    await ops("drain", type, { dryRun: false, author: "Ann", note: "kept" });
    await register(type, { owner: "shop" });
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 503 });
    const base = async () => (await readStreams(env.CATALOG)).version;
    const remove = JSON.stringify({ streams: [], remove: [type], base: await base() });
    await call("POST /v1/stream-changes", { body: remove });
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 422 });
    await register(type);
    expect(await posted(key, [eventOf(type, 1)])).toMatchObject({ status: 503 });

    const snapshot = (await readSnapshot(env.EVENTS)) ?? expect.unreachable();
    await env.CATALOG.prepare("DELETE FROM streams").run();
    const now: EpochMs = setClock(startOf(plusHours(bucket("x", hourText).hour, 2)));
    const by = { author: "", keyId: "admin", note: "" };
    await restoreConfig(env.CATALOG, snapshot, await lostConfig(env.CATALOG, snapshot), by, now);
    expect(await configVersion(env.CATALOG)).toBeGreaterThan(snapshot.version);
    expect((await answer(call(`GET /v1/streams/${path(type)}`))).body).toMatchObject({
      drained: { author: "Ann", note: "kept" },
    });
  });
});
