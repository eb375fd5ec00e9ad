/** `POST /v1/events` on the real runtime: what is taken, what is answered, and what lies in R2 after the seal. */
import { env, exports } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf, isoOf, plusHours, startOf } from "../../domain/hour.ts";
import type { BucketAddress } from "../../domain/ids.ts";
import { parseKey } from "../../domain/key.ts";
import {
  bodyBytesMax,
  eventBytesMax,
  eventsPerRequestMax,
  inflatedBytesMax,
  keyOutageMsMax,
} from "../../domain/limits.ts";
import { revokeKey } from "../../platform/catalog/keys.ts";
import { r2Objects } from "../../platform/objects.ts";
import { repairSnapshot } from "../../platform/snapshot.ts";
import { auditBucket } from "../../workers/flusher/audit/audit-bucket.ts";
import { bucket, hour } from "./helpers.ts";
import {
  containing,
  due,
  during,
  gzipOf,
  hourText,
  linesOf,
  manifestAt,
  plan,
  seal,
  setClock,
  shardOf,
  sql,
  upTo,
} from "./helpers-objects.ts";
import { answer, call, eventOf, intercept, newKey, post, register, settled } from "./helpers-system.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A stream of its own for each test, with a key for it and the clock inside the hour. */
async function stream(
  name: string,
  settings: object = {},
): Promise<{ address: BucketAddress; type: string; key: string }> {
  const address = bucket(`ingest/${name}`, hourText);
  setClock(during(address));
  await register(address.type, settings);
  return { address, type: address.type, key: await newKey(`write:${address.type}`) };
}

