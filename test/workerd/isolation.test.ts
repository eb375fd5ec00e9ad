/**
 * 300 streams in one hour, some of which misbehave: one floods at its rate, one's shard always throws, one's bucket hangs, one's part
 * is corrupt, one is hours behind. Every other bucket is sealed within its target and balanced, by the first runs of cron.
 */
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { type EpochMs, epochMs, plusHours, startOf } from "../../domain/hour.ts";
import { type BucketAddress, type EventType, bucketName } from "../../domain/ids.ts";
import { sealsOfStreamMax } from "../../domain/limits.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { targetLatenessOf } from "../../domain/stream-change.ts";
import { getBucket, listBuckets } from "../../platform/catalog/buckets.ts";
import { changeStreams } from "../../platform/catalog/stream-changes.ts";
import { writeSnapshot } from "../../platform/snapshot.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { bucket, settings, type } from "./helpers.ts";
import { due, failing, hourText, setClock, shardOf } from "./helpers-objects.ts";
import { eventOf, intercept, newKey, post, report, settled } from "./helpers-system.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const streams = 300;
const nameOf = (no: number): EventType => type(`isolation/${String(no).padStart(3, "0")}`);
const addressOf = (no: number): BucketAddress => bucket(nameOf(no), hourText);

const flooding = addressOf(17);
const throwing = addressOf(42);
const hanging = addressOf(99);
const corrupt = addressOf(150);
const behind = addressOf(201);
const misbehaving = new Set([throwing, hanging, corrupt].map(({ type: name }) => name));

const settingsOf = (no: number) =>
  settings({
    // Those that fail are the most important ones: they would come first.
    priority: misbehaving.has(nameOf(no)) || no % 10 === 0 ? "high" : no % 3 === 0 ? "low" : "normal",
    ...(nameOf(no) === flooding.type ? { eventsPerSecondMax: 100 } : {}),
  });

it("[IS1] [IS2] [IS3] whatever some streams do, every other bucket is sealed within its target, and balanced", async () => {
  const { hour } = addressOf(0);
  const during = setClock(startOf(hour) + 60_000);
  await register(during);
  await send(during);
  await breakSome();
  const asked = spyOnSeals();

  const now = setClock(due(addressOf(0)));
  await runFlusher(env, now);

  const others = Array.from({ length: streams }, (_, no) => no).filter((no) => !misbehaving.has(nameOf(no)));
  const range = { from: hour, to: plusHours(hour, 1) };
  const { items } = await listBuckets(env.CATALOG, range, null, 1_000);
  const known = new Map(items.map((row) => [row.address.type, row]));
  const late = others.filter((no) => {
    const row = known.get(nameOf(no));
    const sealedAtMs = row?.seal?.sealedAtMs ?? Number.POSITIVE_INFINITY;
    return (
      row?.verdict !== "balanced" ||
      sealedAtMs - startOf(plusHours(hour, 1)) > targetLatenessOf(settingsOf(no))
    );
  });
  expect(late.map(nameOf)).toEqual([]);

  // The flood got its rate and no more, and all of it is there.
  expect((await report(flooding.type)).rows).toBe(flooded);
  // Those that misbehave are named, each with its own fault.
  expect(known.get(throwing.type)).toMatchObject({ state: "due", lastStep: "collect_receipts", attempts: 1 });
  expect(known.get(hanging.type)).toMatchObject({ state: "due", lastStep: "ask", attempts: 1 });
  expect(known.get(corrupt.type)).toMatchObject({ state: "sealed", verdict: "corrupt" });

  // Important ones first; of the stream that is hours behind never more than its share at once.
  const firstLow = asked.order.findIndex((name) => !important(name));
  expect(asked.order.slice(firstLow).filter(important)).toEqual([]);
  expect(asked.mostOf(behind.type)).toBeLessThanOrEqual(sealsOfStreamMax);

  // The next run asks those two, and nobody else; the one that hung has recovered.
  asked.order.length = 0;
  await runFlusher(env, setClock(epochMs(now + 60_000)));
  expect(asked.order.toSorted()).toEqual([bucketName(throwing), bucketName(hanging)].toSorted());
  expect(await getBucket(env.CATALOG, hanging)).toMatchObject({ state: "sealed", verdict: "balanced" });
}, 240_000);

