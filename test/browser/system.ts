/**
 * The system with a story: a stream whose first hour has lost its part after it was balanced, whose second one holds late
 * rows, and whose third one is open.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callOnce, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { HourText } from "../../domain/hour.ts";
import { untilReceived } from "../e2e/counted.ts";

export const storyType = "shop.order-placed";
/** Its own, and that of quarantine. */
export const storyStreams = 2;
export const lostHour = "2026-11-23T08";
export const lateHour = "2026-11-23T09";
export const openHour = "2026-11-23T10";

export interface Story {
  readonly url: string;
  readonly adminKey: string;
  /** May read what the auditor says, and no keys. */
  readonly readKey: string;
  readonly runtime: LocalRuntime;
  readonly worker: string;
  readonly end: () => Promise<void>;
}

export async function startStory(): Promise<Story> {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  const adminKey = "the-admin-key-of-these-tests";
  const runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  const admin = { url: runtime.url, key: adminKey };
  const worker = readProjectConfig("local").name;
  await moveClock(admin, `${lostHour}:00:00Z`);
  const settings = {
    owner: "team-payments",
    contact: "#payments-oncall",
    description: "An order was placed. Royalties of the shop are computed from it.",
    priority: "high",
    shards: 2,
    shardsMax: 4,
    partitionBy: "id",
    onInvalid: "quarantine",
    schema: {
      type: "object",
      properties: { amount: { type: "integer" }, currency: { type: "string", maxLength: 3 } },
    },
  };
  await putStream(admin, storyType, settings);
  const client = { url: runtime.url, key: await createKey(admin, ["write:shop.*"], "shop") };
  const readKey = await createKey(admin, ["read:audit"], "on call");
  const post = async (hour: string, from: number, count: number, more = {}): Promise<void> => {
    const events = Array.from({ length: count }, (_, index) => ({
      specversion: "1.0",
      id: `order-${from + index}`,
      source: "shop",
      type: storyType,
      time: `${hour}:${String(index % 60).padStart(2, "0")}:00Z`,
      data: { amount: index, ...more },
    }));
    await callOnce(client, "POST", "/v1/events", events);
  };
  await post(lostHour, 0, 240);
  await post(lostHour, 200, 40);
  await post(lostHour, 5_000, 25, { currency: "Euro" });
  await moveClock(admin, `${lateHour}:20:00Z`);
  await runCron(admin);
  await post(lateHour, 1_000, 120);
  await post(lostHour, 2_000, 18);
  await post(lateHour, 6_000, 60, { amount: "much" });
  await untilReceived(admin, storyType, lateHour, 120 + 18 + 60);
  await moveClock(admin, `${openHour}:20:00Z`);
  await runCron(admin);
  await post(openHour, 3_000, 30);
  await post(openHour, 7_000, 5, { amount: "much" });
  await untilReceived(admin, storyType, openHour, 30 + 5);
  await loseParts(runtime, worker);
  await callOnce(admin, "POST", `/v1/buckets/${storyType}/${lostHour}/audit`);
  await runCron(admin);
  return {
    url: runtime.url,
    adminKey,
    readKey,
    runtime,
    worker,
    end: async () => {
      await runtime.dispose();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Somebody deletes the first hour's parts. */
async function loseParts(runtime: LocalRuntime, worker: string): Promise<void> {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", worker);
  const prefix = bucketPrefix({ type: storyType, hour: HourText.parse(lostHour) });
  const { objects } = await bucket.list({ prefix });
  const parts = objects.filter(({ key }) => key.includes("/part-"));
  if (parts.length === 0) throw new Error(`there is no part under ${prefix}`);
  await bucket.delete(parts.map(({ key }) => key));
}
