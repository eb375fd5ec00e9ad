import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readClock } from "../../scripts/local/client.ts";
import { runScript } from "./run-script.ts";
import { type Running, start } from "./running.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const clockText = "2026-01-01T10:00:00Z";
let running: Running;

beforeAll(async () => {
  running = await start(dataDir, ["--port", "0", "--clock", clockText]);
});

afterAll(async () => {
  await running.end("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

function api(): { url: string; key: string } {
  return { url: running.url, key: readFileSync(join(dataDir, "admin-key"), "utf8").trim() };
}

async function minutesSinceStart(): Promise<number> {
  return (Date.parse((await readClock(api())).now) - Date.parse(clockText)) / 60_000;
}

async function reachable(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  );
}

test("prints commands that work as they are: the last one's event is accepted", async () => {
  const commands = running.output().match(/^ {2}curl .*$/gm) ?? [];
  expect(commands).toHaveLength(2);
  const replies: string[] = [];
  for (const command of commands) {
    const { stdout } = await promisify(execFile)("sh", ["-c", `${command} --silent --show-error`]);
    replies.push(stdout);
  }
  expect(JSON.parse(replies[1] ?? "")).toMatchObject({ accepted: 1, refused: [] });
});

test("keeps its keys to itself", () => {
  for (const name of ["admin-key", "client-key"]) {
    expect(statSync(join(dataDir, name)).mode & 0o777).toBe(0o600);
  }
});

test("starts at the given virtual time", async () => {
  expect(await minutesSinceStart()).toBeGreaterThanOrEqual(0);
  expect(await minutesSinceStart()).toBeLessThan(10);
});

test("refuses a second one on the same data, and leaves the first one alone", async () => {
  const { code, stderr } = await runScript("start", ["--data", dataDir, "--port", "0"]);
  expect(stderr).toMatch(/is in use by process \d+; stop that one first/);
  expect(code).toBe(1);
  expect(await reachable(running.url)).toBe(true);
});

test("refuses a port that is taken", async () => {
  const other = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  const port = new URL(running.url).port;
  const { code, stderr } = await runScript("start", ["--data", other, "--port", port]);
  expect(stderr).toContain(`port ${port} is in use; choose another with --port`);
  expect(code).toBe(1);
  rmSync(other, { recursive: true });
});

test("[LO1] killed, it leaves no orphan; started again, it goes on: same keys, same clock, same streams", async () => {
  const { url } = running;
  await running.end("SIGKILL");
  await expect.poll(() => reachable(url), { timeout: 10_000 }).toBe(false);
  running = await start(dataDir, ["--port", "0", "--clock", clockText]);
  expect(running.output()).toContain("note: the clock is past --clock");
  expect(await minutesSinceStart()).toBeGreaterThan(0);
  const { url: now, key } = api();
  const streams = await fetch(`${now}/v1/streams`, { headers: { Authorization: `Bearer ${key}` } });
  expect(await streams.text()).toContain("demo.hello");
});

test("stops when asked to, with exit code 0", async () => {
  const { url } = running;
  expect(await running.end("SIGTERM")).toBe(0);
  expect(await reachable(url)).toBe(false);
  const { code, stdout } = await runScript("verify", ["--data", dataDir]);
  expect([stdout, code]).toEqual(["", 2]);
});

describe("bad arguments: exit code 2, what is wrong and how to use it", () => {
  test.each([
    [["--port", "http"], "--port takes a whole number from 0 to 65535"],
    [["--port", "70000"], "--port takes a whole number from 0 to 65535"],
    [["--clock", "2026-01-01"], "--clock takes an RFC 3339 time"],
    [["--admin-key", "short"], "--admin-key takes 24 to 200"],
    [["--fast"], "Unknown option '--fast'"],
    [["here"], "Unexpected argument 'here'"],
  ])("%j", async (args, why) => {
    const { code, stderr } = await runScript("start", ["--data", join(dataDir, "none"), ...args]);
    expect(stderr).toContain(why);
    expect(stderr).toContain("npm start -- [options]");
    expect(code).toBe(2);
  });
});
