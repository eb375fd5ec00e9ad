/** Removing a stream, on the real runtime: what becomes of its events, its hours, and of the stream that is registered again. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, type Hour, epochMs, isoOf, plusHours, startOf } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";
import { keyOutageMsMax, retentionMsMin, snapshotMaxAgeMs, unsettledMsMax } from "../../domain/limits.ts";
import { lastHourOf } from "../../domain/stream.ts";
import { recordVerdict } from "../../platform/catalog/audits.ts";
import { listBuckets } from "../../platform/catalog/buckets.ts";
import { enumerateDue } from "../../platform/catalog/due.ts";
import { lostConfig, restoreConfig } from "../../platform/catalog/restore.ts";
import { recordSealed } from "../../platform/catalog/sealed.ts";
import { changeStreams, putStream, readStreams } from "../../platform/catalog/stream-changes.ts";
import { getStream } from "../../platform/catalog/streams.ts";
import { readSnapshot, writeSnapshot } from "../../platform/snapshot.ts";
import { r2Objects } from "../../platform/objects.ts";
import { writeDigests } from "../../workers/flusher/audit/write-digests.ts";
import { deleteExpired, expireDue } from "../../workers/flusher/expire/expire-due.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { finding, hour, sealed, settings, type } from "./helpers.ts";
import { objectsOf, setClock } from "./helpers-objects.ts";
import { answer, call, eventOf, newKey, post, register, report, settled } from "./helpers-system.ts";

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

const first = hour("2031-11-23T10");
const by = { author: "us", keyId: "admin", note: "" };
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const base = async () => (await readStreams(env.CATALOG)).version;

function inHour(at: Hour, ms = minuteMs): EpochMs {
  return setClock(startOf(at) + ms);
}

/** A stream of this name with three events in its first hour, and the key that may write it. */
async function stream(name: string, given: object = {}): Promise<{ type: EventType; key: string }> {
  inHour(first);
  const named = type(`removal/${name}`);
  await register(named, given);
  const key = await newKey(`write:${named}`);
  expect(await posted(key, named, 1, 2, 3)).toMatchObject({ accepted: 3 });
  return { type: named, key };
}

async function posted(key: string, named: EventType, ...ids: number[]): Promise<unknown> {
  const { body } = await answer(
    post(
      key,
      ids.map((id) => eventOf(named, id)),
    ),
  );
  await settled();
  return body;
}

/** By the catalog alone: no edge has heard of it. */
async function removed(named: EventType, now: EpochMs): Promise<void> {
  expect(await changeStreams(env.CATALOG, [], null, by, now, [named])).toMatchObject({ outcome: "applied" });
}

/** Cron when this hour and all before it are due, and once more: whether a stream ends is seen when all of them are settled. */
async function cronAfter(at: Hour): Promise<void> {
  const now = inHour(plusHours(at, 1), 11 * minuteMs);
  await runFlusher(env, now);
  await runFlusher(env, now);
}

const look = async (named: EventType) => (await getStream(env.CATALOG, named)) ?? expect.unreachable();

describe("[RM1] a stream that is removed", () => {
  it("takes no more events: its type is one that nobody registered", async () => {
    const { type: named, key } = await stream("refused");
    const made = await call("POST /v1/stream-changes", {
      body: JSON.stringify({ streams: [], remove: [named], base: await base(), author: "Ann", note: "done" }),
    });
    expect(await answer(made)).toMatchObject({
      status: 200,
      body: { changes: [{ change: "remove", type: named, after: null }] },
    });
    expect(await posted(key, named, 4)).toMatchObject({ refused: [{ code: "unknown_type" }] });
    const { body } = await answer(call(`GET /v1/stream-changes?type=${encodeURIComponent(named)}&limit=1`));
    expect(body).toMatchObject({
      versions: [
        { author: "Ann", note: "done", keyId: "admin", changes: [{ change: "remove", after: null }] },
      ],
    });
    expect((await answer(call(`GET /v1/streams/${encodeURIComponent(named)}`))).body).toMatchObject({
      removedAt: isoOf(inHour(first)),
      lastHour: lastHourOf(inHour(first)),
      end: null,
    });
  });

  it("goes only if it is named, with the rest of the change or not at all, and once", async () => {
    const { type: named } = await stream("named");
    const change = async (body: object) =>
      (await call("POST /v1/stream-changes", { body: JSON.stringify({ base: await base(), ...body }) }))
        .status;
    expect(await change({ streams: [] })).toBe(200);
    const bad = { type: "removal/bad", settings: { graceMs: 60_000, targetLatenessMs: 1 } };
    expect(await change({ streams: [bad], remove: [named] })).toBe(422);
    expect((await look(named)).removed).toBe(null);
    expect(await change({ streams: [], remove: [named] })).toBe(200);
    const version = await base();
    expect(await change({ streams: [], remove: [named] })).toBe(200);
    expect(await base()).toBe(version);
  });

  it("has its events in quarantine, if what nobody registered goes there, until it is registered again", async () => {
    await register("hourseal.quarantine", { formats: ["ndjson.gz"], onInvalid: "quarantine" });
    const { type: named, key } = await stream("quarantined");
    await removed(named, inHour(first));
    await writeSnapshot(env, inHour(first));
    inHour(first, minuteMs + snapshotMaxAgeMs + 1);
    expect(await posted(key, named, 4)).toMatchObject({ quarantined: 1, accepted: 0 });
    await register(named);
    expect(await posted(key, named, 4)).toMatchObject({ quarantined: 0, accepted: 1 });
  });
});

