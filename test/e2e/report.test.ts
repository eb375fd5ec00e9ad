/** `npm run report` beside the running system: all is well, then a part is lost, then a bucket is overdue. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HourText } from "../../domain/hour.ts";
import { bucketPrefix } from "../../domain/manifest.ts";
import { AuditReport } from "../../domain/report.ts";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { pageOf } from "../../scripts/report/render.ts";
import { type Ran, runScript } from "./run-script.ts";

const type = "shop.order";
const hour = "2026-11-23T10";
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
let runtime: LocalRuntime;
let admin: { readonly url: string; readonly key: string };
let readKey: string;

beforeAll(async () => {
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  admin = { url: runtime.url, key: adminKey };
  await moveClock(admin, `${hour}:00:00Z`);
  await putStream(admin, type, { owner: "shop", contact: "#shop" });
  readKey = await createKey(admin, ["read:audit"], "script");
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  const events = Array.from({ length: 7 }, (_, id) => ({
    specversion: "1.0",
    source: "e2e",
    type,
    id: String(id),
    time: `${hour}:0${id}:00Z`,
  }));
  await call(client, "POST", "/v1/events", events);
  await moveClock(admin, "2026-11-23T11:12:00Z");
  await runCron(admin);
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

function report(...args: string[]): Promise<Ran> {
  return runScript("report", [...args, "--url", runtime.url], { HOURSEAL_KEY: readKey });
}

test("[OP7] everything is there: exit code 0", async () => {
  const { code, stdout, stderr } = await report();
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("7 rows");
  expect(stdout).toMatch(/everything that was asked for is there\n$/);
});

test("[OP7] a lost part is named with its hop, its rows and its owner: exit code 1", async () => {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
  const { objects } = await bucket.list({ prefix: bucketPrefix({ type, hour: HourText.parse(hour) }) });
  await bucket.delete(objects.filter(({ key }) => key.includes("/part-")).map(({ key }) => key));
  await call(admin, "POST", `/v1/buckets/${type}/${hour}/audit`);
  await runCron(admin);

  const page = await report(type, "--verdict", "missing,corrupt");
  expect([page.code, page.stderr]).toEqual([1, ""]);
  expect(page.stdout).toMatch(
    /^2026-11-23T10 {2}MISSING {2}shop\.order, of shop, #shop, since 2026-11-23T11:12/m,
  );
  expect(page.stdout).toMatch(/^ {4}missing 7 at \w+: events\/type=shop\.order\/.*part-/m);
  expect(page.stdout).toMatch(/NOT EVERYTHING IS THERE: 1 missing\n$/);

  const json = await report("--json");
  expect(json.code).toBe(1);
  const read = AuditReport.parse(JSON.parse(json.stdout));
  expect(read.notBalanced).toMatchObject([{ type, hour, verdict: "missing", rows: 7, owner: "shop" }]);
  expect(read.notBalanced[0]?.findings[0]).toMatchObject({ kind: "missing", rows: 7 });

  expect((await report("--owner", "somebody else")).code).toBe(0);
  expect((await report("--verdict", "overdue")).code).toBe(0);
  expect((await report("--from", "2026-11-23T11")).code).toBe(0);
});

test("[OP7] hours that nobody has taken up are overdue", async () => {
  await moveClock(admin, "2026-11-23T12:30:00Z");
  const { code, stdout } = await report("--from", "2026-11-23T11");
  expect(code).toBe(1);
  expect(stdout).toMatch(/^2026-11-23T11 and on {2}1 bucket due, 1 overdue {2}shop\.order, of shop$/m);
});

test.each([
  [["--verdict", "gone"], 2, "--verdict takes overdue, missing"],
  [["--from", "noon"], 2, "is not an hour"],
  [["a", "b"], 2, "name one stream"],
  [["--from", "2026-01-01", "--to", "2026-06-01"], 3, "744 hours at most"],
  [["--url", "http://127.0.0.1:9"], 3, "cannot be reached"],
  [["--key", "wrong"], 3, "unknown or revoked"],
])("[OP7] what cannot be answered is told apart: %j exits with %i", async (args, code, why) => {
  const ran = await runScript("report", ["--url", runtime.url, ...args], { HOURSEAL_KEY: readKey });
  expect([ran.code, ran.stdout]).toEqual([code, ""]);
  expect(ran.stderr).toContain(why);
});

test("a name with line breaks stays on its line", async () => {
  const read = AuditReport.parse(await call(admin, "GET", `/v1/audit/report?type=${type}`));
  const page = pageOf({
    ...read,
    notTakenUp: [{ type: "a\n\u001b[2Jb", owner: "", from: hour, buckets: 1, overdue: 1 }],
  });
  expect(page).toContain(String.raw`a\n\u001b[2Jb`);
});
