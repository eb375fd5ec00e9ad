import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { epochMs, plusHours } from "../../../domain/hour.ts";
import { ShardIndex } from "../../../domain/ids.ts";
import { overdueMs, reportHoursMax } from "../../../domain/limits.ts";
import { type Part, manifestKey, manifestOf, manifestText, partKey } from "../../../domain/manifest.ts";
import type { SealTrouble } from "../../../domain/messages.ts";
import { AuditReport } from "../../../domain/report.ts";
import { recordVerdict } from "../../../platform/catalog/audits.ts";
import { enumerateDue } from "../../../platform/catalog/due.ts";
import { recordSealFailure, recordSealed } from "../../../platform/catalog/sealed.ts";
import { putStream } from "../../../platform/catalog/stream-changes.ts";
import { sha256Hex } from "../../../platform/objects.ts";
import { containing } from "../helpers-objects.ts";
import { at, bucket, finding, hour, sealed, settings, type } from "../helpers.ts";
import { ask, noon } from "./ask.ts";

const address = bucket("a/b ∆", "2026-11-23T10");
const path = `/v1/buckets/${encodeURIComponent(address.type)}/${address.hour}`;
const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251);
const name = "part-0-1.ndjson.gz";
let manifest = "";

function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** The sha256 as RFC 9530 writes it. */
async function digestOf(of: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", of));
  return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
}

async function part(no: number): Promise<Part> {
  return {
    key: partKey(address, ShardIndex.parse(0), no, "ndjson.gz"),
    format: "ndjson.gz",
    origin: ShardIndex.parse(0),
    tally: sealed("2026-11-23T11:10:05Z").tally,
    plainBytes: 3_000,
    homeHours: { "2026-11-23T10": 3 },
    minTime: null,
    maxTime: null,
    bytes: bytes.length,
    sha256: await sha256Hex(bytes),
  };
}

beforeAll(async () => {
  await putStream(env.CATALOG, address.type, settings(), at("2026-11-23T09:00:00Z"));
  const parts = [await part(1), await part(2), await part(3)];
  manifest = manifestText(
    manifestOf({ address, sealedAt: "2026-11-23T11:10:05.000Z", plan: null, parts, shards: [], strays: [] }),
  );
  const manifestBytes = bytesOfText(manifest);
  await env.EVENTS.put(manifestKey(address), manifestBytes, { sha256: await sha256Hex(manifestBytes) });
  for (const { key, sha256 } of parts) await env.EVENTS.put(key, bytes, { sha256 });
});

describe("a manifest", () => {
  it("[RD3] is answered byte for byte as it lies in R2, and may be kept", async () => {
    const response = await ask(`GET ${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("repr-digest")).toBe(await digestOf(bytesOfText(manifest)));
    const head = await ask(`HEAD ${path}`);
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(head.headers.get("content-length")).toBe(String(bytesOfText(manifest).length));
    expect(await response.text()).toBe(manifest);
    expect(response.headers.get("cache-control")).toContain("immutable");
    const etag = response.headers.get("etag") ?? "";
    const again = await ask(`GET ${path}`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
  });

  it("[RD1] that is not there yet is 409 with when it is due, by the clock that decides", async () => {
    const response = await ask(`GET ${path.replace("T10", "T12")}`);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      type: "urn:hourseal:problem:not_sealed",
      dueAt: "2026-11-23T13:10:00.000Z",
      now: "2026-11-23T12:00:00.000Z",
      overdue: false,
    });
  });

  it.each([
    [-1, false],
    [0, true],
  ])("[RD1] that is not there %i ms from being overdue is 409, and overdue: %s", async (fromMs, overdue) => {
    const now = epochMs(at("2026-11-23T13:10:00Z") + overdueMs + fromMs);
    const response = await ask(`GET ${path.replace("T10", "T12")}`, { now });
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      dueAt: "2026-11-23T13:10:00.000Z",
      overdue,
      ...(overdue ? { detail: containing("is overdue: the flusher has not looked at it") } : {}),
    });
  });

  it("[RD1] of an hour before the stream, or of no stream, is 404", async () => {
    const before = await ask(`GET ${path.replace("T10", "T08")}`);
    expect(before.status).toBe(404);
    expect(await before.json()).toMatchObject({ firstHour: "2026-11-23T09" });
    const unknown = await ask("GET /v1/buckets/a%2Fb%20x/2026-11-23T10");
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ near: [address.type] });
  });

  it("[RD1] of something that is no hour is 400 with an example", async () => {
    const response = await ask(`GET ${path.replace("T10", "T10:00:00Z")}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "urn:hourseal:problem:malformed_hour",
      detail: containing("here probably 2026-11-23T10"),
    });
  });

  it("that the catalog knows and R2 has lost is said to be lost", async () => {
    const gone = bucket(address.type, "2026-11-23T09");
    await recordSealed(env.CATALOG, [
      { address: gone, dueAtMs: noon, summary: sealed("2026-11-23T10:10:05Z") },
    ]);
    const response = await ask(`GET ${path.replace("T10", "T09")}`);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ type: "urn:hourseal:problem:conflict" });
  });
});

