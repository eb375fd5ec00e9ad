/** What a stream does not take: quarantined, listed, the schema loosened, replayed, replayed again; and all is balanced. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { HourText } from "../../domain/hour.ts";
import { Manifest } from "../../domain/manifest.ts";
import { readReport } from "../../scripts/local/audit-report.ts";
import { type Api, call, runCron } from "../../scripts/local/client.ts";
import { moveTo } from "./pulling.ts";
import { type Ran, runScript } from "./run-script.ts";
import { type Running, start } from "./running.ts";

const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const file = join(dataDir, "streams.yaml");
const type = "e2e.order/ü";
let running: Running;
let api: Api;

beforeAll(async () => {
  running = await start(dataDir, ["--port", "0", "--clock", "2026-11-23T10:05:00Z"]);
  api = { url: running.url, key: readFileSync(join(dataDir, "admin-key"), "utf8").trim() };
});

afterAll(async () => {
  await running.end("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

function streams(...args: string[]): Promise<Ran> {
  return runScript("streams", [...args, "--url", running.url, "--data", dataDir]);
}

async function apply(price: string): Promise<void> {
  const schema = `{ type: object, required: [price], properties: { price: { type: ${price} } } }`;
  writeFileSync(
    file,
    `streams:\n  ${JSON.stringify(type)}:\n    onInvalid: quarantine\n    schema: ${schema}\n`,
  );
  expect((await streams("apply", file)).code).toBe(0);
}

function eventOf(id: string, price: string, time: string | null): string {
  const dated = time === null ? "" : `"time":"${time}",`;
  return `{"specversion":"1.0","source":"/e2e","id":"${id}","type":"${type}",${dated}"data":{"price":${price}}}`;
}

const good = ["g1", "g2"].map((id) => eventOf(id, "1", "2026-11-23T10:01:00Z"));
const bad = [
  eventOf("b1", "1.50", "2026-11-23T10:02:00Z"),
  eventOf("b2", "2.5", "2026-11-23T10:03:00Z"),
  eventOf("b3", "3.5", null),
];

const Reply = z.looseObject({ accepted: z.number(), duplicates: z.number(), quarantined: z.number() });

async function post(events: readonly string[]): Promise<z.infer<typeof Reply>> {
  const reply = await fetch(`${running.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${readFileSync(join(dataDir, "client-key"), "utf8").trim()}` },
    body: `[${events.join(",")}]`,
  });
  return Reply.parse(await reply.json());
}

const Buckets = z.looseObject({ buckets: z.array(z.looseObject({ hour: HourText, rows: z.number() })) });

/** Every row of a stream, from the parts of its sealed hours. */
async function rowsOf(name: string): Promise<{ id: string; text: string }[]> {
  const path = encodeURIComponent(name);
  const headers = { authorization: `Bearer ${api.key}` };
  const { buckets } = Buckets.parse(await call(api, "GET", `/v1/buckets?type=${path}&state=sealed`));
  const rows: { id: string; text: string }[] = [];
  for (const { hour } of buckets) {
    const { parts } = Manifest.parse(await call(api, "GET", `/v1/buckets/${path}/${hour}`));
    for (const { key } of parts) {
      const part = key.slice(key.lastIndexOf("/") + 1);
      const reply = await fetch(`${running.url}/v1/buckets/${path}/${hour}/parts/${part}`, { headers });
      const lines = gunzipSync(await reply.arrayBuffer())
        .toString("utf8")
        .split("\n")
        .slice(0, -1);
      for (const text of lines) rows.push({ id: Row.parse(JSON.parse(text)).event.id, text });
    }
  }
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

const Row = z.looseObject({ event: z.looseObject({ id: z.string() }) });

/** Everything up to this time is sealed and audited. */
async function settle(time: string): Promise<void> {
  await moveTo(api, time);
  for (let run = 0; run < 3; run++) await runCron(api);
  const report = await readReport(api, HourText.parse(previousHour(time)));
  expect(report.text).toContain(" 0 not");
  expect(report.balanced).toBe(true);
}

function previousHour(time: string): string {
  return new Date(Date.parse(time) - 3_600_000).toISOString().slice(0, 13);
}

test("[QU1] [QU3] what breaks the schema is quarantined, once however often it is sent, and the hour is balanced", async () => {
  await apply("integer");
  expect(await post([...good, ...bad])).toMatchObject({ accepted: 2, quarantined: 3 });
  expect(await post(bad.toReversed())).toMatchObject({ accepted: 0, duplicates: 0, quarantined: 3 });
  await settle("2026-11-23T11:30:00Z");
  expect((await rowsOf(type)).map(({ id }) => id)).toEqual(["g1", "g2"]);
  expect(await rowsOf("hourseal.quarantine")).toHaveLength(3);
});

test("[QU4] it is listed per stream, with the reason", async () => {
  const listed = await streams("quarantine", type);
  expect(listed.code).toBe(0);
  const lines = listed.stdout.split("\n").toSorted();
  expect(lines.filter((line) => line.includes("schema_violation /data/price"))).toHaveLength(3);
  expect(listed.stdout).toContain('2026-11-23T10  schema_violation /data/price  id "b1" from "/e2e": ');
  expect(listed.stdout).toContain(`3 events of ${JSON.stringify(type)} in quarantine`);
  expect((await streams("quarantine", type, "--from", "2026-11-23T11")).stdout).toContain("0 events of");
  expect((await streams("quarantine", "another")).stdout).toContain("0 events of");
});

test("[QU5] replayed before it is mended it stays where it is", async () => {
  const replayed = await streams("replay-quarantine", type);
  expect(replayed.stdout).toContain("replayed 3 events");
  expect(replayed.stdout).toContain("0 accepted, 0 duplicates, 3 still quarantined, 0 refused");
  expect(replayed.code).toBe(1);
});

test("[QU5] replayed after the schema was loosened each is in its stream once; replayed again nothing is added", async () => {
  await apply("number");
  const replayed = await streams(
    "replay-quarantine",
    type,
    "--from",
    "2026-11-23T10",
    "--to",
    "2026-11-23T11",
  );
  expect(replayed).toMatchObject({ code: 0, stderr: "" });
  expect(replayed.stdout).toContain("3 accepted, 0 duplicates, 0 still quarantined, 0 refused");
  // In the same hour, and after that hour was sealed.
  expect((await streams("replay-quarantine", type)).stdout).toContain("replayed 3 events");
  await settle("2026-11-23T12:30:00Z");
  expect((await streams("replay-quarantine", type)).code).toBe(0);
  await settle("2026-11-23T13:30:00Z");

  const rows = await rowsOf(type);
  expect(rows.map(({ id }) => id)).toEqual(["b1", "b2", "b3", "g1", "g2"]);
  for (const event of [...good, ...bad]) {
    expect(rows.filter(({ text }) => text.includes(`"event":${event}`))).toHaveLength(1);
  }
  expect(await rowsOf("hourseal.quarantine")).toHaveLength(3);
});
