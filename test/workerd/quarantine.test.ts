/** Quarantine on the real runtime: what is answered, what lies in R2, what the audit counts, and that it is there once. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { type Hour, isoOf, plusHours } from "../../domain/hour.ts";
import type { BucketAddress } from "../../domain/ids.ts";
import { type EventCounts, addCounts, zeroCounts } from "../../domain/ledger.ts";
import { type Quarantined, quarantineType, quarantinedOf } from "../../domain/quarantine.ts";
import { r2Objects } from "../../platform/objects.ts";
import { auditBucket } from "../../workers/flusher/audit/audit-bucket.ts";
import { bucket, hour } from "./helpers.ts";
import { due, during, linesOf, manifestAt, plan, seal, setClock } from "./helpers-objects.ts";
import { answer, call, eventOf, ledgersOf, newKey, post, register, settled } from "./helpers-system.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const schema = { type: "object", properties: { price: { type: "integer" } } };

/** Each test has hours of its own: all quarantine of an hour is in one bucket. */
let hours = 0;

interface Given {
  readonly at: Hour;
  readonly type: string;
  readonly key: string;
}

async function stream(name: string, given: object = { schema, onInvalid: "quarantine" }): Promise<Given> {
  const at = plusHours(hour("2027-03-01T00"), hours++ * 6);
  const address = bucket(`quarantine/${name}`, at);
  setClock(during(address));
  await register(address.type, given);
  return { at, type: address.type, key: await newKey("write:*") };
}

/** What the edges counted for a stream in an hour. */
async function counted(type: string, at: Hour): Promise<EventCounts> {
  await settled();
  const accounts = await Promise.all(ledgersOf(at).map((ledger) => ledger().account(bucket(type, at).type)));
  return accounts.reduce((sum, { events }) => addCounts(sum, events), zeroCounts);
}

/** Seals and audits a bucket, and answers its rows. */
async function balanced(address: BucketAddress): Promise<string[]> {
  vi.restoreAllMocks();
  await settled();
  const reply = await seal(address, { plan });
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
  const rows: string[] = [];
  for (const { key } of (await manifestAt(address)).parts) rows.push(...(await linesOf(key)));
  return rows;
}

async function inQuarantine(at: Hour, type: string): Promise<(Quarantined | null)[]> {
  const rows = await balanced(bucket(quarantineType, at));
  return rows.map((row) => quarantinedOf(row, type)).filter((found) => found !== null);
}

const bad = (type: string, id: string, more: object = {}) =>
  eventOf(type, id, { data: { price: "9" }, ...more });

describe("[QU1] an event that its stream does not take", () => {
  it("is answered as quarantined, with the reason, beside what was taken", async () => {
    const { type, key } = await stream("answer");
    const good = eventOf(type, "good", { data: { price: 9 } });
    expect(await answer(post(key, [good, bad(type, "bad")]))).toEqual({
      status: 200,
      body: {
        accepted: 1,
        duplicates: 0,
        late: 0,
        quarantined: 1,
        refused: [],
        quarantine: [
          {
            index: 1,
            id: "bad",
            code: "schema_violation",
            detail: expect.stringContaining("version 1") as string,
            pointer: "/data/price",
          },
        ],
      },
    });
    expect(await answer(post(key, [bad(type, "alone")]))).toMatchObject({ status: 200 });
  });

  it("of a type that nobody registered is refused, or quarantined if the quarantine stream says so", async () => {
    const { at, key } = await stream("unregistered");
    const unknown = [eventOf("quarantine/nobody's", "1")];
    expect(await answer(post(key, unknown))).toMatchObject({ status: 422 });
    await register(quarantineType, { onInvalid: "quarantine" });
    expect(await answer(post(key, unknown))).toMatchObject({
      status: 200,
      body: { quarantined: 1, quarantine: [{ code: "unknown_type" }] },
    });
    const nameless = '{"specversion":"1.0","source":"s","id":"1","type":"\\ud800"}';
    expect(await answer(post(key, nameless))).toMatchObject({ status: 422 });
    await register(quarantineType, {});
    expect(await answer(post(key, unknown))).toMatchObject({ status: 422 });
    expect(await inQuarantine(at, "quarantine/nobody's")).toMatchObject([
      { code: "unknown_type", schemaVersion: 0 },
    ]);
  });

  it("is refused without the key's scope, and nobody posts into quarantine himself", async () => {
    const { type, key } = await stream("scope");
    const other = await newKey("write:another");
    expect(await answer(post(other, [bad(type, "1")]))).toMatchObject({
      status: 403,
      body: { refused: [{ code: "forbidden_type" }] },
    });
    expect(await answer(post(key, [eventOf(quarantineType, "1")]))).toMatchObject({
      status: 422,
      body: { refused: [{ code: "forbidden_type" }] },
    });
  });
});

