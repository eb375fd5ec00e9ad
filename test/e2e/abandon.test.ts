/** A shard's storage is broken for good: npm run ops -- abandon seals its hour without it, as the runbook says. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { type Ran, runScript } from "./run-script.ts";

const type = "shop order/∆";
const hour = "2026-11-23T08";
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
const options = { port: 0, dataDir, adminKey, cron: false };
let runtime: LocalRuntime;
let admin: { readonly url: string; readonly key: string };

function run(script: string, ...args: string[]): Promise<Ran> {
  return runScript(script, [...args, "--url", runtime.url], { HOURSEAL_KEY: adminKey });
}

async function startAgain(): Promise<void> {
  runtime = await startLocalRuntime(options);
  admin = { url: runtime.url, key: adminKey };
}

/** Makes the database of the one shard that there is unreadable. */
function breakShard(): void {
  const files = readdirSync(dataDir, { recursive: true, encoding: "utf8" });
  const databases = files.filter(
    (path) => path.includes("EventShard") && path.endsWith(".sqlite") && !path.includes("metadata"),
  );
  expect(databases).toHaveLength(1);
  for (const path of files.filter((name) => name.startsWith(databases[0] ?? "?")))
    writeFileSync(join(dataDir, path), "broken ".repeat(1_000));
}

beforeAll(async () => {
  await startAgain();
  await moveClock(admin, `${hour}:00:00Z`);
  await putStream(admin, type, { owner: "shop" });
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  const time = `${hour}:00:01Z`;
  const posted = [1, 2].map((id) => ({ specversion: "1.0", source: "e2e", type, time, id: String(id) }));
  expect(await call(client, "POST", "/v1/events", posted)).toMatchObject({ accepted: 2 });
  await runtime.dispose();
  breakShard();
  await startAgain();
  await moveClock(admin, "2026-11-23T09:30:00Z");
  await runCron(admin);
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

test("[OP15] explained, given up after an hour with a reason, and missing in the report and in verify", async () => {
  const explained = await run("ops", "explain", type, hour);
  expect(explained.stdout).toContain(`shard: shard ${hour}/0`);
  expect(explained.stdout).toContain("it does not answer");
  expect(explained.stdout).toContain("A shard that never answers");
  const shard = `${hour}/0`;
  const early = await run("ops", "abandon", type, hour, shard, "--note", "broken", "--yes");
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("for less than an hour")]);
  await moveClock(admin, "2026-11-23T10:40:00Z");
  expect((await run("ops", "abandon", type, hour, shard, "--yes")).code).toBe(2);
  const dry = await run("ops", "abandon", type, hour, shard, "--note", "its storage is broken");
  expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining("it does not answer: ")]);
  expect(dry.stdout).toContain("nothing was done, see --yes");

  const done = await run(
    "ops",
    "abandon",
    type,
    hour,
    shard,
    "--note",
    "its storage is broken",
    "--author",
    "Ann",
    "--yes",
  );
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect(done.stdout).toContain(`shard ${shard} is abandoned; the bucket answers: sealed`);
  await runCron(admin);
  const report = await run("report");
  expect([report.code, report.stdout]).toEqual([1, expect.stringContaining("missing")]);
  const after = await run("ops", "explain", type, hour);
  expect(after.stdout).toContain("by Ann: its storage is broken; what it held is in no part");
  expect(after.stdout).toContain("It is sealed, and it is missing.");
  expect((await run("ops", "actions")).stdout).toContain(`abandon ${hour}/${type} shard ${shard} by Ann`);
  await runtime.dispose();
  const verified = await runScript("verify", ["--data", dataDir]);
  await startAgain();
  expect([verified.code, verified.stdout]).toEqual([
    1,
    expect.stringContaining("abandoned at 2026-11-23T10:40"),
  ]);
});