/** The events of a bucket as they lie in R2 after the seal, as text. */
async function delivered(address: BucketAddress): Promise<string[]> {
  await seal(address, { plan });
  const lines: string[] = [];
  for (const { key } of (await manifestAt(address)).parts) lines.push(...(await linesOf(key)));
  return lines.map((line) => {
    expect(line).toMatch(/^\{"received_at":"[^"]+","home_hour":"[^"]+","event":/);
    return line.slice(line.indexOf('"event":') + 8, -1);
  });
}

const taken = (accepted: number, more: object = {}) => ({
  status: 200,
  body: { accepted, duplicates: 0, late: 0, quarantined: 0, refused: [], ...more },
});

describe("formats", () => {
  it("[EV1] are CloudEvents structured, batched and binary, JSON, NDJSON, plain text and gzip, under a trailing slash too", async () => {
    const { address, type, key } = await stream("formats");
    const one = (id: string) => JSON.stringify(eventOf(type, id));
    const send = (contentType: string, body: string | Uint8Array<ArrayBuffer>, headers = {}) =>
      answer(call("POST /v1/events", { key, body, headers: { "content-type": contentType, ...headers } }));
    expect(await send("application/cloudevents+json", one("structured"))).toEqual(taken(1));
    expect(await send("application/cloudevents-batch+json", `[${one("b1")},${one("b2")}]`)).toEqual(taken(2));
    expect(await send("application/json", one("object"))).toEqual(taken(1));
    expect(await send("application/json", `[${one("array")}]`)).toEqual(taken(1));
    expect(await send("application/x-ndjson", `${one("line-1")}\n${one("line-2")}\n`)).toEqual(taken(2));
    expect(await send("text/plain;charset=UTF-8", one("beacon"))).toEqual(taken(1));
    expect(await send("application/json", await gzipOf(one("gzip")), { "content-encoding": "gzip" })).toEqual(
      taken(1),
    );
    expect(await send("application/json", await gzipOf(one("gzip-unlabelled")))).toEqual(taken(1));
    const ce = { "ce-specversion": "1.0", "ce-source": "test", "ce-type": type };
    expect(await send("application/json", '{"n":1.0}', { ...ce, "ce-id": "binary" })).toEqual(taken(1));
    expect(
      await answer(
        call(`POST /v1/events/?key=${key}`, {
          key: null,
          body: one("slash"),
          headers: { "content-type": "text/plain" },
        }),
      ),
    ).toEqual(taken(1));
    const chunked = new Blob([one("chunked")]).stream();
    expect(
      await answer(
        call("POST /v1/events", { key, body: chunked, headers: { "content-type": "application/json" } }),
      ),
    ).toEqual(taken(1));
    expect(await delivered(address)).toHaveLength(13);
  });

  it("[EV2] come back from R2 byte for byte: numbers, escapes, order, spaces, extensions", async () => {
    const { address, type, key } = await stream("faithful");
    const texts = [
      `{"specversion":"1.0","id":"1","source":"s","type":"${type}","data":{"n":[1.0,-0,1e400,12345678901234567890,0.1e-7]}}`,
      `{"type": "${type}",  "specversion":"1.0","source":"s","id":"\\u0032","data":"\\u00e9\\ud83d\\ude00 é 😀 \\/"}`,
      `{"id":"3","source":"s","specversion":"1.0","type":"${type}","ext1":"x","aflag":true,"acount":-7,"datacontenttype":"image/png","data_base64":"iVBORw0KGgo="}`,
      `{"id":"ünï","source":"/a?b=c#d","specversion":"1.0","type":"${type}","time":"2031-11-23T11:01:00.123456789+01:00","subject":null,"data":null}`,
    ];
    expect(await answer(post(key, `[${texts.join(",\n")}]`))).toEqual(taken(4));
    const ndjson = `{"id":"5","source":"s","specversion":"1.0","type":"${type}","data":{"a":1,"a":2}}`;
    expect(await answer(post(key, ndjson, { "content-type": "application/x-ndjson" }))).toEqual(taken(1));
    expect((await delivered(address)).toSorted()).toEqual([...texts, ndjson].toSorted());
  });

  it("[EV1] binary mode keeps text as text, JSON as JSON, and bytes as base64", async () => {
    const { address, type, key } = await stream("binary");
    const ce = (id: string) => ({
      "ce-specversion": "1.0",
      "ce-source": "s",
      "ce-type": type,
      "ce-id": id,
      "ce-ext": "%C3%A9",
    });
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const send = (id: string, contentType: string, body: string | Uint8Array<ArrayBuffer>) =>
      answer(call("POST /v1/events", { key, body, headers: { ...ce(id), "content-type": contentType } }));
    expect(await send("json", "application/json", '{"n":1.0}')).toEqual(taken(1));
    expect(await send("text", "text/plain", "héllo")).toEqual(taken(1));
    expect(await send("bytes", "application/octet-stream", bytes)).toEqual(taken(1));
    const [json = "", text = "", raw = ""] = await delivered(address);
    expect(json).toContain('"data":{"n":1.0}');
    expect(JSON.parse(text)).toMatchObject({
      id: "text",
      ext: "é",
      datacontenttype: "text/plain",
      data: "héllo",
    });
    const { data_base64: base64 } = JSON.parse(raw) as { data_base64: string };
    expect(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))).toEqual(bytes);
  });

  it("[KE6] any string is a type, from the key's scope to the object's key", async () => {
    const { address, type, key } = await stream("a/b ∆.. %2F?&=#'\"\\ \u{1f600}");
    expect(await answer(post(key, [eventOf(type, 1)]))).toEqual(taken(1));
    expect(await delivered(address)).toEqual([JSON.stringify(eventOf(type, 1))]);
    const path = `/v1/buckets/${encodeURIComponent(type)}/${address.hour}`;
    expect(await (await call(`GET ${path}`)).json()).toMatchObject({ type, rows: 1 });
  });

  it("is the same through the deployed entry", async () => {
    const { type, key } = await stream("entry");
    const response = await exports.default.fetch("https://hourseal.test/v1/events", {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, "content-type": "application/json" },
      body: JSON.stringify(eventOf(type, 1)),
    });
    expect(await answer(response)).toEqual(taken(1));
  });
});

