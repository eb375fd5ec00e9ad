/** Alerts of the running system, to a real receiver that fails first: signed, told again, and told when all is well. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { HourText } from "../../domain/hour.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { type Received, type Receiver, alertsIn, isSigned, startReceiver } from "./receiver.ts";

const type = "shop.order";
const hour = "2026-11-23T10";
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
let receiver: Receiver;
let runtime: LocalRuntime;
let admin: { readonly url: string; readonly key: string };

beforeAll(async () => {
  receiver = await startReceiver();
  const variables = { HOURSEAL_ALERT_URL: `${receiver.url}/all`, HOURSEAL_ALERT_SECRET: receiver.secret };
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false, variables });
  admin = { url: runtime.url, key: adminKey };
  await moveClock(admin, `${hour}:00:00Z`);
  await putStream(admin, type, {
    owner: "shop",
    contact: "#shop",
    alertUrl: `${receiver.url}/shop`,
  });
  await putStream(admin, "web.view", { owner: "web" });
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  const events = [1, 2, 3].map((id) => ({ specversion: "1.0", source: "e2e", type, id: String(id) }));
  await call(client, "POST", "/v1/events", events);
  await moveClock(admin, "2026-11-23T11:12:00Z");
  await runCron(admin);
});

beforeEach(() => {
  receiver.received = [];
  receiver.answers = [];
});

afterAll(async () => {
  await runtime.dispose();
  await receiver.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function told(one: Received): string[] {
  return alertsIn(one).map(({ type: name, condition }) => `${one.path} ${name} ${condition}`);
}

test("[OP9] a lost part is told to its owner, signed, again and again until it is taken", async () => {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
  const { objects } = await bucket.list({ prefix: bucketPrefix({ type, hour: HourText.parse(hour) }) });
  const part = objects.find(({ key }) => key.includes("/part-"))?.key ?? "";
  const bytes = await (await bucket.get(part))?.arrayBuffer();
  await bucket.delete(part);
  await call(admin, "POST", `/v1/buckets/${type}/${hour}/audit`);
  receiver.answers = [500, 0, 302];
  await runCron(admin);
  for (const now of ["11:15", "11:20", "11:30", "11:45"]) {
    await moveClock(admin, `2026-11-23T${now}:00Z`);
    await runCron(admin);
  }
  expect(receiver.received.map(told)).toEqual(Array.from({ length: 4 }, () => [`/shop ${type} missing`]));
  expect(receiver.received.map(isSigned)).toEqual([true, true, true, true]);
  expect(
    new Set(receiver.received.map(({ headers, body }) => `${String(headers["webhook-id"])} ${body}`)).size,
  ).toBe(1);
  expect(JSON.parse(receiver.received[0]?.body ?? "")).toMatchObject({
    data: { alerts: [{ owner: "shop", contact: "#shop", hour, missingRows: 3, before: null }] },
  });

  receiver.received = [];
  if (bytes === undefined) throw new Error("the part was not there");
  await bucket.put(part, bytes, { sha256: await crypto.subtle.digest("SHA-256", bytes) });
  await call(admin, "POST", `/v1/buckets/${type}/${hour}/audit`);
  await runCron(admin);
  expect(receiver.received.map(told)).toEqual([[`/shop ${type} recovered`]]);
});

test("[OP9] streams without an address are told of at the deployment's, in one message", async () => {
  const { EVENTS } = {
    EVENTS: await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name),
  };
  const { objects } = await EVENTS.list({
    prefix: bucketPrefix({ type: "web.view", hour: HourText.parse(hour) }),
  });
  await EVENTS.delete(objects.map(({ key }) => key));
  await call(admin, "POST", `/v1/buckets/web.view/${hour}/audit`);
  await runCron(admin);
  expect(receiver.received.map(told)).toEqual([["/all web.view missing"]]);
});
