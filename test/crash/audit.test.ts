/**
 * The crash matrix of the flusher: seal, audit and digests of two hours with rows at home, late and undated, with every
 * call that a run makes to D1, R2 and the objects failed in every way. Runs come once a minute, as cron's do. Whatever
 * fails, a few minutes later each hour is sealed once, balanced, its bucket told, and listed in an unbroken chain.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { ChainWalk } from "../../domain/chain.ts";
import { digestOfText, digestsPrefix } from "../../domain/digest.ts";
import { type EpochMs, endOf, epochMs, isoOf, plusHours, startOf } from "../../domain/hour.ts";
import { broken } from "../../domain/invariant.ts";
import { manifestKey } from "../../domain/manifest.ts";
import { type Stream, StreamSettings } from "../../domain/stream.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { deliver } from "../../workers/ingest/deliver.ts";
import { EdgeMemory } from "../../workers/ingest/edge-memory.ts";
import { noteEvents } from "../../workers/ingest/event-counts.ts";
import { hour, type } from "../domain/make.ts";
import { sha256Of } from "../simulation/codec.ts";
import { Cluster } from "./cluster.ts";
import { type Fault, Life, Outside, failures } from "./harness.ts";

const minuteMs = 60_000;
/** Runs in which everything must be done: a failed seal or audit is repeated after a wait that grows. */
const runsMax = 30;
const hours = [hour, plusHours(hour, 1)];
const settings = StreamSettings.parse({ shards: 2, graceMs: 10 * minuteMs });
const stream: Stream = { ...settings, type, firstHour: hour, planned: [], schemaVersion: 0 };

/** Ages of what is posted in each hour; null: undated. */
const posted: readonly (number | null)[] = [0, 0, 0, 2 * 60 * minuteMs, null];

function eventNo(no: number, timeMs: EpochMs | null) {
  const source = `source ${no % 3}`;
  const id = `e${no}`;
  const time = timeMs === null ? {} : { time: isoOf(timeMs) };
  const json = JSON.stringify({ specversion: "1.0", id, source, type, ...time });
  return { type, streamType: type, source, id, timeMs, partitionKey: null, json, jsonBytes: json.length };
}

/** Two hours of events, answered; nothing of it fails. */
async function ingested(): Promise<Cluster> {
  const cluster = new Cluster(hour);
  await putStream(
    cluster.d1.binding(async (_query, effect) => effect()),
    type,
    settings,
    cluster.now,
  );
  const memory = new EdgeMemory();
  let no = 0;
  for (const of of hours) {
    cluster.now = epochMs(startOf(of) + 30 * minuteMs);
    const { now, edgeEnv } = cluster;
    const events = posted.map((ageMs) => eventNo(no++, ageMs === null ? null : epochMs(now - ageMs)));
    const account = memory.accounts.of(edgeEnv.EDGE_LEDGER, of);
    const fates = await deliver(
      edgeEnv,
      memory,
      events.map((event) => ({ event, stream })),
      now,
    );
    await noteEvents(
      account,
      events.map(() => type),
      fates,
      null,
    );
    for (const { fate } of fates) expect(fate).toBe("accepted");
  }
  return cluster;
}

interface Played {
  readonly cluster: Cluster;
  readonly outside: Outside;
  readonly overwritten: readonly string[];
  readonly runs: number;
}

async function play(fault: Fault | null): Promise<Played> {
  const cluster = await ingested();
  const outside = new Outside(fault);
  const overwritten: string[] = [];
  cluster.r2.onPut = (key, _bytes, before) => {
    if (before !== null && (key.startsWith("events/") || key.startsWith("digests/"))) overwritten.push(key);
  };
  cluster.now = epochMs(endOf(hours.at(-1) ?? broken("no hour")) + settings.graceMs);
  for (let runs = 1; runs <= runsMax; runs++) {
    const life = new Life(() => undefined);
    await life.during(runFlusher(cluster.flusherEnv(life, outside), cluster.now)).catch((error: unknown) => {
      if (!life.ended) throw error;
    });
    if (verdicts(cluster).every(({ verdict, digest }) => verdict === "balanced" && digest !== null))
      return { cluster, outside, overwritten, runs };
    cluster.now = epochMs(cluster.now + minuteMs);
  }
  expect(verdicts(cluster), "after all runs").toBe("balanced and listed");
  return broken("unreachable");
}