describe("each event has its own result", () => {
  it("[EV3] [HT1] by position, and one bad event spoils nothing", async () => {
    const { address, type, key } = await stream("results");
    await register("ingest/not-mine");
    const good = eventOf(type, "good", { time: "2031-11-23T10:00:30Z" });
    const events = [
      good,
      eventOf(type, "bad", { specversion: "0.3" }),
      good,
      eventOf("ingest/not-mine", "forbidden"),
      eventOf(type, "late", { time: "2031-11-23T08:59:59.999Z" }),
      eventOf(type, "ahead", { time: "2031-11-23T11:00:00Z" }),
      eventOf(type, "undated"),
      17,
    ];
    expect(await answer(post(key, events))).toEqual({
      status: 200,
      body: {
        ...taken(4).body,
        duplicates: 1,
        late: 2,
        refused: [
          { index: 1, id: "bad", code: "invalid_specversion", detail: containing(/./) },
          {
            index: 3,
            id: "forbidden",
            code: "forbidden_type",
            detail: containing("scope"),
            scope: "write:ingest/not-mine",
          },
          { index: 7, id: null, code: "invalid_json", detail: containing(/./) },
        ],
      },
    });
    expect(await delivered(address)).toHaveLength(4);
  });

  it("[KE7] an event of a source that the key was not given is refused with the scope it lacks, beside one that is taken", async () => {
    const { type } = await stream("sources");
    const key = await newKey(`write:${type}`, "source:/shop/*");
    const events = [eventOf(type, 1, { source: "/shop/7" }), eventOf(type, 2, { source: "/web" })];
    expect(await answer(post(key, events))).toMatchObject({
      status: 200,
      body: { accepted: 1, refused: [{ index: 1, code: "forbidden_source", scope: "source:/web" }] },
    });
  });

  it.each([
    ["type", { type: "ingest/other" }, "write:ingest/other", "forbidden_type"],
    ["source", { source: "/web" }, "source:/web", "forbidden_source"],
  ])(
    "[KE7] a request of nothing but a %s out of scope is 403 with the scope",
    async (name, more, scope, code) => {
      const { type } = await stream(`all-out-of-scope-${name}`);
      const key = await newKey(`write:${type}`, "source:/shop/*");
      const event = eventOf(type, 1, { source: "/shop/7" });
      expect(await answer(post(key, [{ ...event, ...more }]))).toMatchObject({
        status: 403,
        body: {
          type: "urn:hourseal:problem:missing_scope",
          scope,
          accepted: 0,
          refused: [{ index: 0, code, scope }],
        },
      });
      expect(await answer(post(key, [event, 17]))).toMatchObject({ status: 200, body: { accepted: 1 } });
      expect((await post(key, [17])).status).toBe(422);
      expect((await post(key, [17, { ...event, ...more }])).status).toBe(422);
    },
  );

  it("[KE4] while R2 is away a revoked key lives at an edge for its bound, and then every key is told to come again", async () => {
    const { address, type, key } = await stream("revoked-in-an-outage");
    const start = during(address);
    await post(key, [eventOf(type, 0)]);
    const away = vi.spyOn(env.EVENTS, "get").mockRejectedValue(new Error("R2 is away"));
    const { id } = parseKey(key) ?? { id: "" };
    await revokeKey(env.CATALOG, id, start);
    const at = async (ms: number) => {
      setClock(start + ms);
      return (await post(key, [eventOf(type, ms)])).status;
    };
    expect(await at(keyOutageMsMax - 3_600_000)).toBe(200);
    expect(await at(keyOutageMsMax + 60_000)).toBe(503);
    away.mockRestore();
    await repairSnapshot(env, start);
    expect(await at(keyOutageMsMax + 120_000)).toBe(401);
  });

  it("[KE1] an unknown type is refused by name, and taken as soon as it is registered", async () => {
    const { key: _key, address } = await stream("known");
    const key = await newKey("write:*");
    const events = [eventOf("ingest/unknown", 1)];
    expect(await answer(post(key, events))).toMatchObject({
      status: 422,
      body: { refused: [{ index: 0, code: "unknown_type" }] },
    });
    setClock(during(address) + 1_000);
    await register("ingest/unknown");
    expect(await answer(post(key, events))).toEqual(taken(1));
  });

  it("[EV6] an event of exactly `eventBytesMax` is taken and a byte more is refused, beside it", async () => {
    const { address, type, key } = await stream("largest");
    const sized = (id: string, bytes: number) => {
      const empty = JSON.stringify(eventOf(type, id, { data: "" })).length;
      return eventOf(type, id, { data: "x".repeat(bytes - empty) });
    };
    const events = [sized("at", eventBytesMax), sized("past", eventBytesMax + 1), eventOf(type, "small")];
    expect(await answer(post(key, events))).toMatchObject({
      status: 200,
      body: { accepted: 2, refused: [{ index: 1, code: "event_too_large" }] },
    });
    const [large] = await delivered(address);
    expect(large).toHaveLength(eventBytesMax);
  });

  it("[EV6] ten thousand events are taken at once, and one more are not", async () => {
    const { address, type, key } = await stream("many", { shards: 4, partitionBy: "id" });
    const events = upTo(eventsPerRequestMax).map((id) => eventOf(type, id));
    expect(await answer(post(key, events))).toEqual(taken(eventsPerRequestMax));
    expect(await answer(post(key, [...events, eventOf(type, "more")]))).toMatchObject({
      status: 413,
      body: { limit: eventsPerRequestMax },
    });
    expect(new Set(await delivered(address)).size).toBe(eventsPerRequestMax);
  });
});