describe("[RM2] what is open when a stream is removed", () => {
  it("is sealed and audited, with what edges took that had not heard of it, and each event once", async () => {
    const { type: named, key } = await stream("open");
    await removed(named, inHour(first, 50 * minuteMs));
    expect(await posted(key, named, 3, 4, 5)).toMatchObject({ accepted: 2, duplicates: 1 });
    inHour(plusHours(first, 1));
    expect(await posted(key, named, 5, 6)).toMatchObject({ accepted: 2 });
    await writeSnapshot(env, inHour(plusHours(first, 1)));
    inHour(plusHours(first, 1), minuteMs + snapshotMaxAgeMs + 1);
    expect(await posted(key, named, 7)).toMatchObject({ refused: [{ code: "unknown_type" }] });
    const last = (await look(named)).removed?.lastHour ?? expect.unreachable();
    expect(startOf(last)).toBeGreaterThan(startOf(first) + 50 * minuteMs + keyOutageMsMax);
    for (const at of [first, plusHours(first, 1), last, plusHours(last, 1)]) await cronAfter(at);
    const hours = Math.round((startOf(last) - startOf(first)) / hourMs) + 1;
    // Event 5 was sent again in the next hour: that row was claimed at nobody's, for it has no date, and was denied.
    expect(await report(named)).toMatchObject({ totals: { balanced: hours, open: 0, overdue: 0 }, rows: 6 });
    expect((await look(named)).end).toBe(plusHours(last, 1));
    expect((await listBuckets(env.CATALOG, { type: named }, null, 100)).items).toHaveLength(hours);
    const after = await answer(call(`GET /v1/buckets/${encodeURIComponent(named)}/${plusHours(last, 1)}`));
    expect(after).toMatchObject({ status: 404, body: { end: plusHours(last, 1) } });
  });

  it("keeps later hours coming while one is not settled, for rows that it lets go arrive there", async () => {
    const named = type("removal/unsettled");
    const now = startOf(first);
    await putStream(env.CATALOG, named, settings(), now);
    await removed(named, now);
    const last = lastHourOf(now);
    const at = (hours: number) => epochMs(startOf(plusHours(last, hours)) + 20 * minuteMs);
    const rows = async () =>
      (await listBuckets(env.CATALOG, { type: named }, null, 100)).items.map((row) => row.address);
    const settle = async (verdict: "balanced" | "missing", sealedAtMs: EpochMs) => {
      for (const address of await rows()) {
        const summary = { ...sealed("2031-11-23T12:00:00Z"), sealedAtMs };
        await recordSealed(env.CATALOG, [{ address, dueAtMs: sealedAtMs, summary }]);
        const findings = verdict === "balanced" ? [] : [finding("missing")];
        await recordVerdict(env.CATALOG, { address, findings, attempts: 0, at: sealedAtMs });
      }
    };
    const upToNow = async (when: EpochMs) => {
      for (let run = 0; run < 5; run++) await enumerateDue(env.CATALOG, when, 1_000);
      return (await rows()).at(-1)?.hour;
    };
    expect(await upToNow(at(3))).toBe(plusHours(last, 2));
    await settle("missing", at(3));
    expect(await upToNow(at(4))).toBe(plusHours(last, 3));
    await settle("balanced", at(4));
    expect(await upToNow(at(9))).toBe(plusHours(last, 3));
    expect((await look(named)).end).toBe(plusHours(last, 4));
  });

  it("ends although an hour of its is never settled, some days after that was sealed", async () => {
    const named = type("removal/never");
    const now = startOf(first);
    await putStream(env.CATALOG, named, settings(), now);
    await removed(named, now);
    const much = epochMs(now + keyOutageMsMax + 10 * hourMs);
    for (let run = 0; run < 3; run++) await enumerateDue(env.CATALOG, much, 1_000);
    const { items } = await listBuckets(env.CATALOG, { type: named }, null, 100);
    for (const { address } of items) {
      const summary = { ...sealed("2031-11-23T12:00:00Z"), sealedAtMs: much };
      await recordSealed(env.CATALOG, [{ address, dueAtMs: much, summary }]);
      await recordVerdict(env.CATALOG, { address, findings: [finding("missing")], attempts: 0, at: much });
    }
    const enumerated = async (ms: number) =>
      (await enumerateDue(env.CATALOG, epochMs(much + ms), 1_000)).buckets > 0;
    expect(await enumerated(unsettledMsMax - 1)).toBe(true);
    await env.CATALOG.prepare("DELETE FROM buckets WHERE type = ?1 AND state = 'due'").bind(named).run();
    expect(await enumerated(unsettledMsMax)).toBe(false);
    expect((await look(named)).end).not.toBe(null);
  });
});

