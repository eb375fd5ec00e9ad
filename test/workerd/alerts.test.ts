/** Alerts on the real D1, with receivers played: what is told, to whom, how often, and once. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { type EpochMs, epochMs, plusHours } from "../../domain/hour.ts";
import { alertTriesMax, alertsPerMessageMax } from "../../domain/limits.ts";
import { noteAlerts } from "../../platform/catalog/alerts.ts";
import { recordVerdict } from "../../platform/catalog/audits.ts";
import { readCounters } from "../../platform/catalog/counters.ts";
import { recordSealed } from "../../platform/catalog/sealed.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { alertDue } from "../../workers/flusher/alert/alert-due.ts";
import { at, bucket, finding, hour, sealed, settings, type } from "./helpers.ts";
import { ask } from "./ops/ask.ts";

const db = env.CATALOG;
const dueAtMs = at("2026-11-23T11:10:00Z");
const secret = `whsec_${btoa("0123456789abcdef01234567")}`;
const shop = "https://hooks.example.com/shop";
const all = "https://hooks.example.com/all";

const Body = z.object({
  data: z.object({
    alerts: z.array(
      z.object({ type: z.string(), hour: z.string(), condition: z.string(), before: z.string().nullable() }),
    ),
  }),
});

/** What receivers got: address, webhook-id, and one text for each bucket. */
let got: { readonly url: string; readonly id: string; readonly told: readonly string[] }[] = [];
let status = 204;

