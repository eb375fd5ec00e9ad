/** R2 loses objects of a sealed hour: npm run ops -- rebuild-part puts them back while rows are kept, as the runbook says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, createKey, moveClock, putStream, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { type Ran, runScript } from "./run-script.ts";

const type = "shop order/∆";
const hour = "2026-11-23T08";
const prefix = "events/type=shop%20order%2F%E2%88%86/date=2026-11-23/hour=08/";
const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const adminKey = "the-admin-key-of-these-tests";
let runtime: LocalRuntime;

function ops(...args: string[]): Promise<Ran> {
  return runScript("ops", [...args, "--url", runtime.url, "--author", "Ann"], { HOURSEAL_KEY: adminKey });
}

async function events() {
  return runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
}

async function namesInR2(): Promise<string[]> {
  const { objects } = await (await events()).list({ prefix });
  return objects.map(({ key }) => key.slice(prefix.length));
}

async function lose(...names: string[]): Promise<void> {
  await (await events()).delete(names.map((name) => prefix + name));
}

beforeAll(async () => {
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  const admin = { url: runtime.url, key: adminKey };
  await moveClock(admin, `${hour}:00:00Z`);
  await putStream(admin, type, { owner: "shop", formats: ["ndjson.gz", "parquet"] });
  const client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
  const posted = [1, 2].map((id) => ({ specversion: "1.0", source: "e2e", type, id: String(id) }));
  for (const event of posted) await call(client, "POST", "/v1/events", [event]);
  expect((await ops("freeze", "--type", type, "--yes")).code).toBe(0);
  await moveClock(admin, "2026-11-23T09:30:00Z");
  await runCron(admin);
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

const all = ["_SUCCESS", "_manifest.json", "part-merged-0.ndjson.gz", "part-merged-0.parquet"];

test("[OP14] everything that is lost is put back, a dry run first, and the report has nothing to complain of", async () => {
  expect(await namesInR2()).toEqual(all);
  const sound = await ops("rebuild-part", type, hour);
  expect([sound.code, sound.stdout]).toEqual([
    0,
    `_manifest.json: sound
part-merged-0.ndjson.gz: sound
part-merged-0.parquet: sound
_SUCCESS: sound
nothing was done, see --yes
`,
  ]);
  await lose(...all);
  expect((await ops("reaudit", type, hour, "--yes")).code).toBe(0);
  await runCron({ url: runtime.url, key: adminKey });
  const faulty = await runScript("report", ["--url", runtime.url], { HOURSEAL_KEY: adminKey });
  expect(faulty.code).toBe(1);
  expect((await ops("explain", type, hour)).stdout).toContain(
    `npm run ops -- rebuild-part ${JSON.stringify(type)} ${hour} --yes`,
  );

  const dry = await ops("rebuild-part", type, hour);
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain(
    "part-merged-0.parquet: lost; would be put back as it was sealed, by the bucket",
  );
  expect(await namesInR2()).toEqual([]);
  const done = await ops("rebuild-part", type, hour, "--yes", "--note", "R2 lost it");
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect(done.stdout).toContain("part-merged-0.parquet: was lost; put back as it was sealed, by the bucket");
  expect(await namesInR2()).toEqual(all);
  await runCron({ url: runtime.url, key: adminKey });
  const { code, stdout } = await runScript("report", ["--url", runtime.url], { HOURSEAL_KEY: adminKey });
  expect([code, stdout]).toEqual([0, expect.stringContaining("balanced 1")]);
  expect((await ops("actions")).stdout).toContain("rebuild-part");
});

test("[OP14] once the rows are dropped it says so, ends with 1, and leaves the hour without its mark", async () => {
  expect((await ops("unfreeze", "--type", type, "--yes")).code).toBe(0);
  // Within the hour of a frozen deletion the bucket asks again.
  await moveClock({ url: runtime.url, key: adminKey }, "2026-11-23T12:00:00Z");
  await lose("part-merged-0.parquet", "_SUCCESS");
  const one = await ops("rebuild-part", type, hour, "part-merged-0.parquet", "--yes");
  expect([one.code, one.stdout]).toEqual([1, expect.stringContaining("its rows are not kept any more")]);
  const { code, stdout } = await ops("rebuild-part", type, hour, "--yes");
  expect(code).toBe(1);
  expect(stdout).toContain("part-merged-0.ndjson.gz: sound");
  expect(stdout).toContain("put it back from a copy of exactly its bytes");
  expect(await namesInR2()).toEqual(["_manifest.json", "part-merged-0.ndjson.gz"]);
});
