/** `npm run streams` against a running local system: plan, apply, look, and what goes wrong. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { epochMs, hourOf, isoOf, plusHours } from "../../domain/hour.ts";
import { moveClock, readClock, runCron } from "../../scripts/local/client.ts";
import { type Ran, runScript } from "./run-script.ts";
import { type Running, start } from "./running.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const file = join(dataDir, "streams.yaml");
let running: Running;

beforeAll(async () => {
  running = await start(dataDir, ["--port", "0"]);
});

afterAll(async () => {
  await running.end("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

function streams(...args: string[]): Promise<Ran> {
  return runScript("streams", [...args, "--url", running.url, "--data", dataDir]);
}

function write(text: string): void {
  writeFileSync(file, text);
}

async function post(type: string, id: string): Promise<unknown> {
  const reply = await fetch(`${running.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${readFileSync(join(dataDir, "client-key"), "utf8").trim()}` },
    body: JSON.stringify({ specversion: "1.0", source: "e2e", type, id }),
  });
  return reply.json();
}

test("[CF1] the first event of a new type is accepted right after apply, without a restart", async () => {
  write('streams:\n  e2e.order:\n    owner: shop\n    grace: 5m\n  "e2e any string/%🦭":\n');
  expect(await post("e2e.order", "1")).toMatchObject({ refused: [{ code: "unknown_type" }] });
  const planned = await streams("plan", file);
  expect(planned).toMatchObject({ code: 0, stderr: "" });
  expect(planned.stdout).toBe(
    [
      "+ e2e.order",
      "    owner: shop",
      "    grace: 5m",
      '+ "e2e any string/%🦭"',
      "2 to add, 0 to change, 0 to remove; based on version 0",
      "",
    ].join("\n"),
  );
  expect(await post("e2e.order", "1")).toMatchObject({ refused: [{ code: "unknown_type" }] });
  const applied = await streams("apply", file, "--author", "Ann", "--note", "first");
  expect(applied.stdout).toContain(
    "applied: 2 to add, 0 to change, 0 to remove; the streams are at version 1",
  );
  expect(await post("e2e.order", "1")).toMatchObject({ accepted: 1, refused: [] });
  expect(await post("e2e any string/%🦭", "1")).toMatchObject({ accepted: 1, refused: [] });
});

test("[CF1] applied again it changes nothing; a change shows from and to", async () => {
  expect((await streams("apply", file)).stdout).toBe("nothing to change; the streams are at version 1\n");
  write("streams:\n  e2e.order:\n    owner: shop\n    grace: 10m\n    priority: high\n");
  const { stdout } = await streams("apply", file, "--author", "Bob");
  expect(stdout.split("\n").slice(0, 4)).toEqual([
    "~ e2e.order",
    "    priority: normal -> high",
    "    grace: 5m -> 10m",
    "applied: 0 to add, 1 to change, 0 to remove; the streams are at version 2",
  ]);
});

test("[CF1] --base applies what was reviewed, or nothing", async () => {
  write("streams:\n  e2e.order:\n    owner: somebody else\n");
  const late = await streams("apply", file, "--base", "1");
  expect(late.code).toBe(1);
  expect(late.stderr).toContain("based on version 1 and the streams are at version 2");
  expect((await streams("show", "e2e.order")).stdout).toContain("owner: shop");
});

test("[CF4] history tells every change with its author, newest first", async () => {
  const { stdout } = await streams("history");
  const heads = stdout.split("\n").filter((line) => line.startsWith("version"));
  expect(heads).toEqual([
    expect.stringMatching(/^version 2, \S+Z, by Bob \(key admin\)$/),
    expect.stringMatching(/^version 1, \S+Z, by Ann \(key admin\): first$/),
  ]);
  expect((await streams("history", "e2e any string/%🦭")).stdout).toContain('+ "e2e any string/%🦭"');
});

test("[KE6] list and show know every type, and what show prints is a file that changes nothing", async () => {
  expect((await streams("list")).stdout).toContain('"e2e any string/%🦭"');
  for (const type of ["e2e.order", "e2e any string/%🦭"]) {
    write((await streams("show", type)).stdout);
    expect((await streams("plan", file)).stdout).toContain("nothing to change");
  }
  expect((await streams("show", "e2e.ordre")).stderr).toContain("did you mean e2e.order?");
});

test("[CF3] what would break a promise is refused where it stands in the file, and nothing is changed", async () => {
  write("streams:\n  e2e.new:\n  e2e.order:\n    grace: 10m\n    targetLateness: 5m\n");
  const refused = await streams("apply", file);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    `${file}:5:21: streams."e2e.order".targetLateness: a bucket is open for its grace of 10m`,
  );
  expect((await streams("show", "e2e.new")).code).toBe(1);
});

test("[RM1] apply --remove takes a stream away, which leaving it out does not; history says who", async () => {
  write("streams:\n  e2e.order:\n    owner: shop\n    grace: 10m\n    priority: high\n");
  const kept = await streams("plan", file);
  expect(kept.stdout).toContain("nothing to change");
  const both = await streams("apply", file, "--remove", "e2e.order");
  expect(both).toMatchObject({ code: 1, stdout: "" });
  expect(both.stderr).toContain(`${file}:2:3: streams."e2e.order": it is set and removed at once`);
  const unknown = await streams("plan", file, "--remove", "e2e.none");
  expect(unknown.stderr).toContain('--remove: streams."e2e.none": no stream of this type was ever there');
  write("streams: {}\n");
  const planned = await streams("plan", file, "--remove", "e2e.order");
  expect(planned.stdout).toContain(
    "- e2e.order\n    its events are refused; what is open is sealed and audited",
  );
  expect(await post("e2e.order", "2")).toMatchObject({ accepted: 1 });
  const applied = await streams("apply", file, "--remove", "e2e.order", "--author", "Eve");
  expect(applied.stdout).toContain("applied: 0 to add, 0 to change, 1 to remove");
  expect(await post("e2e.order", "3")).toMatchObject({ refused: [{ code: "unknown_type" }] });
  expect((await streams("list")).stdout).toMatch(/e2e\.order {2}\(shop\) {2}removed \S+Z, not ended yet/);
  expect((await streams("history", "e2e.order", "--limit", "1")).stdout).toMatch(
    /by Eve .*\n {2}- e2e\.order/,
  );
  const shown = await streams("show", "e2e.order");
  expect(shown.stdout).toMatch(/^# removed /);
  write(shown.stdout);
  expect((await streams("apply", file)).stdout).toContain("+ e2e.order (was removed)");
  expect(await post("e2e.order", "2")).toMatchObject({ duplicates: 1 });
});

test("[DR1] [DR4] ops drain stops a stream's events after a dry run, list and show say so, and undrain ends it", async () => {
  const type = "e2e any string/%🦭";
  const ops = (...args: string[]) => runScript("ops", [...args, "--url", running.url, "--data", dataDir]);
  const by = ["--author", "Ann", "--note", "wrong\nprices"];
  const dry = await ops("drain", type, ...by);
  expect(dry).toMatchObject({ code: 0, stderr: "" });
  expect(dry.stdout).toContain("takes events; would drain it; nothing was done, see --yes");
  expect(await post(type, "d1")).toMatchObject({ accepted: 1 });

  expect((await ops("drain", type, ...by, "--yes")).stdout).toMatch(
    /takes no new events since \S+Z, drained by Ann: wrong\nprices; every edge/,
  );
  expect(await post(type, "d2")).toMatchObject({
    status: 503,
    failed: [0],
    drained: [{ code: "stream_drained" }],
  });
  expect((await streams("list")).stdout).toMatch(/%🦭" {2}drained \S+Z by Ann: wrong prices\n/);
  const shown = await streams("show", type);
  expect(shown.stdout).toMatch(/^# drained \S+Z by Ann: wrong prices\n/);
  write(shown.stdout);
  expect((await streams("plan", file)).stdout).toContain("nothing to change");
  expect((await ops("actions", "--limit", "1")).stdout).toContain(`drain ${type} by Ann (key admin)`);

  expect((await ops("undrain", type)).stdout).toContain("would undrain it; nothing was done, see --yes");
  expect((await ops("undrain", type, "--yes")).stdout).toContain("takes events; every edge");
  expect(await post(type, "d2")).toMatchObject({ accepted: 1, refused: [] });
  expect((await streams("list")).stdout).not.toContain("drained");
  expect(await ops("drain", "e2e.none", "--yes")).toMatchObject({ code: 1 });
  expect(await ops("drain")).toMatchObject({ code: 2 });
  expect(await ops("drain", type, "2026-11-23T10")).toMatchObject({ code: 2 });
});

test("[CF2] a wrong file is answered with every fault, and nothing is changed", async () => {
  write("streams:\n  e2e.new:\n  e2e.order:\n    grace: 10\n    shards: 0\n");
  const { code, stderr } = await streams("apply", file);
  expect(stderr.split("\n").slice(0, 3)).toEqual([
    expect.stringContaining(`${file}:4:12: streams."e2e.order".grace: takes a duration from 0s to 6h`),
    expect.stringContaining(`${file}:5:13: streams."e2e.order".shards: `),
    `streams: ${file} has 2 faults; nothing was changed`,
  ]);
  expect(code).toBe(2);
  expect((await streams("list")).stdout).not.toContain("e2e.new");
});

test("[PL5] show says what the planner gave the coming hours, and why", async () => {
  write("streams:\n  e2e.planned:\n    shards: 2\n    shardsMax: 8\n");
  expect(await streams("apply", file)).toMatchObject({ code: 0 });
  const before = await streams("show", "e2e.planned");
  expect(before.stdout).toMatch(/^# planner: nothing is planned yet, the stream has its minimum\n/);
  const admin = { url: running.url, key: readFileSync(join(dataDir, "admin-key"), "utf8").trim() };
  const now = Date.parse((await readClock(admin)).now);
  // Twenty minutes before an hour: late enough to have seen the last one, early enough for the edges.
  const planning = epochMs((Math.floor(now / 3_600_000) + 2) * 3_600_000 - 20 * 60_000);
  await moveClock(admin, isoOf(planning));
  await runCron(admin);
  const { stdout } = await streams("show", "e2e.planned");
  const hour = plusHours(hourOf(planning), 1);
  expect(stdout).toContain(`#   ${hour}: 2 shards, as before, decided ${isoOf(planning).slice(0, 15)}`);
  expect(stdout).toMatch(/^# {5}last hours \S+: not seen/m);
  expect(stdout).toMatch(/^# {5}yesterday \S+: not seen \(before stream\)/m);
  write(stdout);
  expect((await streams("plan", file)).stdout).toContain("nothing to change");
});

test("[RA4] a quota that is used up is 429 with when to come again, and quotas says so", async () => {
  write("streams:\n  e2e.bounded:\n    eventsPerDayMax: 2\n");
  expect(await streams("apply", file)).toMatchObject({ code: 0 });
  const admin = { url: running.url, key: readFileSync(join(dataDir, "admin-key"), "utf8").trim() };
  for (const id of ["1", "2"]) expect(await post("e2e.bounded", id)).toMatchObject({ accepted: 1 });
  const used = async (): Promise<string> => {
    await runCron(admin);
    return (await streams("quotas")).stdout;
  };
  // Edges report what they took a moment after their answer.
  await expect
    .poll(used, { timeout: 20_000, interval: 500 })
    .toMatch(/^stream e2e\.bounded {2}2 of 2 today {2}used up until \S+T00:00:00\.000Z\n1 quotas/);
  const now = Date.parse((await readClock(admin)).now);
  await moveClock(admin, isoOf(epochMs(now + 31_000)));
  expect(await post("e2e.bounded", "3")).toMatchObject({ status: 429, failed: [0] });
});
