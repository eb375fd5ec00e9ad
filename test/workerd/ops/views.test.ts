import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { gridCellsMax, viewHoursMax } from "../../../domain/limits.ts";
import { stateAt } from "../../../domain/view/state.ts";
import type { GridReply } from "../../../domain/view/grid.ts";
import type { TrendReply } from "../../../domain/view/trend.ts";
import { recordVerdict } from "../../../platform/catalog/audits.ts";
import { enumerateDue } from "../../../platform/catalog/due.ts";
import { recordSealed } from "../../../platform/catalog/sealed.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { containing } from "../helpers-objects.ts";
import { at, bucket, finding, sealed, settings, type } from "../helpers.ts";
import { ask, newKey, noon } from "./ask.ts";

const lost = bucket("views.a", "2026-11-23T09");
const good = bucket("views.a", "2026-11-23T10");

beforeAll(async () => {
  for (const name of ["views.a", "views.b", "views.c ∆/"]) {
    await putStream(env.CATALOG, type(name), settings({ owner: "me" }), at("2026-11-23T09:00:00Z"));
  }
  await enumerateDue(env.CATALOG, noon, 100);
  await recordSealed(env.CATALOG, [
    { address: lost, dueAtMs: at("2026-11-23T10:10:00Z"), summary: sealed("2026-11-23T10:10:05Z") },
    { address: good, dueAtMs: at("2026-11-23T11:10:00Z"), summary: sealed("2026-11-23T11:12:05Z") },
  ]);
  const audited = { attempts: 0, at: at("2026-11-23T11:30:00Z") };
  await recordVerdict(env.CATALOG, { address: lost, findings: [finding("missing")], ...audited });
  await recordVerdict(env.CATALOG, { address: good, findings: [], ...audited });
});

async function grid(query: string): Promise<GridReply> {
  return (await ask(`GET /v1/audit/grid?${query}`)).json();
}

describe("[OP2] the grid", () => {
  it("has a line for each stream, up to the current hour", async () => {
    const { from, streams, next } = await grid("hours=4");
    expect([from, next]).toEqual(["2026-11-23T09", null]);
    expect(streams.map((line) => [line.type, line.owner])).toEqual([
      ["views.a", "me"],
      ["views.b", "me"],
      ["views.c ∆/", "me"],
    ]);
    const [a, b] = streams.map(({ states }) => Array.from(states, (_, index) => stateAt(states, index)));
    expect(a).toEqual(["missing", "balanced", "open", "open"]);
    expect(b).toEqual(["overdue", "overdue", "open", "open"]);
  });

  it("goes on page by page, and each stream is on one of them", async () => {
    const seen: string[] = [];
    let after = "";
    for (let page = 0; page < 5; page++) {
      const { streams, next } = await grid(`hours=4&limit=1${after}`);
      seen.push(...streams.map((line) => line.type));
      if (next === null) break;
      after = `&after=${encodeURIComponent(next)}`;
    }
    expect(seen).toEqual(["views.a", "views.b", "views.c ∆/"]);
  });

  it.each([
    [`hours=${viewHoursMax}`, 200],
    [`hours=${viewHoursMax + 1}`, 400],
    ["hours=0", 422],
    [`hours=100&limit=${gridCellsMax / 100}`, 200],
    [`hours=100&limit=${gridCellsMax / 100 + 1}`, 400],
    ["to=yesterday", 400],
    ["of=me", 422],
  ])("bounds what is asked for: %s is %i", async (query, status) => {
    const response = await ask(`GET /v1/audit/grid?${query}`);
    expect(response.status).toBe(status);
    await response.text();
  });

  it("says which limit a page would pass", async () => {
    const response = await ask("GET /v1/audit/grid?hours=100&limit=601");
    expect(await response.json()).toMatchObject({ detail: containing("at most 600 streams"), limit: 600 });
  });
});

