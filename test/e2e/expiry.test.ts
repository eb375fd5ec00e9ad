/** An hour that expires in the running system: what pull, the report and verify say of it, from before to after. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, createKey, moveClock, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { ReplayClock } from "../../scripts/replay/clock.ts";
import { settle } from "../../scripts/replay/settle.ts";
import { filesIn, moveTo, postEvents, pullHere, register } from "./pulling.ts";
import { type Ran, runScript } from "./run-script.ts";

const temporary = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const data = join(temporary, "data");
const type = "short.lived";
const hourPath = `events/type=${type}/date=2026-05-01/hour=08`;
let runtime: LocalRuntime;
let admin: Api;
let key: string;

beforeAll(async () => {
  const adminKey = "the-admin-key-of-these-tests";
  runtime = await startLocalRuntime({ port: 0, dataDir: data, adminKey, cron: false });
  admin = { url: runtime.url, key: adminKey };
  await moveTo(admin, "2026-05-01T08:00:00Z");
  await register(admin, type, { retentionMs: 10 * 24 * 3_600_000 });
  await postEvents(admin, type, "2026-05-01T08:00:01Z", ["1", "2"], 100);
  await settled("2026-05-01T08:30:00Z");
  key = await createKey(admin, ["read:buckets"], "test");
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

/** Everything up to the hour of this time is sealed and audited. */
async function settled(time: string): Promise<void> {
  const report = await settle(admin, new ReplayClock(admin), Date.parse(time));
  if (!report.balanced) throw new Error(report.text);
}

function pull(folder: string): Promise<Ran> {
  const to = ["--from", "2026-05-01T08", "--to", "2026-05-01T10"];
  return pullHere([type, "--dest", join(temporary, folder), "--url", runtime.url, "--key", key, ...to]);
}

test("[EX6] pull skips it with a message, and keeps what a folder has; the report and verify are content", async () => {
  await settled("2026-05-01T09:30:00Z");
  expect((await pull("before")).code).toBe(0);
  // No hour after these two falls due: ten days of empty ones take their time.
  const db = await runtime.miniflare.getD1Database("CATALOG", readProjectConfig("local").name);
  await db.prepare("UPDATE streams SET due_at_ms = 9e15").run();
  // Objects retire on the way, which ends the alarm that does it.
  const { failures } = await moveClock(admin, "2026-05-11T09:30:00Z");
  expect(failures.filter((failure) => !failure.endsWith("retired"))).toEqual([]);
  await runCron(admin);

  const fresh = await pull("after");
  expect([fresh.code, fresh.stderr]).toEqual([0, ""]);
  expect(fresh.stdout).toContain("2026-05-01T08 expired, not pulled: the stream's retention is over");
  expect(fresh.stdout).toMatch(/1 hour, 0 rows, .* 1 expired\n$/);
  expect(existsSync(join(temporary, "after", hourPath))).toBe(false);

  const again = await pull("before");
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("2 hours, 2 rows")]);
  expect(filesIn(join(temporary, "before", hourPath))).toHaveLength(3);

  const part = filesIn(join(temporary, "before", hourPath)).find((name) => name.startsWith("part-")) ?? "";
  rmSync(join(temporary, "before", hourPath, part));
  const damaged = await pull("before");
  expect(damaged.code).toBe(1);
  expect(damaged.stdout).toContain("the local copy is damaged or gone, and the hour has expired");

  const page = await runScript("report", [
    "--url",
    runtime.url,
    "--key",
    admin.key,
    "--from",
    "2026-05-01T08",
    "--to",
    "2026-05-01T10",
  ]);
  expect([page.code, page.stdout]).toEqual([0, expect.stringContaining("expired 1")]);
  await runtime.dispose();
  const verified = await runScript("verify", ["--data", data]);
  expect(verified.stdout).toContain("2026-05-01T08 expired");
  expect(verified.stdout).toMatch(/all balanced; \d+ expired, only their manifests are kept/);
  expect(verified.code).toBe(0);
});