describe("an event's hour", () => {
  const early = plusHours(hour(hourText), -1);

  it("[ID5] is the one before the arrival within its grace; then it is late, and goes to the arrival hour's", async () => {
    const previous = { ...bucket("ingest/previous", hourText), hour: early };
    setClock(during(previous));
    await register(previous.type);
    const key = await newKey(`write:${previous.type}`);
    const event = (id: string) => eventOf(previous.type, id, { time: "2031-11-23T09:59:59.999Z" });
    setClock(due(previous) - 1);
    expect(await answer(post(key, [event("in grace")]))).toEqual(taken(1));
    setClock(due(previous));
    expect(await answer(post(key, [event("late")]))).toEqual(taken(1, { late: 1 }));
    expect(await delivered(previous)).toEqual([JSON.stringify(event("in grace"))]);
    const arrival = { ...previous, hour: plusHours(early, 1) };
    setClock(due(arrival));
    expect(await delivered(arrival)).toEqual([JSON.stringify(event("late"))]);
  });

  it("[ID5] that turns out to be closed sends an undated event to the next one, once", async () => {
    const { address, type, key } = await stream("closed-hour");
    setClock(endOf(address.hour) - 60_000);
    await answer(post(key, [eventOf(type, 1)]));
    await settled();
    await seal(address);
    expect(await answer(post(key, [eventOf(type, 2)]))).toEqual(taken(1));
    expect(await answer(post(key, [eventOf(type, 2)]))).toEqual(taken(0, { duplicates: 1 }));
    const dated = eventOf(type, 3, { time: "2031-11-23T10:59:00Z" });
    expect(await answer(post(key, [dated]))).toEqual(taken(1, { late: 1 }));
    const next = { ...address, hour: plusHours(address.hour, 1) };
    expect(await delivered(next)).toEqual([eventOf(type, 2), dated].map((event) => JSON.stringify(event)));
    expect(await manifestAt(address)).toMatchObject({ rows: 1 });
  });

  it("[SH8] keeps the plan that it opened with when the stream's changes", async () => {
    const { address, type, key } = await stream("plan-change", { partitionBy: "id" });
    expect(
      await answer(
        post(
          key,
          upTo(5).map((id) => eventOf(type, id)),
        ),
      ),
    ).toEqual(taken(5));
    await register(type, { shards: 4, partitionBy: "id" });
    setClock(during(address) + 60_000);
    expect(
      await answer(
        post(
          key,
          upTo(10).map((id) => eventOf(type, id)),
        ),
      ),
    ).toEqual(taken(5, { duplicates: 5 }));
    expect(await delivered(address)).toHaveLength(10);
    expect(await manifestAt(address)).toMatchObject({ plan: { shards: 1 }, shards: [{ index: 0 }] });
  });
});

