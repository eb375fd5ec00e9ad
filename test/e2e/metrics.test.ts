/** A real Prometheus scrapes the running system and evaluates the rules over it, before and after a part is lost. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HourText } from "../../domain/hour.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { type Prometheus, hasPrometheus, startPrometheus, until } from "./prometheus.ts";

const type = "shop.order";
const hour = "2026-11-23T10";

describe.skipIf(!hasPrometheus)("[OP8] Prometheus (skipped where none is installed)", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  const adminKey = "the-admin-key-of-these-tests";
  let runtime: LocalRuntime;
  let prometheus: Prometheus;
  let admin: { readonly url: string; readonly key: string };

  beforeAll(async () => {
    runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
    admin = { url: runtime.url, key: adminKey };
    await moveClock(admin, `${hour}:00:00Z`);
    await runCron(admin);
    await putStream(admin, type, { owner: "shop" });
    const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
    const events = [1, 2, 3, 3].map((id) => ({ specversion: "1.0", source: "e2e", type, id: String(id) }));
    await call(client, "POST", "/v1/events", events);
    await moveClock(admin, "2026-11-23T11:12:00Z");
    await runCron(admin);
    prometheus = await startPrometheus(runtime.url, await createKey(admin, ["read:audit"], "prometheus"));
  });

  afterAll(async () => {
    await prometheus.end();
    await runtime.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("takes every sample, and finds what was posted, sealed and balanced", async () => {
    await until(async () => (await prometheus.query('up{job="hourseal"}'))[0] === 1);
    await until(async () => (await prometheus.query('hourseal_events_total{outcome="accepted"}'))[0] === 3);
    expect(await prometheus.query("hourseal_events_received_total")).toEqual([4]);
    expect(await prometheus.query("hourseal_delivered_rows_total")).toEqual([3]);
    expect(await prometheus.query(`hourseal_stream_rows{type="${type}",owner="shop"}`)).toEqual([3]);
    expect(await prometheus.query('hourseal_seal_lateness_seconds_bucket{le="+Inf"}')).toEqual([1]);
    expect((await prometheus.query("scrape_samples_scraped"))[0]).toBeGreaterThan(30);
    expect(await prometheus.alerts()).toEqual([]);
  });

  test("alerts when a part is lost, and when hours are overdue", async () => {
    const bucket = await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
    const { objects } = await bucket.list({ prefix: bucketPrefix({ type, hour: HourText.parse(hour) }) });
    await bucket.delete(objects.filter(({ key }) => key.includes("/part-")).map(({ key }) => key));
    await call(admin, "POST", `/v1/buckets/${type}/${hour}/audit`);
    await runCron(admin);
    await until(async () => (await prometheus.query("hourseal_missing_rows"))[0] === 3);
    await until(async () => (await prometheus.alerts()).includes("HoursealRowsMissing"));
    await moveClock(admin, "2026-11-23T13:30:00Z");
    await until(async () => (await prometheus.alerts()).includes("HoursealStreamOverdue"));
    expect(await prometheus.query(`hourseal_stream_overdue_buckets{type="${type}"}`)).toEqual([2]);
  });
});
