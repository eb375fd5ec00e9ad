/**
 * The real system with every billed use counted: real workerd with its own SQLite, R2 and D1, a virtual clock, and the
 * counting composition.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { type EpochMs, endOf, epochMs, hourOf, isoOf } from "../../domain/hour.ts";
import {
  graceMsDefault,
  retireAfterWindowMs,
  sealJitterMsMax,
  windowMsDefault,
} from "../../domain/limits.ts";
import {
  type Api,
  call,
  createKey,
  moveClock,
  putStream,
  readClock,
  runCron,
} from "../../scripts/local/client.ts";
import { repositoryRoot } from "../../scripts/local/config.ts";
import { startLocalRuntime } from "../../scripts/local/runtime.ts";
import { untilBalanced } from "../settle.ts";
import type { Counts } from "./counts.ts";
import { cpuMsOf, workerdOf } from "./process.ts";

export interface CountedSystem {
  /** A key that may write every type. */
  readonly client: Api;
  counts(): Promise<Counts>;
  /** CPU that the runtime has used, everything in it together; null where the system does not tell. */
  cpuMs(): number | null;
  putStream(type: string, settings?: object): Promise<void>;
  /** Registers many at once, the first ones of the system. */
  putStreams(types: readonly string[], settings?: object): Promise<void>;
  /** Resolves when the edge has reported what it was still holding back. */
  reported(): Promise<void>;
  pause(ms: number): Promise<void>;
  moveTo(atMs: number): Promise<void>;
  cron(): Promise<void>;
  /** Runs the cron until every stream's hours up to that of `ms` are balanced, and payloads are dropped. */
  settle(ms: number): Promise<void>;
  /** Moves past the window and its day, so that the objects of the hour of `ms` retire. */
  retire(ms: number): Promise<void>;
}

/** When the counting begins, in virtual time: the first seconds of an hour. */
export const startMs: EpochMs = parseTimestamp("2026-01-05T00:00:05Z") ?? epochMs(0);

const CountsReply = z.record(z.string(), z.number());
const adminKey = "the-admin-key-of-a-counted-run";
const minuteMs = 60_000;

/** Runs `work` on a fresh system, and ends it. */
export async function withCounted<Result>(work: (system: CountedSystem) => Promise<Result>): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-cost-"));
  const entry = join(repositoryRoot, "bench", "cost", "worker.ts");
  const runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false, entry });
  try {
    const admin = { url: runtime.url, key: adminKey };
    await setClock(admin, startMs);
    const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "counted run") };
    return await work(systemOf(admin, client));
  } finally {
    await runtime.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function systemOf(admin: Api, client: Api): CountedSystem {
  const workerd = workerdOf(process.pid);
  return {
    client,
    counts: async () => CountsReply.parse(await call(admin, "GET", "/v1/local/counts")),
    cpuMs: () => cpuMsOf(workerd),
    putStream: (type, settings) => putStream(admin, type, settings),
    putStreams: async (types, settings = {}) => {
      const streams = types.map((type) => ({ type, settings }));
      await call(admin, "POST", "/v1/stream-changes", { streams, base: 0 });
    },
    reported: () => sleep(1_000),
    pause: (ms) => sleep(Math.max(0, ms)),
    moveTo: (atMs) => moveTo(admin, atMs),
    cron: () => runCron(admin),
    settle: (ms) => settle(admin, ms),
    retire: (ms) =>
      moveTo(admin, endOf(hourOf(epochMs(ms))) + windowMsDefault + retireAfterWindowMs + minuteMs),
  };
}

async function settle(admin: Api, ms: number): Promise<void> {
  const hour = hourOf(epochMs(ms));
  await moveTo(admin, endOf(hour) + graceMsDefault + sealJitterMsMax);
  await untilBalanced(admin, hour, () => runCron(admin));
  // The buckets' alarms drop the payloads.
  await moveTo(admin, endOf(hour) + graceMsDefault + sealJitterMsMax + minuteMs);
}

/** At least there: the virtual clock goes on by itself, and what is counted may take longer than the step. */
async function moveTo(admin: Api, atMs: number): Promise<void> {
  if (Date.parse((await readClock(admin)).now) < atMs) await setClock(admin, atMs);
}

export async function setClock(admin: Api, atMs: number): Promise<void> {
  const { failures } = await moveClock(admin, isoOf(epochMs(atMs)));
  // An object that retires ends itself, and its caller hears of that.
  const real = failures.filter((failure) => !failure.endsWith("retired"));
  if (real.length > 0) throw new Error(`alarms failed: ${real.join("; ")}`);
}
