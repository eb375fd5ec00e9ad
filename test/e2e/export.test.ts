/** npm run ops -- export, against a running system: to the output, into a file, and of a shard that nobody has used. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createKey, moveClock, putStream } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { type Ran, runScript } from "./run-script.ts";

const type = "shop order/∆";
const hour = "2026-11-23T08";
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
let runtime: LocalRuntime;

function exported(...args: string[]): Promise<Ran> {
  return runScript("ops", ["export", ...args, "--url", runtime.url], { HOURSEAL_KEY: adminKey });
}

beforeAll(async () => {
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  const admin = { url: runtime.url, key: adminKey };
  await moveClock(admin, `${hour}:00:00Z`);
  await putStream(admin, type, { owner: "shop" });
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  const posted = ["a", "ü"].map((id) => ({ specversion: "1.0", source: "e2e", type, id, data: 1.5 }));
  expect(await call(client, "POST", "/v1/events", posted)).toMatchObject({ accepted: 2 });
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

test("[OP16] the same lines on the output and in a file, by the shard's number and by its name", async () => {
  const shown = await exported(type, hour, "0");
  expect([shown.code, shown.stderr]).toEqual([0, ""]);
  const lines = shown.stdout.trimEnd().split("\n");
  expect(lines[0]).toContain('"phase":"open"');
  expect(lines.at(-1)).toBe('{"record":"end","changed":false}');
  expect(shown.stdout).toContain('"id":"ü"');

  const dest = join(dataDir, "shard.ndjson");
  const filed = await exported(type, hour, `${hour}/0`, "--dest", dest);
  expect([filed.code, filed.stderr.trim()]).toEqual([0, `${lines.length} lines in ${dest}`]);
  expect(readFileSync(dest, "utf8")).toBe(shown.stdout);
  expect(readdirSync(dataDir).filter((name) => name.endsWith(".partial"))).toEqual([]);
});

test("[OP16] a blank shard is blank; bad arguments say what is missing", async () => {
  const blank = await exported(type, hour, "7");
  expect([blank.code, blank.stdout]).toEqual([0, expect.stringContaining('"phase":"blank"')]);
  const bad = await exported(type, hour);
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("a shard")]);
  const unknown = await exported("nobody", hour, "0");
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("404")]);
});
