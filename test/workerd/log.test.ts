import { env } from "cloudflare:workers";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as z from "zod";
import worker from "../../workers/index.ts";
import { call, eventOf, intercept, newKey, post, register, settled } from "./helpers-system.ts";

const Line = z.looseObject({ area: z.string(), event: z.string() });
type Line = z.infer<typeof Line>;

const texts: string[] = [];

beforeEach(() => {
  texts.length = 0;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "log").mockImplementation((line: unknown) => {
    texts.push(String(line));
  });
});
afterEach(async () => {
  await settled();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Every line is one of JSON with an area and an event. */
function lines(): Line[] {
  return texts.map((text) => Line.parse(JSON.parse(text)));
}

/** Its successes are logged at the default rate, and those of the other one are not. */
const sampled = "00000000000000010000000000000000";
const unsampled = "0000000000000001ffffffffffffffff";

function traceparent(traceId: string): Record<string, string> {
  return { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
}

async function cron(): Promise<void> {
  const ctx = createExecutionContext();
  await worker.scheduled({ cron: "* * * * *", scheduledTime: Date.now(), noRetry: () => undefined }, env);
  await waitOnExecutionContext(ctx);
}

function setHour(text: string, minutes = 5): void {
  vi.setSystemTime(Date.parse(`${text}:00:00Z`) + minutes * 60_000);
}

it("[LG2] one trace goes from the client through edge, shard and bucket; the flusher's through bucket and audit", async () => {
  setHour("2031-03-03T10");
  await register("log.followed");
  const key = await newKey("write:log.*");
  const late = { time: "2031-03-01T10:00:00Z" };
  const answer = await post(
    key,
    [eventOf("log.followed", 1), eventOf("log.followed", 2, late)],
    traceparent(sampled),
  );
  expect(answer.status).toBe(200);
  expect(answer.headers.get("traceresponse")).toMatch(new RegExp(`^00-${sampled}-[0-9a-f]{16}-01$`));
  await settled();
  const ofPost = lines().filter((line) => line["trace"] === sampled);
  expect(ofPost.map(({ area, event }) => `${area} ${event}`).toSorted()).toEqual([
    "bucket enrol",
    "edge request",
    "shard append",
  ]);
  const request = ofPost.find(({ area }) => area === "edge");
  expect(request).toMatchObject({
    parent: "00f067aa0ba902b7",
    outcome: "done",
    status: 200,
    hour: "2031-03-03T10",
    events: { received: 2, accepted: 2, late: 1 },
    appends: [
      { type: "log.followed", hour: "2031-03-03T10", index: 0, rows: 2, came: "decided", sentBy: sampled },
    ],
  });
  expect(ofPost.find(({ area }) => area === "shard")).toMatchObject({
    parent: request?.["span"],
    type: "log.followed",
    hour: "2031-03-03T10",
    index: 0,
    accepted: 2,
    outcome: "done",
  });

  texts.length = 0;
  setHour("2031-03-03T11", 30);
  await cron();
  const sealed = lines().find(({ event, ...line }) => event === "sealed" && line["type"] === "log.followed");
  expect(sealed).toMatchObject({ area: "bucket", hour: "2031-03-03T10", rows: 2, shards: 1 });
  const ofRun = lines().filter((line) => line["trace"] === sealed?.["trace"]);
  expect(ofRun.map(({ area, event }) => `${area} ${event}`)).toEqual(
    expect.arrayContaining(["bucket sealed", "flusher seal_due", "auditor audit"]),
  );
  const audit = ofRun.find(({ event, ...line }) => event === "audit" && line["type"] === "log.followed");
  expect(audit).toMatchObject({ outcome: "done", verdict: "balanced", rows: 2, parts: 1, findings: [] });
});

it("[LG2] an operator's trace goes through the flusher's call into bucket, shard and home", async () => {
  setHour("2031-03-03T13");
  await register("log.resealed");
  const key = await newKey("write:log.*");
  await post(key, [eventOf("log.resealed", 1, { time: "2031-03-02T10:00:00Z" })]);
  await settled();
  setHour("2031-03-03T14", 30);
  texts.length = 0;
  const answer = await call("POST /v1/ops/reseal/log.resealed/2031-03-03T13", {
    body: JSON.stringify({ dryRun: false }),
    headers: traceparent(sampled),
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("traceresponse")).toContain(sampled);
  const followed = lines().filter((line) => line["trace"] === sampled);
  expect(followed.map(({ area, event }) => `${area} ${event}`)).toEqual(
    expect.arrayContaining(["shard claim", "shard close", "bucket sealed", "ops request"]),
  );
  expect(followed.find(({ area, event }) => area === "ops" && event === "request")).toMatchObject({
    route: "/v1/ops/reseal/:type/:hour",
    type: "log.resealed",
    hour: "2031-03-03T13",
    key: "admin",
    status: 200,
  });
});

it("[LG2] a traceparent that is none begins a trace anew, and is not repeated", async () => {
  setHour("2031-03-03T15");
  const answer = await call("GET /healthz", { headers: { traceparent: "00-my-secret-01" } });
  expect(answer.headers.get("traceresponse")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  expect(texts.join("\n")).not.toContain("my-secret");
});

it("[LG3] sampling leaves out successes, and never a failure: of the edge, of a shard, of an alarm", async () => {
  setHour("2031-03-03T16");
  await register("log.failing");
  const key = await newKey("write:log.*");
  await post(key, [eventOf("log.failing", 1)], traceparent(unsampled));
  await settled();
  expect(lines().filter((line) => line["trace"] === unsampled)).toEqual([]);

  intercept(env.EVENT_SHARD, "append", () => Promise.reject(new Error("the shard is away")));
  const failed = await post(key, [eventOf("log.failing", 2)], traceparent(unsampled));
  expect(failed.status).toBe(503);
  await settled();
  const ofFailure = lines().filter((line) => line["trace"] === unsampled);
  expect(ofFailure.find(({ event }) => event === "request")).toMatchObject({
    outcome: "failed",
    status: 503,
    events: { received: 1, failed: 1 },
  });
  expect(ofFailure.filter(({ event }) => event === "append_unresolved").length).toBeGreaterThan(0);
  vi.restoreAllMocks();
});

it("[LG1] no line holds a payload, a key, an identity or what else a client sent", async () => {
  const secrets = {
    payload: "payload-marker-5417",
    id: "id-marker-5417",
    source: "source-marker-5417",
    subject: "subject-marker-5417",
    path: "path-marker-5417",
    query: "query-marker-5417",
    unknown: "log.unknown-marker-5417",
  };
  setHour("2031-03-03T18");
  await register("log.secret", { schema: { type: "object", properties: { n: { type: "number" } } } });
  const key = await newKey("write:log.*");
  const reader = await newKey("read:audit");
  const event = {
    ...eventOf("log.secret", secrets.id, { source: secrets.source, subject: secrets.subject }),
    data: { n: 1, text: secrets.payload },
  };
  const all = traceparent(sampled);
  await post(key, [event, event], all);
  await post(key, [{ ...event, data: { n: secrets.payload } }], all);
  await post(key, [{ ...event, type: secrets.unknown }, { id: secrets.id }], all);
  await post(key, `{"broken": "${secrets.payload}`, all);
  await post(`${key}x`, [event], all);
  await call(`POST /v1/events?key=${key}`, { key: null, body: JSON.stringify(event), headers: all });
  await call(`GET /v1/nowhere/${secrets.path}?q=${secrets.query}`, { headers: all });
  await call(`GET /v1/audit/report?type=${secrets.query}`, { key: reader, headers: all });
  intercept(env.EVENT_SHARD, "append", () => Promise.reject(new Error("away")));
  await post(key, [{ ...event, id: `${secrets.id}-2` }], all);
  vi.restoreAllMocks();
  vi.spyOn(console, "log").mockImplementation((line: unknown) => {
    texts.push(String(line));
  });
  await settled();
  setHour("2031-03-03T19", 30);
  await cron();
  expect(lines().length).toBeGreaterThan(10);
  const said = texts.join("\n");
  for (const [what, secret] of Object.entries({ ...secrets, key, reader, admin: env.HOURSEAL_ADMIN_KEY })) {
    expect(said.includes(secret), what).toBe(false);
  }
});