describe("requests at the same time", () => {
  it("[SH4] with the same events accept each once", async () => {
    const { address, type, key } = await stream("at-once", { shards: 3, partitionBy: "id" });
    const events = upTo(20).map((id) => eventOf(type, id));
    const answers = await Promise.all(upTo(12).map(() => answer(post(key, events))));
    const counts = answers.map(({ body }) => body as { accepted: number; duplicates: number });
    expect(counts.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(20);
    expect(counts.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(220);
    expect(new Set(await delivered(address)).size).toBe(20);
    expect(await manifestAt(address)).toMatchObject({ rows: 20 });
  });
});

describe("refused as a whole", () => {
  const json = { "content-type": "application/json" };

  it.each([
    ["401 without a key", { key: null }, 401, "no_key"],
    ["401 with a wrong key", { key: "hs_000000000000_wrong" }, 401, "bad_key"],
    [
      "415 in another type",
      { headers: { "content-type": "application/xml" } },
      415,
      "unsupported_media_type",
    ],
    [
      "415 in another coding",
      { headers: { ...json, "content-encoding": "br" } },
      415,
      "unsupported_encoding",
    ],
    ["400 cut off", { body: '[{"id":"1",' }, 400, "unreadable_body"],
    ["400 in no UTF-8", { body: Uint8Array.of(0x22, 0xff, 0x22) }, 400, "unreadable_body"],
    ["400 in no gzip", { headers: { ...json, "content-encoding": "gzip" } }, 400, "unreadable_body"],
    ["413 past the body's limit", { body: " ".repeat(bodyBytesMax + 1) }, 413, "body_too_large"],
  ])("[HT2] [HT3] %s", async (name, given, status, code) => {
    const { type, key } = await stream(name);
    const response = await call("POST /v1/events", {
      key,
      body: JSON.stringify([eventOf(type, 1)]),
      headers: json,
      ...given,
    });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.has("www-authenticate")).toBe(status === 401);
    expect(await answer(response)).toMatchObject({
      status,
      body: { type: `urn:hourseal:problem:${code}`, status, title: containing(/./), detail: containing(/./) },
    });
  });

  it("[EV5] 413 what inflates past its limit, while it inflates", async () => {
    const { key } = await stream("bomb");
    const bomb = await gzipOf(" ".repeat(2 * inflatedBytesMax));
    expect(bomb.length).toBeLessThan(100_000);
    const headers = { ...json, "content-encoding": "gzip" };
    expect(await answer(call("POST /v1/events", { key, body: bomb, headers }))).toMatchObject({
      status: 413,
      body: { inflated: true, limitBytes: inflatedBytesMax },
    });
  });

  it("[KE2] 403 with a key that may write nothing, naming the scope", async () => {
    const { type } = await stream("reader");
    const key = await newKey("read:audit");
    expect(await answer(post(key, [eventOf(type, 1)]))).toMatchObject({
      status: 403,
      body: { scope: "write:<type>" },
    });
    expect(await answer(post(env.HOURSEAL_ADMIN_KEY, [eventOf(type, 1)]))).toMatchObject({ status: 403 });
  });

  it("405 with another method, and a preflight is answered", async () => {
    const { key, type } = await stream("methods");
    const got = await call("GET /v1/events", { key });
    expect(got.headers.get("allow")).toBe("POST, OPTIONS");
    expect(got.headers.get("access-control-allow-origin")).toBe("*");
    const open = await post(key, [eventOf(type, 1)]);
    expect([open.status, open.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
    expect(await answer(got)).toMatchObject({ status: 405 });
    const preflight = await call("OPTIONS /v1/events", {
      key: null,
      headers: {
        origin: "https://example.test",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
  });

  it("[HT1] 422 if every event was refused, and none of them left a trace", async () => {
    const { address, type, key } = await stream("all-refused");
    expect(await answer(post(key, [eventOf(type, ""), eventOf(type, 1, { source: "" })]))).toMatchObject({
      status: 422,
      body: { accepted: 0, refused: [{ index: 0 }, { index: 1 }] },
    });
    expect(await delivered(address)).toEqual([]);
  });
});

describe("what is not known to be durable", () => {
  const away = () => Promise.reject(new Error("it is away"));

  it("[HT1] [HT2] is 503 with which events, and repeating the whole request completes it", async () => {
    const { address, type, key } = await stream("shard-away", { shards: 2, partitionBy: "id" });
    const events = upTo(10).map((id) => eventOf(type, id));
    intercept(env.EVENT_SHARD, "append", (act, name) => (/\/[1-5]\//.test(name) ? away() : act()));
    const response = await post(key, events);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    const { status, body } = await answer(response);
    const { accepted, failed } = body as { accepted: number; failed: number[] };
    expect(status).toBe(503);
    expect(failed.length).toBeGreaterThan(0);
    expect(accepted + failed.length).toBe(10);
    vi.restoreAllMocks();
    expect(await answer(post(key, events))).toEqual(taken(failed.length, { duplicates: accepted }));
    expect(await delivered(address)).toHaveLength(10);
    await balanced(address);
  });

  it("[HT1] [SH11] is 429 if every event met overload", async () => {
    const { type, key } = await stream("overloaded");
    intercept(env.EVENT_SHARD, "append", () => Promise.resolve({ refused: "overloaded" }));
    const response = await post(key, [eventOf(type, 1)]);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await answer(response)).toMatchObject({
      status: 429,
      body: { type: "urn:hourseal:problem:overloaded" },
    });
  });

  it("[HT1] an object that throws anything is no 500", async () => {
    const { type, key } = await stream("throws");
    vi.spyOn(env.EVENT_SHARD, "getByName").mockImplementation(() => {
      throw new TypeError("undefined is not a function");
    });
    expect(await answer(post(key, [eventOf(type, 1)]))).toMatchObject({ status: 503, body: { failed: [0] } });
  });

  it("[LE1] without a ledger no append is sent", async () => {
    const { address, type, key } = await stream("ledger-away");
    setClock(startOf(plusHours(address.hour, 3)));
    const later = { ...address, hour: plusHours(address.hour, 3) };
    intercept(env.EDGE_LEDGER, "open", away);
    expect(await answer(post(key, [eventOf(type, 1)]))).toMatchObject({ status: 503, body: { failed: [0] } });
    expect(await sql(shardOf(later), "SELECT name FROM sqlite_master WHERE name = 'batch'")).toEqual([]);
    vi.restoreAllMocks();
    expect(await answer(post(key, [eventOf(type, 1)]))).toEqual(taken(1));
  });

  it("[LE2] [LE4] rows of an edge that cannot report are answered to nobody, and balance all the same", async () => {
    const { address, type, key } = await stream("no-report");
    const event = eventOf(type, 1, { time: isoOf(during(address)) });
    intercept(env.EDGE_LEDGER, "report", away);
    expect(await answer(post(key, [event]))).toMatchObject({ status: 503, body: { failed: [0] } });
    expect(await sql(shardOf(address), "SELECT count(*) AS batches FROM batch")).toEqual([{ batches: 1 }]);
    vi.restoreAllMocks();
    expect(await answer(post(key, [event]))).toEqual(taken(0, { duplicates: 1 }));
    expect(await delivered(address)).toHaveLength(1);
    await balanced(address);
  });

  it("[LE3] a report whose reply was lost is sent again, and counts once", async () => {
    const { address, type, key } = await stream("report-reply-lost");
    let lost = 0;
    intercept(env.EDGE_LEDGER, "report", async (act) => {
      const reply = await act();
      if (lost++ % 2 === 0) await away();
      return reply;
    });
    expect(await answer(post(key, [eventOf(type, 1)]))).toEqual(taken(1));
    await settled();
    expect(lost).toBeGreaterThan(1);
    expect(await delivered(address)).toHaveLength(1);
    await balanced(address);
  });

  it("[LE5] an append whose reply was lost is repeated elsewhere, delivered once, and found by the audit", async () => {
    const { address, type, key } = await stream("append-reply-lost");
    let calls = 0;
    intercept(env.EVENT_SHARD, "append", async (act) => {
      const reply = await act();
      if (calls++ === 0) await away();
      return reply;
    });
    const event = eventOf(type, 1, { time: isoOf(during(address)) });
    expect(await answer(post(key, [event]))).toEqual(taken(1));
    expect(calls).toBe(2);
    expect(await delivered(address)).toEqual([JSON.stringify(event)]);
    expect(await manifestAt(address)).toMatchObject({
      shards: [
        { index: 0, delivered: { rows: 1 } },
        { index: expect.any(Number) as number, accepted: { rows: 1 }, denied: { rows: 1 } },
      ],
    });
    await balanced(address);
  });

  /** Seals and audits this bucket alone: the flusher would take up those of every test above. */
  async function balanced(address: BucketAddress): Promise<void> {
    vi.restoreAllMocks();
    await settled();
    const reply = await seal(address);
    if (reply.state !== "sealed") throw new Error(`not sealed: ${reply.state}`);
    const audited = await auditBucket(
      env,
      r2Objects(env.EVENTS),
      address,
      reply.summary,
      due(address),
      () => false,
    );
    expect(audited?.findings).toEqual([]);
  }
});
