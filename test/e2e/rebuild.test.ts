/** The catalog is lost: npm run ops -- rebuild-catalog puts it back from R2, and everything goes on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { type Ran, runScript } from "./run-script.ts";

const type = "shop order/∆";
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
let runtime: LocalRuntime;
let admin: { readonly url: string; readonly key: string };
let client: { readonly url: string; readonly key: string };
let before: unknown[];

/** All that can be put back of the buckets. */
const columns =
  "type, hour, state, due_at_ms, rows, bytes, identity_sum, manifest_sha256, sealed_at_ms, verdict";

async function select(sql: string): Promise<unknown[]> {
  const database = await runtime.miniflare.getD1Database("CATALOG", readProjectConfig("local").name);
  return (await database.prepare(sql).all()).results;
}

function post(id: string): Promise<unknown> {
  return call(client, "POST", "/v1/events", [{ specversion: "1.0", source: "e2e", type, id }]);
}

async function cronAt(now: string): Promise<void> {
  await moveClock(admin, `2026-11-23T${now}:00Z`);
  await runCron(admin);
}

function ops(...args: string[]): Promise<Ran> {
  return runScript("ops", [...args, "--url", runtime.url, "--author", "Ann"], { HOURSEAL_KEY: adminKey });
}

beforeAll(async () => {
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  admin = { url: runtime.url, key: adminKey };
  await moveClock(admin, "2026-11-23T08:00:00Z");
  await putStream(admin, type, { owner: "shop", graceMs: 60_000 });
  await putStream(admin, "web.view", {});
  client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  await post("1");
  await cronAt("09:30");
  await post("2");
  await cronAt("10:30");
  await post("3");
  before = await select(`SELECT ${columns} FROM buckets ORDER BY type, hour`);
  expect(before).toHaveLength(4);
  const names = [
    "streams",
    "keys",
    "buckets",
    "stream_versions",
    "stream_changes",
    "counters",
    "alerts",
    "part_checks",
  ];
  for (const table of names) await select(`DELETE FROM ${table}`);
  await select("UPDATE config SET version = 0");
  await select("UPDATE digest_head SET sequence = 0, sha256 = NULL");
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

test("[OP11] [AU14] the catalog is lost: edges go on, and a dry run says what would be put back", async () => {
  expect(await post("4")).toMatchObject({ accepted: 1 });
  await runCron(admin);
  const report = await runScript("report", ["--url", runtime.url], { HOURSEAL_KEY: adminKey });
  expect(report.code).toBe(1);
  expect(report.stdout).toContain("the catalog was lost or set back");
  expect(report.stdout).toContain("edges go by newer streams and keys than it has");
  const { code, stdout } = await ops("rebuild-catalog");
  expect(code).toBe(0);
  expect(stdout).toContain("2 streams and 1 keys would be restored from the snapshot");
  expect(await select("SELECT type FROM streams")).toEqual([]);
});

test("[OP11] rebuilt, it has the streams, the keys, every sealed hour and every verdict", async () => {
  const { code, stdout, stderr } = await ops("rebuild-catalog", "--yes", "--note", "D1 was lost");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("2 streams and 1 keys were restored from the snapshot");
  expect(stdout).toContain('"shop order/∆": 2 manifests, 2 were added; 1 hours have none');
  expect(stdout).toContain("4 verdicts were taken over from the digests");
  expect(await select(`SELECT ${columns} FROM buckets ORDER BY type, hour`)).toEqual(before);
  expect(await call(admin, "GET", `/v1/streams/${encodeURIComponent(type)}`)).toMatchObject({
    owner: "shop",
    firstHour: "2026-11-23T08",
  });
  expect(await call(admin, "GET", "/v1/ops/actions")).toMatchObject({
    actions: [
      { action: "rebuild-verdicts" },
      { action: "rebuild-buckets" },
      { action: "rebuild-buckets" },
      { action: "restore-config", note: "D1 was lost" },
    ],
  });
});

test("[OP11] rebuilt again, nothing changes; and everything goes on to a report without a fault", async () => {
  const again = await ops("rebuild-catalog", "--yes");
  expect(again.stdout).toContain("0 streams and 0 keys were restored");
  expect(again.stdout).toContain('"web.view": 2 manifests, 0 were added');
  expect(again.stdout).toContain("0 verdicts were taken over");
  await cronAt("11:30");
  expect(await post("5")).toMatchObject({ accepted: 1 });
  await cronAt("12:30");
  const { code, stdout } = await runScript("report", ["--url", runtime.url], { HOURSEAL_KEY: adminKey });
  expect(stdout).toContain("balanced 8");
  expect(code).toBe(0);
});
