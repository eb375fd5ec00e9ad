/** The planner on the real runtime: cron plans from what audits counted, edges follow, buckets fix what was planned. */
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EpochMs, type Hour, epochMs, hourOf, plusHours, startOf } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";
import { planHistoryMs, planLeadMs, shardRowsTarget } from "../../domain/limits.ts";
import type { HourLoad } from "../../domain/load.ts";
import { selectUnplanned } from "../../platform/catalog/plans.ts";
import { getStream } from "../../platform/catalog/streams.ts";
import { planDue } from "../../workers/flusher/plan/plan-due.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import worker from "../../workers/index.ts";
import { bucket, hour, overriding, type } from "./helpers.ts";
import { bucketOf, due, during, manifestAt, setClock } from "./helpers-objects.ts";
import { answer, call, eventOf, newKey, post, register, settled } from "./helpers-system.ts";

const ten = hour("2031-11-23T10");
/** When `ten` is planned. */
const planning = epochMs(startOf(ten) - planLeadMs);
const bounds = { shards: 2, shardsMax: 16 };

// Every run takes up all that the catalog has: each test has it for itself.
beforeEach(async () => {
  await env.CATALOG.batch(
    ["streams", "buckets", "plans"].map((table) => env.CATALOG.prepare(`DELETE FROM ${table}`)),
  );
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A stream that is weeks old, and planned by the planner. */
async function stream(name: string, settings: object = bounds): Promise<EventType> {
  const named = type(`planner/${name}`);
  setClock(startOf(plusHours(ten, -400)));
  await register(named, settings);
  // It is up to date but for what the test says of it: its hours are neither sealed nor audited here.
  await env.CATALOG.prepare("UPDATE streams SET next_hour = ?2, due_at_ms = ?3 WHERE type = ?1")
    .bind(named, plusHours(ten, 100), startOf(plusHours(ten, 101)))
    .run();
  return named;
}

/** Records hours as a seal and an audit would: `needed` shards each. */
async function saw(
  named: EventType,
  hours: readonly Hour[],
  needed: number,
  more: { verdict?: string; failed?: number } = {},
): Promise<void> {
  const rows = needed * shardRowsTarget;
  const nothing = { spilledRows: 0, bytes: 0, busiestBytes: 0, spilledBytes: 0 };
  const load: HourLoad = { shards: 1, rows, busiestRows: rows, ...nothing, failed: more.failed ?? 0 };
  const insert = env.CATALOG.prepare(
    `INSERT OR REPLACE INTO buckets (type, hour, state, due_at_ms, retry_at_ms, manifest_sha256, verdict, load)
     VALUES (?1, ?2, 'sealed', 0, 0, '0', ?3, ?4)`,
  );
  await env.CATALOG.batch(
    hours.map((at) => insert.bind(named, at, more.verdict ?? "balanced", JSON.stringify(load))),
  );
}

const looked = [-2, -3, -4, -26, -24, -23, -22, -170, -168, -167, -166].map((hours) => plusHours(ten, hours));

async function plansOf(named: EventType): Promise<unknown[]> {
  const { results } = await env.CATALOG.prepare(
    `SELECT hour, decision ->> '$.shards' AS shards, decision ->> '$.because' AS because FROM plans WHERE type = ?1`,
  )
    .bind(named)
    .all();
  return results;
}

async function plannedOf(named: EventType): Promise<unknown> {
  return (await getStream(env.CATALOG, named))?.stream.planned;
}

describe("cron", () => {
  it("[PL1] [PL2] [PL5] plans the next hour, keeps why, and the hour opens with it", async () => {
    const named = await stream("up");
    await saw(named, looked, 1);
    await saw(named, [plusHours(ten, -24)], 4.5);
    setClock(planning);
    await worker.scheduled(createScheduledController({ cron: "* * * * *" }), env);
    expect(await plansOf(named)).toEqual([{ hour: ten, shards: 5, because: "load" }]);
    // The hours ahead, too: down again, a quarter at a time.
    expect(await plannedOf(named)).toEqual([
      { from: ten, shards: 5 },
      { from: plusHours(ten, 1), shards: 4 },
      { from: plusHours(ten, 2), shards: 3 },
    ]);

    const address = { type: named, hour: ten };
    setClock(during(address));
    const key = await newKey(`write:${named}`);
    const events = Array.from({ length: 40 }, (_, id) => eventOf(named, id, { source: `source-${id}` }));
    expect(await answer(post(key, events))).toMatchObject({ status: 200, body: { accepted: 40 } });
    await settled();
    await bucketOf(address).seal({ nowMs: due(address), plan: null });
    const manifest = await manifestAt(address);
    expect(manifest.plan).toMatchObject({ shards: 5 });
    expect(manifest.shards.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);

    const { body } = await answer(call(`GET /v1/streams/${encodeURIComponent(named)}/plans`));
    expect(body).toMatchObject({
      ...bounds,
      decisions: [
        {
          hour: ten,
          before: 2,
          shards: 5,
          move: "up",
          needed: 5,
          evidence: expect.arrayContaining([
            { name: "yesterday", hour: plusHours(ten, -24), needed: 4.5, growth: 1, doubt: null },
          ]) as unknown,
          decidedAt: new Date(planning).toISOString(),
        },
      ],
    });
  });

  it("[PL2] counts what an hour asked of its shards, from what clients posted", async () => {
    const address = bucket("planner/counted", ten);
    setClock(during(address));
    await register(address.type, bounds);
    const key = await newKey(`write:${address.type}`);
    const events = Array.from({ length: 9 }, (_, id) => eventOf(address.type, id, { source: `s${id}` }));
    await post(key, [...events, events[0]]);
    await settled();
    const now = setClock(due(address));
    await runFlusher(env, now);
    const load = await env.CATALOG.prepare("SELECT load FROM buckets WHERE type = ?1")
      .bind(address.type)
      .first<string>("load");
    expect(JSON.parse(load ?? "{}")).toMatchObject({ shards: 2, rows: 10, spilledRows: 0, failed: 0 });
  });

  it("[PL1] plans an hour once, however often it runs and beside another one", async () => {
    const named = await stream("once");
    await saw(named, looked, 3);
    setClock(planning);
    const runs = await Promise.all([planDue(env, planning), planDue(env, planning)]);
    expect(runs.map(({ progress }) => progress)).toContain(1);
    const planned = await plannedOf(named);
    await saw(named, looked, 9);
    expect(await planDue(env, epochMs(planning + 60_000))).toEqual({ progress: 0, moved: 0 });
    expect(await plansOf(named)).toHaveLength(1);
    expect(await plannedOf(named)).toEqual(planned);
  });

  it("[PL1] plans nothing when the hour before last cannot be there, or the next one may open", async () => {
    const named = await stream("when");
    await saw(named, looked, 3);
    const quiet = { progress: 0, moved: 0 };
    expect(await planDue(env, epochMs(planning - 1))).toEqual(quiet);
    expect(await planDue(env, epochMs(startOf(ten) - 60_000))).toEqual(quiet);
    expect(await planDue(env, startOf(ten))).toEqual(quiet);
    expect(await plansOf(named)).toEqual([]);
  });

  it("[PL3] leaves streams alone whose owners want a fixed number", async () => {
    const fixed = await stream("fixed", { shards: 3 });
    const same = await stream("same", { shards: 3, shardsMax: 3 });
    await saw(fixed, looked, 9);
    await saw(same, looked, 9);
    await planDue(env, planning);
    expect([await plansOf(fixed), await plansOf(same)]).toEqual([[], []]);
  });

  it.each([
    ["is not sealed", async (named: EventType) => saw(named, looked.slice(1), 1)],
    [
      "is not balanced",
      async (named: EventType) => {
        await saw(named, looked, 1);
        await saw(named, looked.slice(0, 1), 0, { verdict: "unaudited" });
      },
    ],
    [
      "failed its clients",
      async (named: EventType) => {
        await saw(named, looked, 1);
        await saw(named, looked.slice(0, 1), 0, { failed: 1 });
      },
    ],
  ])("[PL4] takes no stream down whose newest hour %s", async (name, see) => {
    const named = await stream(`doubt ${name}`);
    await env.CATALOG.prepare("UPDATE streams SET planned = ?2 WHERE type = ?1")
      .bind(named, JSON.stringify([{ from: plusHours(ten, -1), shards: 8 }]))
      .run();
    await see(named);
    await planDue(env, planning);
    expect(await plansOf(named)).toEqual([{ hour: ten, shards: 8, because: "doubt" }]);
  });

  it("[PL5] forgets decisions past their use", async () => {
    const named = await stream("old");
    await saw(named, looked, 1);
    const insert = env.CATALOG.prepare("INSERT INTO plans VALUES (?1, ?2, '{}', 0)");
    const oldest = hourOf(epochMs(planning - planHistoryMs));
    await env.CATALOG.batch([insert.bind(named, oldest), insert.bind(named, plusHours(oldest, -1))]);
    await planDue(env, planning);
    expect(await plansOf(named)).toMatchObject([{ hour: oldest }, { hour: ten }]);
  });
});

describe("[PL5] with D1 away", () => {
  it("the run goes on, and edges go by the last plan for as long as it takes", async () => {
    const named = await stream("away");
    await saw(named, looked, 4);
    setClock(planning);
    await runFlusher(env, planning);
    const away = () => {
      throw new Error("D1 is away");
    };
    const CATALOG = overriding(env.CATALOG, { prepare: away, batch: away });
    const key = await newKey(`write:${named}`);
    for (const hours of [1, 30]) {
      const address = { type: named, hour: plusHours(ten, hours) };
      const now: EpochMs = setClock(during(address));
      await runFlusher({ ...env, CATALOG }, now);
      await post(key, [eventOf(named, hours)]);
      await settled();
      await bucketOf(address).seal({ nowMs: due(address), plan: null });
      expect((await manifestAt(address)).plan).toMatchObject({ shards: 4 });
    }
  });
});

it("streams that wait for a plan are found without walking those that do not", async () => {
  const explaining = overriding(env.CATALOG, {
    prepare: (query: string) => env.CATALOG.prepare(`EXPLAIN QUERY PLAN ${query}`),
  });
  const { results } = await selectUnplanned(explaining, ten, 10).all<{ detail: string }>();
  expect(results.map(({ detail }) => detail)).toEqual([
    "SEARCH streams USING INDEX streams_planned (planned_hour<?)",
  ]);
});
