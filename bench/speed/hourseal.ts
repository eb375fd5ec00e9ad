/**
 * Hourseal as it is measured, and the proof that it lost nothing: after a workload its hours are sealed and audited, and
 * every id is looked for in the parts that the manifests list.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { endOf, epochMs, hourOf } from "../../domain/hour.ts";
import { graceMsDefault, sealJitterMsMax } from "../../domain/limits.ts";
import { Manifest } from "../../domain/manifest.ts";
import { type Api, call, createKey, putStream } from "../../scripts/local/client.ts";
import { readProjectConfig, repositoryRoot } from "../../scripts/local/config.ts";
import { startLocalRuntime } from "../../scripts/local/runtime.ts";
import { untilBalanced } from "../settle.ts";
import { numberDigits } from "./bodies.ts";
import { type Workload, eventNumber } from "./workloads.ts";

export interface MeasuredSystem {
  readonly port: number;
  readonly request: { readonly path: string; readonly headers: Readonly<Record<string, string>> };
  /** Registers the streams of a round, and answers their types. */
  streamsOf(workload: Workload, round: number): Promise<string[]>;
  /** Seals and audits every hour up to this one; throws unless all of them are balanced. */
  settle(): Promise<void>;
  /** Every id in the sealed parts of these streams: how often each number of `name` is there, and how many others. */
  sealedIds(types: readonly string[], name: string): Promise<SealedIds>;
  stop(): Promise<void>;
}

export interface SealedIds {
  readonly rows: number;
  readonly numbers: ReadonlyMap<number, number>;
  readonly others: number;
}

const adminKey = "the-admin-key-of-a-measured-run";

/** `root`: the checkout whose Worker it runs. */
export async function startHourseal(dataDir: string, root = repositoryRoot): Promise<MeasuredSystem> {
  const entry = join(root, "bench", "speed", "worker.ts");
  const runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false, entry, root });
  const admin = { url: runtime.url, key: adminKey };
  const key = await createKey(admin, ["write:*"], "measured run");
  const { events } = readProjectConfig("local");
  return {
    port: Number(new URL(runtime.url).port),
    request: { path: "/v1/events", headers: { Authorization: `Bearer ${key}` } },
    async streamsOf({ name, streams }, round) {
      const types = Array.from({ length: streams }, (_, no) => `bench.${name}.round-${round}.${no}`);
      for (const type of types) await putStream(admin, type);
      return types;
    },
    settle: () => settle(admin),
    async sealedIds(types, name) {
      const bucket = await runtime.miniflare.getR2Bucket(events.binding);
      const found = { rows: 0, numbers: new Map<number, number>(), others: 0 };
      for (const type of types) {
        const { objects } = await bucket.list({ prefix: `events/type=${type}/` });
        for (const { key: manifestKey } of objects.filter(({ key: one }) =>
          one.endsWith("/_manifest.json"),
        )) {
          const manifest = Manifest.parse(await (await bucket.get(manifestKey))?.json());
          for (const part of manifest.parts) {
            const object = await bucket.get(part.key);
            if (object === null) throw new Error(`${part.key} is in its manifest and not in R2`);
            countIds(gunzipSync(await object.arrayBuffer()), name, found);
          }
        }
      }
      return found;
    },
    stop: () => runtime.dispose(),
  };
}

/** By the bytes, not by this project's own reader: it must see what is there, whatever the code under test thinks. */
function countIds(
  part: Buffer,
  name: string,
  found: { rows: number; numbers: Map<number, number>; others: number },
): void {
  const prefix = Buffer.from(`"id":"${name}-`);
  for (let at = 0; at < part.length;) {
    const end = part.indexOf(10, at);
    found.rows++;
    const id = part.indexOf(prefix, at);
    if (id < 0 || id > end) found.others++;
    else {
      const from = id + prefix.length;
      const number = Number(part.toString("latin1", from, from + numberDigits));
      found.numbers.set(number, (found.numbers.get(number) ?? 0) + 1);
    }
    at = end + 1;
  }
}

/** What is wrong with the ids that were sealed, in words; nothing if each that was acknowledged is there once. */
export function faultsOf(workload: Workload, sent: number, sealed: SealedIds): string[] {
  const expected = new Set<number>();
  for (let request = 0; request < sent; request++) {
    for (let at = 0; at < workload.eventsPerRequest; at++) expected.add(eventNumber(workload, request, at));
  }
  let missing = 0;
  for (const number of expected) if (!sealed.numbers.has(number)) missing++;
  let surplus = sealed.others;
  for (const [number, times] of sealed.numbers) surplus += times - (expected.has(number) ? 1 : 0);
  const faults: string[] = [];
  if (missing > 0) faults.push(`${missing} of ${expected.size} acknowledged events are in no part`);
  if (surplus > 0) faults.push(`${surplus} of ${sealed.rows} rows should not be there`);
  return faults;
}

async function settle(admin: Api): Promise<void> {
  // What the edge counts for the ledger goes out a moment after the answer.
  await sleep(1_000);
  const hour = hourOf(epochMs(Date.now()));
  const nowMs = endOf(hour) + graceMsDefault + sealJitterMsMax;
  await untilBalanced(admin, hour, () => call(admin, "POST", "/v1/bench/flusher", { nowMs }));
}