describe("[QU2] in quarantine", () => {
  it("lies the event as it was posted, with reason, place and version; both accounts balance", async () => {
    const { at, type, key } = await stream("kept");
    const posted = `{"specversion":"1.0","source":"s","id":"q","type":"${type}","data":{"price" : 1.50, "x":"\\u00e4"}}`;
    await post(key, `[${JSON.stringify(eventOf(type, "good", { data: { price: 9 } }))},${posted}]`);
    expect(await counted(type, at)).toEqual({ ...zeroCounts, received: 2, accepted: 1, quarantined: 1 });
    expect(await counted(quarantineType, at)).toEqual({ ...zeroCounts, received: 1, accepted: 1 });
    expect(await inQuarantine(at, type)).toEqual([
      {
        receivedAt: isoOf(during(bucket(type, at))),
        type,
        id: "q",
        source: "s",
        code: "schema_violation",
        detail: expect.stringContaining("/data/price") as string,
        pointer: "/data/price",
        position: 1,
        schemaVersion: 1,
        event: posted,
      },
    ]);
    expect(await balanced(bucket(type, at))).toHaveLength(1);
  });
});

describe("[QU3] an event that is sent again", () => {
  it("is in quarantine once, whatever place it has then", async () => {
    const { at, type, key } = await stream("again");
    await post(key, [bad(type, "1")]);
    expect(await answer(post(key, [bad(type, "2"), bad(type, "1")]))).toMatchObject({
      body: { accepted: 0, duplicates: 0, quarantined: 2 },
    });
    expect(await counted(quarantineType, at)).toEqual({
      ...zeroCounts,
      received: 3,
      accepted: 2,
      duplicates: 1,
    });
    expect((await inQuarantine(at, type)).map((found) => found?.id)).toEqual(["1", "2"]);
  });

  it("is there once also in a later hour: dated by its own time, undated by its undated home", async () => {
    const { at, type, key } = await stream("later");
    const dated = bad(type, "dated", { time: isoOf(during(bucket(type, at))) });
    await post(key, [dated, bad(type, "undated")]);
    const first = await inQuarantine(at, type);
    expect(first).toHaveLength(2);
    const later = plusHours(at, 2);
    setClock(during(bucket(type, later)));
    expect(await answer(post(key, [dated, bad(type, "undated")]))).toMatchObject({
      status: 200,
      body: { quarantined: 2 },
    });
    expect(await inQuarantine(later, type)).toEqual([]);
  });

  it("after the schema was loosened is taken into its stream", async () => {
    const { at, type, key } = await stream("fixed");
    const half = eventOf(type, "half", { data: { price: 0.5 } });
    expect(await answer(post(key, [half]))).toMatchObject({ body: { quarantined: 1 } });
    const looser = { type: "object", properties: { price: { type: "number" } } };
    await register(type, { schema: looser, onInvalid: "quarantine" });
    expect(await answer(post(key, [half]))).toMatchObject({ body: { accepted: 1, quarantined: 0 } });
    expect(await balanced(bucket(type, at))).toHaveLength(1);
    expect(await inQuarantine(at, type)).toHaveLength(1);
  });
});

const Page = z.looseObject({
  events: z.array(z.looseObject({ id: z.string() })),
  next: z.string().nullable(),
});

describe("[QU4] the listing", () => {
  it("has every event of the stream once, in pages of any size, and none of another", async () => {
    const { at, type, key } = await stream("listed");
    await register(`${type}/other`, { schema, onInvalid: "quarantine" });
    const ids = Array.from({ length: 7 }, (_, no) => `n${no}`);
    await post(key, [...ids.map((id) => bad(type, id)), bad(`${type}/other`, "other")]);
    await settled();
    await balanced(bucket(quarantineType, at));
    const reader = await newKey("read:buckets");
    for (const limit of [1, 3, 7, 1_000]) {
      const found: string[] = [];
      for (let after: string | null = "0.0"; after !== null;) {
        const query = `hour=${at}&limit=${limit}&after=${after}`;
        const path = `/v1/streams/${encodeURIComponent(type)}/quarantine?${query}`;
        const page = Page.parse(await (await call(`GET ${path}`, { key: reader })).json());
        expect(page.events.length).toBeLessThanOrEqual(limit);
        found.push(...page.events.map(({ id }) => id));
        after = page.next;
      }
      expect(found).toEqual(ids);
    }
  });

  it("says what is asked wrongly, and of an hour that is not sealed when it is due", async () => {
    const { at, type, key } = await stream("asked");
    await post(key, [bad(type, "1")]);
    const path = `/v1/streams/${encodeURIComponent(type)}/quarantine`;
    expect((await call(`GET ${path}?hour=${at}`)).status).toBe(409);
    expect(await answer(call(`GET ${path}?hour=today`))).toMatchObject({
      status: 400,
      body: { type: "urn:hourseal:problem:malformed_hour" },
    });
    expect((await call(`GET ${path}?hour=${at}&after=x`)).status).toBe(422);
    expect((await call(`GET ${path}?hour=${at}&limit=0`)).status).toBe(422);
    expect((await call(`GET ${path}?hour=${at}`, { key })).status).toBe(403);
  });
});