function verdicts({ d1 }: Cluster): { readonly verdict: unknown; readonly digest: unknown }[] {
  const rows = d1.select(
    `SELECT hour, verdict, digest_sequence AS digest, findings FROM buckets ORDER BY hour`,
  );
  const all = hours.map((of) => rows.find((row) => row["hour"] === of));
  return all.map((row) => ({ verdict: row?.["verdict"], digest: row?.["digest"] ?? null, ...row }));
}

async function judge({ cluster, overwritten }: Played): Promise<void> {
  expect(overwritten).toEqual([]);
  const walk = new ChainWalk();
  const { held } = cluster.r2;
  for (const key of [...held.keys()].filter((name) => name.startsWith(digestsPrefix)).toSorted()) {
    const bytes = held.get(key)?.bytes ?? broken(key);
    walk.add(key, sha256Of(bytes), digestOfText(new TextDecoder().decode(bytes)));
  }
  const manifests = hours.map((of) => {
    const key = manifestKey({ type, hour: of });
    return { key, type, hour: of, sealedAt: null, sha256: sha256Of(held.get(key)?.bytes ?? broken(key)) };
  });
  expect(walk.finish(manifests)).toMatchObject({ faults: [], waiting: 0, listed: hours.length });
  for (const of of hours) {
    const told = await cluster.bucket({ type, hour: of }).call(async (bucket) => bucket.describe());
    expect(JSON.parse(told), of).toMatchObject({ phase: "sealed", verdict: "balanced" });
  }
}

describe("a flusher, any call of which fails,", () => {
  let calls: readonly string[];

  beforeAll(async () => {
    const clean = await play(null);
    await judge(clean);
    calls = clean.outside.calls;
  }, 60_000);

  it("reaches D1, R2 and every kind of object", () => {
    for (const start of [
      "D1 ",
      "R2 put",
      "R2 get",
      "R2 list",
      "bucket seal",
      "bucket verified",
      "shard grants",
    ])
      expect(
        calls.some((call) => call.startsWith(start)),
        start,
      ).toBe(true);
    for (const start of ["shard look up", "shard owned", "home owned", "ledger account"])
      expect(
        calls.some((call) => call.startsWith(start)),
        start,
      ).toBe(true);
  });

  it.for(failures)(
    "[BU8] [AU8] [AU11] [DG1] seals, audits and lists every hour once all the same, when one %s",
    { timeout: 120_000 },
    async (failure) => {
      // Beside each other: edges wait a moment for more to report, and that is most of what a play takes.
      await Promise.all(
        calls.map(async (_, call) => {
          const played = await play({ call, failure });
          expect(played.outside.failed, `call ${call} was made`).toBe(true);
          await judge(played);
        }),
      );
    },
  );
});

it("[BU10] a bucket of which a part is gone is not told that it is balanced, and keeps its payloads", async () => {
  const cluster = await ingested();
  cluster.r2.onPut = (key) => {
    if (!key.endsWith("/_SUCCESS")) return;
    const parts = [...cluster.r2.held.keys()].filter((name) => name.includes("/part-"));
    for (const part of parts) cluster.r2.held.delete(part);
  };
  cluster.now = epochMs(endOf(hours.at(-1) ?? broken("no hour")) + settings.graceMs);
  await runFlusher(cluster.flusherEnv(new Life(() => undefined), new Outside(null)), cluster.now);
  expect(verdicts(cluster).map(({ verdict }) => verdict)).toEqual(["missing", "missing"]);
  for (const of of hours) {
    const told = await cluster.bucket({ type, hour: of }).call(async (bucket) => bucket.describe());
    expect(JSON.parse(told), of).toMatchObject({ phase: "sealed", verdict: null });
  }
});