const highest = new Set(
  Array.from({ length: streams }, (_, no) => no)
    .filter((no) => settingsOf(no).priority === "high")
    .map((no) => bucketName(addressOf(no))),
);
const important = (name: string): boolean => highest.has(name);

async function register(now: EpochMs): Promise<void> {
  const wanted = Array.from({ length: streams }, (_, no) => ({ type: nameOf(no), settings: settingsOf(no) }));
  const early = wanted.filter((one) => one.type === behind.type);
  const by = { author: "", keyId: "", note: "" };
  // One stream begins hours before the others, and no cron has run since.
  await changeStreams(env.CATALOG, early, null, by, epochMs(now - 10 * 3_600_000));
  await changeStreams(env.CATALOG, wanted, null, by, now);
  await writeSnapshot(env, now);
}

let flooded = 0;

async function send(now: EpochMs): Promise<void> {
  const key = await newKey("write:*");
  // To every third stream nothing comes, but for those that this is about.
  const silent = (no: number) => no % 3 === 1 && !misbehaving.has(nameOf(no));
  const one = (no: number) => (silent(no) ? [] : [eventOf(nameOf(no), 1), eventOf(nameOf(no), 2)]);
  // A hundred streams a request, as a gateway sends them.
  for (let from = 0; from < streams; from += 100) {
    const events = Array.from({ length: 100 }, (_, index) => one(from + index)).flat();
    expect((await post(key, events)).status).toBe(200);
  }
  flooded = 2;
  for (let turn = 0; turn < 30; turn++) {
    setClock(now + turn * 500);
    const events = Array.from({ length: 500 }, (_, id) => eventOf(flooding.type, `${turn}-${id}`));
    if ((await post(key, events)).status === 200) flooded += events.length;
  }
  expect(flooded).toBeLessThan(30 * 500);
  await settled();
}

async function breakSome(): Promise<void> {
  await failing(() => shardOf(throwing), "UPDATE ON shard");
  // The part is written as it should be, and lies there otherwise when it is read.
  const get = corrupted(env.EVENTS.get.bind(env.EVENTS));
  vi.spyOn(env.EVENTS, "get").mockImplementation(get);
}

type Get = (key: string, options?: R2GetOptions) => Promise<R2ObjectBody | null>;

function corrupted(get: Get): Get {
  return async (key, options) => {
    const object = await get(key, options);
    if (object === null || !key.startsWith(`${bucketPrefix(corrupt)}part-`)) return object;
    const bytes = new Uint8Array(await object.arrayBuffer());
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 0xff;
    const body = new Response(bytes).body;
    return new Proxy(object, {
      get: (target, name): unknown => (name === "body" ? body : Reflect.get(target, name, target)),
    });
  };
}

function spyOnSeals(): { readonly order: string[]; readonly mostOf: (type: EventType) => number } {
  const order: string[] = [];
  const atWork = new Map<string, number>();
  const most = new Map<string, number>();
  let hung = false;
  const typeOf = (name: string): string => name.slice(name.indexOf("/") + 1);
  intercept(env.HOUR_BUCKET, "seal", async (act, name) => {
    order.push(name);
    const of = typeOf(name);
    atWork.set(of, (atWork.get(of) ?? 0) + 1);
    most.set(of, Math.max(most.get(of) ?? 0, atWork.get(of) ?? 0));
    try {
      if (name === bucketName(hanging) && !hung) {
        hung = true;
        return await new Promise<never>(() => undefined);
      }
      return await act();
    } finally {
      atWork.set(of, (atWork.get(of) ?? 0) - 1);
    }
  });
  return { order, mostOf: (of) => most.get(of) ?? 0 };
}