describe("[OP6] an answer", () => {
  it.each([
    "/v1/audit/grid",
    "/v1/audit/trend",
    "/v1/audit/streams/views.a",
    "/v1/audit/buckets/views.a/2026-11-23T09",
  ])("of %s is not sent again while nothing changed, and says what time it is", async (path) => {
    const first = await ask(`GET ${path}`, { now: at("2026-11-23T12:00:00Z") });
    expect([first.status, first.headers.get("hourseal-now")]).toEqual([200, "2026-11-23T12:00:00.000Z"]);
    expect(first.headers.get("cache-control")).toBe("private, no-cache");
    await first.text();
    const headers = { "if-none-match": first.headers.get("etag") ?? "" };
    const again = await ask(`GET ${path}`, { headers });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it("is sent once something changed", async () => {
    const first = await ask("GET /v1/audit/grid?hours=4");
    await first.text();
    const headers = { "if-none-match": first.headers.get("etag") ?? "" };
    const later = await ask("GET /v1/audit/grid?hours=4", { headers, now: at("2026-11-23T12:10:00Z") });
    expect(later.status).toBe(200);
    await later.text();
  });
});

it("[OP3] the trend counts loss and lateness by the hour, and an overdue bucket is late until it is sealed", async () => {
  const trend: TrendReply = await (await ask("GET /v1/audit/trend?hours=3")).json();
  expect(trend.from).toBe("2026-11-23T10");
  const nine: TrendReply = await (await ask("GET /v1/audit/trend?hours=1&to=2026-11-23T10")).json();
  expect(nine.hours).toEqual([
    {
      hour: "2026-11-23T09",
      buckets: 3,
      sealed: 1,
      faults: 1,
      rows: 3,
      bytes: 100,
      missingRows: 1,
      surplusRows: 0,
      lateness: { medianMs: 7_200_000, p95Ms: 7_200_000, worstMs: 7_200_000, worstType: "views.c ∆/" },
    },
  ]);
  const one: TrendReply = await (
    await ask("GET /v1/audit/trend?hours=1&to=2026-11-23T10&type=views.a")
  ).json();
  expect(one.hours[0]).toMatchObject({ buckets: 1, lateness: { medianMs: 605_000, worstType: "views.a" } });
});

it("[OP3] a bucket is shown with what is known, and what cannot be had is named", async () => {
  const response = await ask("GET /v1/audit/buckets/views.a/2026-11-23T09");
  expect(await response.json()).toMatchObject({
    state: "missing",
    owner: "me",
    findingCount: 1,
    manifest: null,
    unheard: [{ source: "manifest" }],
    targetAt: "2026-11-23T10:15:00.000Z",
  });
  const open = await ask("GET /v1/audit/buckets/views.a/2026-11-23T12");
  expect(await open.json()).toMatchObject({ state: "open", manifest: null, unheard: [], findings: [] });
});

it.each([
  ["/v1/audit/streams/views", 404, "unknown_stream"],
  ["/v1/audit/buckets/views.a/2026-11-23T08", 404, "before_stream"],
  ["/v1/audit/buckets/views.a/noon", 400, "malformed_hour"],
  ["/v1/audit/streams/views.a?hours=9999", 400, "too_much"],
])("%s is %i %s", async (path, status, code) => {
  const response = await ask(`GET ${path}`);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ type: `urn:hourseal:problem:${code}` });
});

it("[OP1] every page asks for a key that may read what the auditor says", async () => {
  const { key } = await newKey("read:buckets");
  for (const path of ["grid", "trend", "streams/views.a", "buckets/views.a/2026-11-23T09"]) {
    const [none, wrong] = [
      await ask(`GET /v1/audit/${path}`, { key: null }),
      await ask(`GET /v1/audit/${path}`, { key }),
    ];
    expect([none.status, wrong.status]).toEqual([401, 403]);
    expect(await wrong.json()).toMatchObject({ scope: "read:audit" });
    await none.text();
  }
});
