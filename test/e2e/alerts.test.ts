/** Alerts of the running system, to a real receiver that fails first: signed, told again, and told when all is well. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { HourText } from "../../domain/hour.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";

const type = "shop.order";
const hour = "2026-11-23T10";
const secretText = Buffer.from("a secret of twenty-four bytes").toString("base64");
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
let runtime: LocalRuntime;
let admin: { readonly url: string; readonly key: string };

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let received: Received[] = [];
/** Statuses of the next answers; 200 after them. 0: the connection is cut. */
let answers: number[] = [];

const receiver = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
  request.on("end", () => {
    received.push({ path: request.url ?? "", headers: request.headers, body });
    const status = answers.shift() ?? 200;
    if (status === 0) request.socket.destroy();
    else response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
  });
});

beforeAll(async () => {
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const address = receiver.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const variables = {
    HOURSEAL_ALERT_URL: `http://127.0.0.1:${port}/all`,
    HOURSEAL_ALERT_SECRET: `whsec_${secretText}`,
  };
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false, variables });
  admin = { url: runtime.url, key: adminKey };
  await moveClock(admin, `${hour}:00:00Z`);
  await putStream(admin, type, {
    owner: "shop",
    contact: "#shop",
    alertUrl: `http://127.0.0.1:${port}/shop`,
  });
  await putStream(admin, "web.view", { owner: "web" });
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  const events = [1, 2, 3].map((id) => ({ specversion: "1.0", source: "e2e", type, id: String(id) }));
  await call(client, "POST", "/v1/events", events);
  await moveClock(admin, "2026-11-23T11:12:00Z");
  await runCron(admin);
});

beforeEach(() => {
  received = [];
  answers = [];
});

afterAll(async () => {
  await runtime.dispose();
  receiver.closeAllConnections();
  await new Promise<void>((done) => receiver.close(() => done()));
  rmSync(dataDir, { recursive: true, force: true });
});

const Body = z.object({
  type: z.literal("hourseal.buckets"),
  data: z.object({ alerts: z.array(z.looseObject({ type: z.string(), condition: z.string() })) }),
});

function told({ path, body }: Received): string[] {
  return Body.parse(JSON.parse(body)).data.alerts.map((alert) => `${path} ${alert.type} ${alert.condition}`);
}

/** As a receiver checks it, by Standard Webhooks. */
function isSigned({ headers, body }: Received): boolean {
  const [id, timestamp] = [String(headers["webhook-id"]), String(headers["webhook-timestamp"])];
  const key = Buffer.from(secretText, "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return (
    headers["webhook-signature"] === `v1,${signature}` &&
    Math.abs(Date.now() / 1_000 - Number(timestamp)) < 300
  );
}

test("[OP9] a lost part is told to its owner, signed, again and again until it is taken", async () => {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
  const { objects } = await bucket.list({ prefix: bucketPrefix({ type, hour: HourText.parse(hour) }) });
  const part = objects.find(({ key }) => key.includes("/part-"))?.key ?? "";
  const bytes = await (await bucket.get(part))?.arrayBuffer();
  await bucket.delete(part);
  await call(admin, "POST", `/v1/buckets/${type}/${hour}/audit`);
  answers = [500, 0, 302];
  await runCron(admin);
  for (const now of ["11:15", "11:20", "11:30", "11:45"]) {
    await moveClock(admin, `2026-11-23T${now}:00Z`);
    await runCron(admin);
  }
  expect(received.map(told)).toEqual(Array.from({ length: 4 }, () => [`/shop ${type} missing`]));
  expect(received.map(isSigned)).toEqual([true, true, true, true]);
  expect(new Set(received.map(({ headers, body }) => `${String(headers["webhook-id"])} ${body}`)).size).toBe(
    1,
  );
  expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({
    data: { alerts: [{ owner: "shop", contact: "#shop", hour, missingRows: 3, before: null }] },
  });

  received = [];
  if (bytes === undefined) throw new Error("the part was not there");
  await bucket.put(part, bytes, { sha256: await crypto.subtle.digest("SHA-256", bytes) });
  await call(admin, "POST", `/v1/buckets/${type}/${hour}/audit`);
  await runCron(admin);
  expect(received.map(told)).toEqual([[`/shop ${type} recovered`]]);
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
  expect(received.map(told)).toEqual([["/all web.view missing"]]);
});
