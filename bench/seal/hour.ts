/**
 * One hour as it is measured: filled, ended, sealed and audited in the real runtime on a virtual clock; then late events
 * for it, whose claims wake its closed homes. What is sealed is counted: an hour that lost a row does not count.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { endOf, epochMs, hourOf } from "../../domain/hour.ts";
import { graceMsDefault, identitiesPerShardMax, sealJitterMsMax } from "../../domain/limits.ts";
import { Manifest } from "../../domain/manifest.ts";
import { type Api, call, createKey, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig, repositoryRoot } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { cpuMsOf, workerdOf } from "../cost/process.ts";
import { setClock, startMs } from "../cost/system.ts";
import { untilBalanced } from "../settle.ts";
import { inspect } from "./inspector.ts";
import { type Gauge, residentBytes, watched } from "./memory.ts";
import { postEvents } from "./post.ts";

export interface HourLoad {
  readonly rows: number;
  /** R2 takes nothing until the hour is due: all of it is compressed at once then, which is the worst that can be. */
  readonly r2Away: boolean;
  /**
   * Measure what lives in the isolate, garbage collected before each sample, instead of what the runtime has taken from
   * the system. Collecting takes time, so the times of such an hour say nothing.
   */
  readonly live: boolean;
}

export interface MeasuredHour extends HourLoad {
  readonly shards: number;
  readonly plainBytes: number;
  readonly sealedBytes: number;
  readonly parts: number;
  /** From the moment that the hour was due. */
  readonly sealMs: number;
  /** Of the same bytes, part by part, in the same runtime. */
  readonly gzipMs: number;
  readonly auditMs: number;
  readonly lateRows: number;
  readonly lateSealMs: number;
  /**
   * Bytes above those at rest before the first row: resident ones of the whole runtime, or live ones of the isolate. Null
   * where the system does not tell.
   */
  readonly aboveRest: {
    readonly ingest: number;
    readonly seal: number;
    readonly audit: number;
    readonly late: number;
  } | null;
}

const adminKey = "the-admin-key-of-a-measured-hour";
const type = "seal.hour";
/** Shards are filled to this much of what they take, as sources do not spread evenly. */
const filled = 0.8;
const lateRowsMax = 100_000;
/** The runtime rests when it uses less than this much of a core. */
const restShare = 0.05;
/** What is to be flushed within the hour is by then, as a rule. */
const flushedMs = 5_000;

export async function measureHour(load: HourLoad): Promise<MeasuredHour> {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-seal-"));
  const entry = join(repositoryRoot, "bench", "seal", "worker.ts");
  const runtime = await startLocalRuntime({
    port: 0,
    dataDir,
    adminKey,
    cron: false,
    entry,
    inspector: load.live,
  });
  const inspector = load.live ? await inspect(runtime) : null;
  try {
    return await measure(runtime, load, inspector === null ? residentBytes : () => inspector.liveBytes());
  } finally {
    inspector?.close();
    await runtime.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(runtime: LocalRuntime, load: HourLoad, gauge: Gauge): Promise<MeasuredHour> {
  const admin = { url: runtime.url, key: adminKey };
  const shards = Math.ceil(load.rows / (identitiesPerShardMax * filled));
  await setClock(admin, startMs);
  await putStream(admin, "seal.first");
  await putStream(admin, type, { shards });
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "measured hour") };
  // What is only loaded by the first request is there already at rest.
  await postEvents(client, { type: "seal.first", first: 0, events: 500, atMs: startMs });
  await rest();
  const before = await gauge();

  if (load.r2Away) await call(admin, "POST", "/v1/bench/r2", { away: true });
  const ingest = await watched(gauge, async () => {
    await postEvents(client, { type, first: 0, events: load.rows, atMs: startMs });
    // What is flushed within the hour is: an hour is longer than this one was.
    // Samples of what lives keep it busy, so that it never rests.
    if (!load.r2Away) await (load.live ? sleep(flushedMs) : rest());
  });
  await call(admin, "POST", "/v1/bench/r2", { away: false });
  const dueMs = endOf(hourOf(startMs)) + graceMsDefault + sealJitterMsMax;
  const seal = await watched(gauge, () => setClock(admin, dueMs));
  const audit = await watched(gauge, () => settle(admin, startMs));

  const lateRows = Math.min(load.rows, lateRowsMax);
  await postEvents(client, { type, first: load.rows, events: lateRows, atMs: startMs });
  const late = await watched(gauge, () => setClock(admin, dueMs + 3_600_000));
  await settle(admin, dueMs);

  const bucket = await runtime.miniflare.getR2Bucket(readProjectConfig("local").events.binding);
  const { objects } = await bucket.list({ prefix: `events/type=${type}/` });
  const manifests: Manifest[] = [];
  for (const { key } of objects.filter((object) => object.key.endsWith("/_manifest.json")))
    manifests.push(Manifest.parse(await (await bucket.get(key))?.json()));
  const rows = manifests.map((manifest) => manifest.rows);
  if (rows.join() !== [load.rows, lateRows].join()) throw new Error(`sealed: ${rows.join(", ")} rows`);
  const parts = manifests[0]?.parts ?? [];
  let plainBytes = 0;
  let gzipMs = 0;
  for (const { key } of parts) {
    const plain = gunzipSync((await (await bucket.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0));
    plainBytes += plain.length;
    gzipMs += await gzipAlone(admin, plain);
  }
  const above = (peakBytes: number): number => peakBytes - (before ?? 0);
  return {
    ...load,
    shards,
    plainBytes,
    sealedBytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    parts: parts.length,
    sealMs: seal.tookMs,
    gzipMs,
    auditMs: audit.tookMs,
    lateRows,
    lateSealMs: late.tookMs,
    aboveRest:
      before === null
        ? null
        : {
            ingest: above(ingest.peakBytes),
            seal: above(seal.peakBytes),
            audit: above(audit.peakBytes),
            late: above(late.peakBytes),
          },
  };
}

/** What compressing takes beyond receiving. */
async function gzipAlone(admin: Api, plain: Buffer): Promise<number> {
  const post = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const started = performance.now();
    const reply = await fetch(`${admin.url}/v1/bench/gzip`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin.key}`, ...headers },
      body: new Uint8Array(plain),
    });
    if (!reply.ok) throw new Error(`gzip alone: ${reply.status}`);
    await reply.arrayBuffer();
    return performance.now() - started;
  };
  const received = await post({ "X-Without-Gzip": "1" });
  return Math.max(0, (await post({})) - received);
}

/** Resolves when the runtime has nothing left to do. */
async function rest(): Promise<void> {
  const processes = workerdOf(process.pid);
  for (;;) {
    const before = cpuMsOf(processes) ?? 0;
    await sleep(1_000);
    if ((cpuMsOf(processes) ?? 0) - before < 1_000 * restShare) return;
  }
}

function settle(admin: Api, ms: number): Promise<void> {
  return untilBalanced(admin, hourOf(epochMs(ms)), () => runCron(admin));
}