it("[RM3] a removed stream's hours are read as ever, and expire when its retention is over", async () => {
  const { type: named } = await stream("kept", { retentionMs: retentionMsMin });
  await removed(named, inHour(first));
  await cronAfter(first);
  const address = { type: named, hour: first };
  expect((await call(`GET /v1/buckets/${encodeURIComponent(named)}/${first}`)).status).toBe(200);
  expect(await objectsOf(address)).toHaveLength(3);
  const over = setClock(startOf(first) + hourMs + retentionMsMin + 1);
  await expireDue(env, over);
  await writeDigests(env.CATALOG, r2Objects(env.EVENTS), over);
  await deleteExpired(env, over);
  expect(await objectsOf(address)).toEqual(["_manifest.json"]);
});

describe("[RM4] a stream that is registered again", () => {
  it("before it has ended goes on where it stands: no hour is left out, no event is twice", async () => {
    const { type: named, key } = await stream("soon");
    await removed(named, inHour(first));
    const back = plusHours(first, 3);
    inHour(back);
    await register(named, { owner: "new" });
    expect(await posted(key, named, 1, 8)).toMatchObject({ accepted: 2 });
    await cronAfter(back);
    // Event 1 is denied by its undated home: it was delivered in the first hour.
    expect(await report(named)).toMatchObject({ totals: { balanced: 4, overdue: 0 }, rows: 4 });
    expect(await look(named)).toMatchObject({
      removed: null,
      end: null,
      stream: { firstHour: first, owner: "new" },
    });
  });

  it("after it has ended begins anew, the hours between are none of its, and what it knew is known", async () => {
    const { type: named, key } = await stream("late");
    await removed(named, inHour(first));
    const last = lastHourOf(inHour(first));
    for (const at of [first, plusHours(first, 1), last, plusHours(last, 1)]) await cronAfter(at);
    expect((await look(named)).end).toBe(plusHours(last, 1));
    const back = plusHours(last, 40);
    inHour(back);
    await register(named);
    expect(await posted(key, named, 1, 9)).toMatchObject({ accepted: 2 });
    const { stream: again } = await look(named);
    expect(again).toMatchObject({ firstHour: back, earliestHour: first });
    await cronAfter(back);
    expect(await report(named)).toMatchObject({ totals: { overdue: 0 }, rows: 4, notBalanced: [] });
    const between = await answer(call(`GET /v1/buckets/${encodeURIComponent(named)}/${plusHours(last, 20)}`));
    expect(between).toMatchObject({ status: 404, body: { firstHour: back } });
    expect((await call(`GET /v1/buckets/${encodeURIComponent(named)}/${first}`)).status).toBe(200);
  });
});

it("[RM4] [OP11] a catalog that is lost has removed streams back as removed", async () => {
  const named = type("removal/lost");
  const now = inHour(first);
  await putStream(env.CATALOG, named, settings({ owner: "us" }), now);
  await removed(named, now);
  await writeSnapshot(env, now);
  const snapshot = (await readSnapshot(env.EVENTS)) ?? expect.unreachable();
  expect(snapshot.streams.has(named)).toBe(false);
  await env.CATALOG.prepare("DELETE FROM streams WHERE type = ?1").bind(named).run();
  const lost = await lostConfig(env.CATALOG, snapshot);
  await restoreConfig(env.CATALOG, snapshot, lost, by, now);
  expect(await look(named)).toMatchObject({
    stream: { owner: "us", firstHour: first },
    removed: { atMs: now, lastHour: lastHourOf(now) },
  });
});