beforeEach(async () => {
  got = [];
  status = 204;
  for (const table of ["alerts", "alert_messages", "buckets", "streams", "counters"])
    await db.exec(`DELETE FROM ${table}`);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { data } = Body.parse(await request.json());
    got.push({
      url: request.url,
      id: request.headers.get("webhook-id") ?? "",
      told: data.alerts.map(
        ({ type: of, hour: when, condition, before }) => `${when} ${of}: ${before} > ${condition}`,
      ),
    });
    return new Response(null, { status });
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

function run(now: EpochMs, more: object = {}): Promise<unknown> {
  return alertDue({ CATALOG: db, HOURSEAL_ALERT_URL: all, HOURSEAL_ALERT_SECRET: secret, ...more }, now);
}

async function register(name: string, alertUrl = ""): Promise<void> {
  await putStream(db, type(name), settings({ owner: "us", alertUrl }), at("2026-11-23T10:00:00Z"));
}

async function due(name: string, hourText = "2026-11-23T10"): Promise<void> {
  await db
    .prepare("INSERT INTO buckets (type, hour, state, due_at_ms, retry_at_ms) VALUES (?1, ?2, 'due', ?3, ?3)")
    .bind(name, hourText, dueAtMs)
    .run();
}

async function seal(name: string): Promise<void> {
  await recordSealed(db, [
    { address: bucket(name, "2026-11-23T10"), dueAtMs, summary: sealed("2026-11-23T11:20:00Z") },
  ]);
}

async function verdict(
  name: string,
  kinds: readonly ("missing" | "corrupt")[],
  when: EpochMs,
): Promise<void> {
  const findings = kinds.map((kind) => finding(kind));
  await recordVerdict(db, { address: bucket(name, "2026-11-23T10"), findings, attempts: 0, at: when });
}

const minutes = (count: number): EpochMs => epochMs(dueAtMs + count * 60_000);
const told = (): readonly string[] => got.flatMap((message) => message.told);

describe("[OP9] a bucket", () => {
  it("that is overdue, then a fault, then another one, then balanced, is told of once each", async () => {
    await register("a");
    await due("a");
    await run(minutes(4));
    expect(told()).toEqual([]);
    await run(minutes(5));
    await run(minutes(6));
    await seal("a");
    await run(minutes(11));
    await verdict("a", ["missing"], minutes(12));
    await run(minutes(12));
    await run(minutes(13));
    await verdict("a", ["corrupt"], minutes(14));
    await run(minutes(14));
    await verdict("a", [], minutes(15));
    await run(minutes(15));
    await run(minutes(16));
    expect(told()).toEqual([
      "2026-11-23T10 a: null > overdue",
      "2026-11-23T10 a: overdue > missing",
      "2026-11-23T10 a: missing > corrupt",
      "2026-11-23T10 a: corrupt > recovered",
    ]);
    expect(new Set(got.map(({ id }) => id)).size).toBe(4);
    await verdict("a", ["missing"], minutes(20));
    await run(minutes(20));
    expect(told().at(-1)).toBe("2026-11-23T10 a: null > missing");
  });

  it("that recovered before anybody was told is not told of", async () => {
    await register("b");
    await due("b");
    await noteAlerts(db, dueAtMs, all, minutes(5));
    await seal("b");
    await verdict("b", [], minutes(6));
    await run(minutes(6));
    expect(told()).toEqual([]);
  });

  it("that went back to what was told, before anybody was told otherwise, is not told of again", async () => {
    await register("c");
    await due("c");
    await seal("c");
    await verdict("c", ["missing"], minutes(12));
    await run(minutes(12));
    await verdict("c", [], minutes(13));
    await noteAlerts(db, minutes(8), all, minutes(13));
    await verdict("c", ["missing"], minutes(14));
    await run(minutes(14));
    expect(told()).toEqual(["2026-11-23T10 c: null > missing"]);
  });

  it("is told of once by two runs at once", async () => {
    await register("d");
    await due("d");
    await Promise.all([run(minutes(5)), run(minutes(5)), run(minutes(5))]);
    expect(told()).toEqual(["2026-11-23T10 d: null > overdue"]);
  });
});

describe("[OP9] alerts go", () => {
  it("to the stream's address, else to the deployment's, else nowhere until there is one", async () => {
    await register("e", shop);
    await register("f");
    await due("e");
    await due("f");
    await run(minutes(5), { HOURSEAL_ALERT_URL: undefined });
    expect(got.map(({ url, told: of }) => [url, of])).toEqual([[shop, ["2026-11-23T10 e: null > overdue"]]]);
    await run(minutes(6));
    expect(got.slice(1).map(({ url, told: of }) => [url, of])).toEqual([
      [all, ["2026-11-23T10 f: null > overdue"]],
    ]);
  });

  it("in few messages when many buckets are late, each in one of them", async () => {
    await register("g");
    const count = alertsPerMessageMax * 2 + 50;
    for (let index = 0; index < count; index++) await due("g", plusHours(hour("2026-01-01T00"), index));
    for (const minute of [5, 6, 7, 8]) await run(minutes(minute));
    expect(got.map(({ told: of }) => of.length)).toEqual([alertsPerMessageMax, alertsPerMessageMax, 50]);
    expect(new Set(told()).size).toBe(count);
  });
});

describe("[OP9] a receiver that fails", () => {
  it("is sent the same message again, later each time, and holds up no other one", async () => {
    await register("h", shop);
    await register("i");
    await due("h");
    await due("i");
    vi.mocked(fetch).mockImplementationOnce(() => Promise.reject(new Error("connection refused")));
    status = 503;
    await run(minutes(5));
    await run(epochMs(minutes(5) + 30_000));
    const waiting = z
      .object({ waiting: z.array(z.object({ attempts: z.number(), lastError: z.string() })) })
      .parse(await (await ask("GET /v1/alerts")).json()).waiting;
    expect(waiting.map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(waiting.map(({ lastError }) => lastError).toSorted()).toEqual([
      "Error: connection refused",
      "the receiver answered 503",
    ]);
    status = 200;
    await run(minutes(7));
    await run(minutes(8));
    expect(told().toSorted().slice(0, 3)).toEqual(
      expect.arrayContaining(["2026-11-23T10 h: null > overdue"]),
    );
    expect(new Set(got.map(({ id }) => id)).size).toBe(2);
    expect((await readCounters(db)).counters.get("alerts_delivered")).toBe(2);
    expect(await (await ask("GET /v1/alerts")).json()).toEqual({ waiting: [] });
  });

  it("for good is given up in the end, and that is counted", async () => {
    await register("j");
    await due("j");
    status = 410;
    let now = minutes(5);
    for (let tries = 0; tries < alertTriesMax + 5; tries++) {
      await run(now);
      now = epochMs(now + 2 * 3_600_000);
    }
    expect(got).toHaveLength(alertTriesMax);
    expect((await readCounters(db)).counters.get("alerts_given_up")).toBe(1);
  });

  it("is not reached without a secret, and what is wrong is said", async () => {
    await register("k");
    await due("k");
    await run(minutes(5), { HOURSEAL_ALERT_SECRET: "short" });
    expect(got).toEqual([]);
    expect(await (await ask("GET /v1/alerts")).text()).toContain("HOURSEAL_ALERT_SECRET is not whsec_");
    await run(minutes(7));
    expect(told()).toEqual(["2026-11-23T10 k: null > overdue"]);
  });
});
