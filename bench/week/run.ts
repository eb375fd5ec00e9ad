/**
 * A week in the real runtime. Of each hour's events one in fifty happened the hour before, past its grace: they lie in the
 * hour that they came in, as rows that were claimed first. What the manifests list is compared with what was posted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Format } from "../../domain/encoding.ts";
import { endOf, epochMs, hourOf } from "../../domain/hour.ts";
import { graceMsDefault, sealJitterMsMax } from "../../domain/limits.ts";
import { Manifest } from "../../domain/manifest.ts";
import { type Api, createKey, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { setClock, startMs } from "../cost/system.ts";
import { postEvents } from "../seal/post.ts";
import { untilBalanced } from "../settle.ts";
import type { Week } from "./load.ts";

/** One sealed hour of one stream. */
export interface WeekBucket {
  readonly type: string;
  readonly hour: string;
  readonly rows: number;
  /** Of the rows as lines. */
  readonly plainBytes: number;
  /** Of each part, as it lies in R2. */
  readonly objectBytes: readonly number[];
}

const adminKey = "the-admin-key-of-a-measured-week";
const hourMs = 3_600_000;
const lateOneIn = 50;
/** Hours between two looks at whether all of them are balanced: a report covers no more than some days. */
const settleEvery = 24;

export async function measureWeek(load: Week, formats: readonly Format[]): Promise<readonly WeekBucket[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-week-"));
  const runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false, dashboard: false });
  try {
    await run({ url: runtime.url, key: adminKey }, load, formats);
    const found = await sealedBuckets(runtime, load);
    const posted = load.streams.flatMap(({ events }) => events).reduce((sum, events) => sum + events, 0);
    const rows = found.reduce((sum, bucket) => sum + bucket.rows, 0);
    if (rows !== posted) throw new Error(`posted: ${posted} events; sealed: ${rows}`);
    return found;
  } finally {
    await runtime.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function run(admin: Api, load: Week, formats: readonly Format[]): Promise<void> {
  await setClock(admin, startMs);
  for (const { type, shards } of load.streams) await putStream(admin, type, { shards, formats });
  const client = { url: admin.url, key: await createKey(admin, ["write:*"], "measured week") };
  const next = new Map(load.streams.map(({ type }) => [type, 0]));
  for (let no = 0; no < load.hours; no++) {
    const atMs = epochMs(startMs + no * hourMs);
    for (const { type, events } of load.streams) {
      const count = events[no] ?? 0;
      const late = no === 0 ? 0 : Math.floor(count / lateOneIn);
      const first = next.get(type) ?? 0;
      next.set(type, first + count);
      await postEvents(client, { type, first, events: count - late, atMs });
      await postEvents(client, {
        type,
        first: first + count - late,
        events: late,
        atMs: epochMs(atMs - hourMs),
      });
    }
    // Into the next hour, past the grace: what of this one comes from now on is late.
    await setClock(admin, endOf(hourOf(atMs)) + graceMsDefault + sealJitterMsMax);
    const last = no === load.hours - 1;
    if (last || (no + 1) % settleEvery === 0) {
      await untilBalanced(admin, hourOf(atMs), () => runCron(admin));
      console.error(`${no + 1} of ${load.hours} hours are sealed and balanced`);
    } else await runCron(admin);
  }
}

async function sealedBuckets(runtime: LocalRuntime, load: Week): Promise<WeekBucket[]> {
  const bucket = await runtime.miniflare.getR2Bucket(readProjectConfig("local").events.binding);
  const found: WeekBucket[] = [];
  for (const { type } of load.streams) {
    let cursor: string | undefined;
    do {
      const listed = await bucket.list({
        prefix: `events/type=${type}/`,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { key } of listed.objects.filter((object) => object.key.endsWith("/_manifest.json"))) {
        found.push(bucketOf(Manifest.parse(await (await bucket.get(key))?.json())));
      }
      cursor = listed.truncated ? listed.cursor : undefined;
    } while (cursor !== undefined);
  }
  return found;
}

function bucketOf({ type, hour, rows, parts }: Manifest): WeekBucket {
  const format = parts[0]?.format;
  const plainBytes = parts
    .filter((part) => part.format === format)
    .reduce((sum, part) => sum + part.plainBytes, 0);
  return { type, hour, rows, plainBytes, objectBytes: parts.map(({ bytes }) => bytes) };
}
