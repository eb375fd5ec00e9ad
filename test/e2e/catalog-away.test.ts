/**
 * D1 is away in the middle of a day: every query fails, because every table has another name. Edges go on with the
 * snapshot that they hold, what breaks a schema is quarantined, buckets seal by their own alarms, nothing can be changed
 * and everybody is told so. Back again, the cron takes up what it missed, and every hour is balanced.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { HourText } from "../../domain/hour.ts";
import { readReport } from "../../scripts/local/audit-report.ts";
import { type Api, call, callOnce, createKey, moveClock, runCron } from "../../scripts/local/client.ts";
import { readProjectConfig } from "../../scripts/local/config.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { bringCatalogBack, takeCatalogAway } from "./faults/catalog-away.ts";
import { moveTo } from "./pulling.ts";
import { type Ran, runScript } from "./run-script.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const file = join(dataDir, "streams.yaml");
const adminKey = "the-admin-key-of-these-tests";
const type = "shop.order";
let runtime: LocalRuntime;
let admin: Api;
let client: Api;

beforeAll(async () => {
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  admin = { url: runtime.url, key: adminKey };
  await moveTo(admin, "2026-11-23T08:00:00Z");
  client = { url: runtime.url, key: await createKey(admin, ["write:*"], "test") };
});

afterAll(async () => {
  await runtime.dispose();
  rmSync(dataDir, { recursive: true, force: true });
});

function streams(...args: string[]): Promise<Ran> {
  return runScript("streams", [...args, "--url", runtime.url, "--key", adminKey, "--data", dataDir]);
}

function apply(price: string): Promise<Ran> {
  const schema = `{ type: object, required: [price], properties: { price: { type: ${price} } } }`;
  writeFileSync(file, `streams:\n  ${type}:\n    onInvalid: quarantine\n    schema: ${schema}\n`);
  return streams("apply", file);
}

const Reply = z.looseObject({ accepted: z.number(), quarantined: z.number() });

async function post(id: string, price: number): Promise<z.infer<typeof Reply>> {
  const event = { specversion: "1.0", source: "e2e", type, id, data: { price } };
  return Reply.parse(await call(client, "POST", "/v1/events", [event]));
}

const Buckets = z.looseObject({
  buckets: z.array(z.looseObject({ hour: HourText, state: z.string(), rows: z.number().nullable() })),
});

async function bucketsOf(name: string): Promise<unknown[]> {
  const { buckets } = Buckets.parse(await call(admin, "GET", `/v1/buckets?type=${encodeURIComponent(name)}`));
  return buckets.map(({ hour, state, rows }) => [hour, state, rows]);
}

async function sealedInR2(hour: string): Promise<boolean> {
  const bucket = await runtime.miniflare.getR2Bucket("EVENTS", readProjectConfig("local").name);
  const { objects } = await bucket.list({ prefix: "events/" });
  return objects.some(({ key }) => key.includes(`type=${type}/`) && key.includes(`hour=${hour}/_SUCCESS`));
}

test("[KE5] [CF1] without D1 events are taken in, quarantined and sealed, and nothing can be changed", async () => {
  expect(await apply("integer")).toMatchObject({ code: 0 });
  expect(await post("before", 1)).toMatchObject({ accepted: 1 });

  await takeCatalogAway(runtime);
  expect(await post("good", 2)).toMatchObject({ accepted: 1, quarantined: 0 });
  expect(await post("bad", 2.5)).toMatchObject({ accepted: 0, quarantined: 1 });
  const change = callOnce(admin, "PUT", "/v1/streams/another", {});
  await expect(change).rejects.toMatchObject({ status: 503 });

  // The hour ends, and hours later the edge has nothing newer than what it holds.
  await moveClock(admin, "2026-11-23T09:30:00Z");
  expect(await sealedInR2("08")).toBe(true);
  await runCron(admin);
  expect(await post("late in the outage", 3)).toMatchObject({ accepted: 1 });
});

test("[KE5] [QU5] back again the hours are audited, the schema is mended, and what was quarantined is replayed", async () => {
  await bringCatalogBack(runtime);
  for (let run = 0; run < 3; run++) await runCron(admin);
  expect(await bucketsOf(type)).toContainEqual(["2026-11-23T08", "sealed", 2]);
  expect(await bucketsOf("hourseal.quarantine")).toContainEqual(["2026-11-23T08", "sealed", 1]);

  expect(await apply("number")).toMatchObject({ code: 0 });
  const replayed = await streams("replay-quarantine", type, "--client", client.key);
  expect(replayed.stdout).toContain("1 accepted, 0 duplicates, 0 still quarantined, 0 refused");
  await moveTo(admin, "2026-11-23T10:30:00Z");
  for (let run = 0; run < 3; run++) await runCron(admin);
  const report = await readReport(admin, HourText.parse("2026-11-23T09"));
  expect(report.text).toContain(" 0 not");
  expect(report.balanced).toBe(true);
  // The one of the outage, and the one that was replayed.
  expect(await bucketsOf(type)).toContainEqual(["2026-11-23T09", "sealed", 2]);
});