describe("a part", () => {
  const get = (headers: Record<string, string> = {}, file = name) =>
    ask(`GET ${path}/parts/${file}`, { headers });

  it("[RD3] is answered whole, with its sha256 as the tag", async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    expect(response.headers.get("etag")).toBe(`"${await sha256Hex(bytes)}"`);
    expect(response.headers.get("content-type")).toBe("application/gzip");
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(response.headers.get("repr-digest")).toBe(await digestOf(bytes));
    const head = await ask(`HEAD ${path}/parts/${name}`);
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(head.headers.get("content-length")).toBe("1000");
    expect(head.headers.get("accept-ranges")).toBe("bytes");
    expect(response.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
  });

  it.each([
    ["bytes=0-0", 0, 1],
    ["bytes=990-", 990, 1_000],
    ["bytes=-10", 990, 1_000],
    ["bytes=500-5000", 500, 1_000],
  ])("a range %s is answered as it", async (range, from, to) => {
    const response = await get({ range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/1000`);
    // Of the whole: it tells whoever puts ranges together that they belong together.
    expect(response.headers.get("repr-digest")).toBe(await digestOf(bytes));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes.slice(from, to));
  });

  it("[RD3] a range outside it is 416 with its size", async () => {
    const response = await get({ range: "bytes=1000-" });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */1000");
  });

  it("[RD3] a range of another state than this is answered whole", async () => {
    expect((await get({ range: "bytes=0-1", "if-range": '"other"' })).status).toBe(200);
    const same = await get({ range: "bytes=0-1", "if-range": `"${await sha256Hex(bytes)}"` });
    expect(same.status).toBe(206);
  });

  it("[RD3] that is known is not sent again", async () => {
    const etag = `"${await sha256Hex(bytes)}"`;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      expect((await get({ "if-none-match": known })).status).toBe(304);
    }
    expect((await get({ "if-none-match": '"other"' })).status).toBe(200);
  });

  it.each(["part-9-9.ndjson.gz", "_manifest.json", "..%2F..%2Fconfig%2Fsnapshot.json"])(
    "[RD2] %s is not one of the manifest's",
    async (other) => {
      expect((await get({}, other)).status).toBe(404);
    },
  );

  it("[RD2] that lies there beside the manifest is not served", async () => {
    await env.EVENTS.put(partKey(address, ShardIndex.parse(0), 9, "ndjson.gz"), bytes);
    expect((await get({}, "part-0-9.ndjson.gz")).status).toBe(404);
  });

  it("[RD2] that is lost or altered is not served either", async () => {
    await env.EVENTS.delete(partKey(address, ShardIndex.parse(0), 2, "ndjson.gz"));
    expect((await get({}, "part-0-2.ndjson.gz")).status).toBe(409);
    const altered = bytes.slice();
    altered[500] = 0;
    await env.EVENTS.put(partKey(address, ShardIndex.parse(0), 3, "ndjson.gz"), altered, {
      sha256: await sha256Hex(altered),
    });
    expect((await get({}, "part-0-3.ndjson.gz")).status).toBe(409);
  });
});

describe("the listing and the report", () => {
  const now = at("2026-12-01T03:12:00Z");
  const kept = (hourText: string) => bucket("report", hourText);
  const reportOf = async (query: string): Promise<AuditReport> =>
    AuditReport.parse(await (await ask(`GET /v1/audit/report?${query}`, { now })).json());

  beforeAll(async () => {
    const db = env.CATALOG;
    await putStream(
      db,
      type("report"),
      settings({ owner: "us", contact: "#us" }),
      at("2026-12-01T00:00:00Z"),
    );
    await enumerateDue(db, at("2026-12-01T02:10:00Z"), 100);
    const dueAtMs = at("2026-12-01T01:10:00Z");
    for (const hourText of ["2026-12-01T00"]) {
      await recordSealed(db, [{ address: kept(hourText), dueAtMs, summary: sealed("2026-12-01T01:10:05Z") }]);
    }
    const findings = [finding("missing", "one row is gone")];
    const verified = at("2026-12-01T01:11:00Z");
    await recordVerdict(db, { address: kept("2026-12-01T00"), findings, attempts: 0, at: verified });
    const failure = { address: kept("2026-12-01T01"), attempts: 0, step: "collect_receipts" as const };
    await recordSealFailure(db, { ...failure, error: "shard 0 is away" }, at("2026-12-01T02:11:00Z"));
  });

  it("[AU9] [OP7] the report names what is not balanced, where, since when and why, oldest first", async () => {
    const response = await ask("GET /v1/audit/report?type=report", { now });
    expect(response.status).toBe(200);
    const report: unknown = await response.json();
    expect(AuditReport.strict().parse(report)).toEqual(report);
    expect(report).toEqual({
      format: 1,
      generatedAt: "2026-12-01T03:12:00.000Z",
      ok: false,
      from: "2026-10-31T04",
      to: "2026-12-01T04",
      streams: 1,
      totals: {
        open: 1,
        due: 1,
        overdue: 1,
        unverified: 0,
        balanced: 0,
        missing: 1,
        surplus: 0,
        expired: 0,
        corrupt: 0,
        unaudited: 0,
      },
      rows: 3,
      bytes: 100,
      lateness: {
        buckets: 2,
        overTarget: 1,
        medianMs: 605_000,
        p95Ms: 4_320_000,
        worstMs: 4_320_000,
        worstType: "report",
        worstHour: "2026-12-01T01",
      },
      late: [],
      strained: [],
      freezes: [],
      forgotten: { configuration: false, verdicts: 0 },
      notBalanced: [
        {
          type: "report",
          hour: "2026-12-01T00",
          owner: "us",
          contact: "#us",
          priority: "normal",
          verdict: "missing",
          since: "2026-12-01T01:11:00.000Z",
          why: "one row is gone",
          hop: "reread",
          dueAt: "2026-12-01T01:10:00.000Z",
          targetAt: "2026-12-01T01:15:00.000Z",
          sealedAt: "2026-12-01T01:10:05.000Z",
          latenessMs: 605_000,
          overTargetMs: 0,
          verifiedAt: "2026-12-01T01:11:00.000Z",
          rows: 3,
          bytes: 100,
          identitySum: "00000000000000ff",
          manifestSha256: "a".repeat(64),
          failedAttempts: 0,
          lastStep: null,
          lastError: null,
          findings: [finding("missing", "one row is gone")],
          findingCount: 1,
        },
        {
          type: "report",
          hour: "2026-12-01T01",
          owner: "us",
          contact: "#us",
          priority: "normal",
          verdict: "overdue",
          since: "2026-12-01T02:10:00.000Z",
          why: "1 attempts failed, the last one at collect_receipts: shard 0 is away",
          hop: null,
          dueAt: "2026-12-01T02:10:00.000Z",
          targetAt: "2026-12-01T02:15:00.000Z",
          sealedAt: null,
          latenessMs: 4_320_000,
          overTargetMs: 3_420_000,
          verifiedAt: null,
          rows: null,
          bytes: null,
          identitySum: null,
          manifestSha256: null,
          failedAttempts: 1,
          lastStep: "collect_receipts",
          lastError: "shard 0 is away",
          findings: [],
          findingCount: 0,
        },
      ],
      next: null,
      notTakenUp: [{ type: "report", owner: "us", from: "2026-12-01T02", buckets: 1, overdue: 0 }],
      before: { buckets: 0, oldest: null },
    });
  });

  it.each([
    ["verdict=missing", false, ["00"], 0],
    ["verdict=overdue", false, ["01"], 1],
    ["verdict=missing,overdue", false, ["00", "01"], 1],
    ["verdict=corrupt", true, [], 0],
    ["owner=us", false, ["00", "01"], 1],
    ["owner=them", true, [], 0],
    ["from=2026-12-01T01", false, ["01"], 1],
    ["to=2026-12-01T01", false, ["00"], 0],
    ["from=2026-12-01T05&to=2026-12-01T06", true, [], 0],
  ])("[OP7] %s narrows it, and what `ok` is about", async (query, fine, hours, notTakenUp) => {
    const report = await reportOf(`type=report&${query}`);
    expect([
      report.ok,
      report.notBalanced.map(({ hour: of }) => of.slice(11)),
      report.notTakenUp.length,
    ]).toEqual([fine, hours, notTakenUp]);
  });

  it("[OP7] what is not balanced before the range is counted, unless the range was asked for", async () => {
    const query = "type=report&to=2027-01-31T00";
    expect(await reportOf(query)).toMatchObject({
      ok: false,
      notBalanced: [],
      before: { buckets: 3, oldest: "2026-12-01T00" },
    });
    expect(await reportOf(`${query}&from=2027-01-30T00`)).toMatchObject({ ok: true, before: null });
  });

  it("[OP7] what was sealed past its target stays in the report, with why, though all is well by now", async () => {
    const db = env.CATALOG;
    await putStream(db, type("report.late"), settings({ owner: "us" }), at("2026-12-01T00:00:00Z"));
    const lateBy = (hourText: string, sealedAt: string, trouble: SealTrouble | null) => ({
      address: bucket("report.late", hourText),
      dueAtMs: at(`${hourText.slice(0, 11)}01:10:00Z`),
      summary: sealed(sealedAt, "b"),
      trouble,
    });
    const disk = { attempts: 3, step: "collect_receipts", error: "the disk is full" };
    await recordSealed(db, [
      lateBy("2026-12-01T00", "2026-12-01T01:15:00Z", null),
      lateBy("2026-12-01T01", "2026-12-01T02:15:01Z", null),
      lateBy("2026-12-01T02", "2026-12-01T05:00:00Z", disk),
    ]);
    for (const hourText of ["2026-12-01T00", "2026-12-01T01", "2026-12-01T02"]) {
      const late = bucket("report.late", hourText);
      await recordVerdict(db, { address: late, findings: [], attempts: 0, at: at("2026-12-01T05:01:00Z") });
    }
    const report = await reportOf("type=report.late&from=2026-12-01T00&to=2026-12-01T03");
    expect(report).toMatchObject({ notBalanced: [], lateness: { buckets: 3, overTarget: 2 } });
    expect(report.late).toEqual([
      {
        type: "report.late",
        hour: "2026-12-01T02",
        owner: "us",
        sealedAt: "2026-12-01T05:00:00.000Z",
        latenessMs: 7_200_000,
        overTargetMs: 6_300_000,
        failedAttempts: 3,
        lastStep: "collect_receipts",
        lastError: "the disk is full",
        why: "3 attempts failed, the last one at collect_receipts: the disk is full",
      },
      expect.objectContaining({ hour: "2026-12-01T01", overTargetMs: 1_000, lastStep: null }),
    ]);
  });

  it("[OP7] a range past the limit is 400 with the limit; at the limit it is answered", async () => {
    const from = plusHours(hour("2026-12-02T00"), -reportHoursMax);
    expect((await ask(`GET /v1/audit/report?from=${from}&to=2026-12-02T00`, { now })).status).toBe(200);
    const over = await ask(`GET /v1/audit/report?from=${from}&to=2026-12-02T01`, { now });
    expect(over.status).toBe(400);
    expect(await over.json()).toMatchObject({
      type: "urn:hourseal:problem:too_much",
      what: "hours",
      limit: reportHoursMax,
    });
  });

  it("open, due and overdue follow the clock, also while no cron runs", async () => {
    const totals = async (later: number) => {
      const response = await ask("GET /v1/audit/report?type=report", { now: epochMs(now + later) });
      const report: { totals: Record<string, number> } = await response.json();
      return report.totals;
    };
    expect(await totals(3 * 60_000)).toMatchObject({ open: 1, due: 0, overdue: 2 });
    expect(await totals(3_600_000)).toMatchObject({ open: 1, due: 1, overdue: 2 });
  });

  it("pages of the report meet", async () => {
    const first: Record<string, unknown> = await (
      await ask("GET /v1/audit/report?type=report&limit=1", { now })
    ).json();
    expect(first["next"]).toBe("2026-12-01T00/report");
    const after = encodeURIComponent(String(first["next"]));
    const second = await ask(`GET /v1/audit/report?type=report&limit=1&after=${after}`, { now });
    expect(await second.json()).toMatchObject({ next: null, notBalanced: [{ hour: "2026-12-01T01" }] });
  });

  it("the listing shows every bucket of the range, with its state by the clock", async () => {
    const response = await ask("GET /v1/buckets?from=2026-12-01T00&to=2026-12-01T02&type=report", { now });
    expect(await response.json()).toMatchObject({
      buckets: [
        { hour: "2026-12-01T00", state: "sealed", verdict: "missing", rows: 3 },
        { hour: "2026-12-01T01", state: "overdue", lastStep: "collect_receipts", failedAttempts: 1 },
      ],
      next: null,
    });
  });
});
