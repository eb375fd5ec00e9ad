/** Any string as a type: registered, posted, sealed, found over HTTP, listed, shown, and pulled into a folder. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { HourText } from "../../domain/hour.ts";
import { Manifest } from "../../domain/manifest.ts";
import { typeSegment } from "../../domain/segment.ts";
import { readReport } from "../../scripts/local/audit-report.ts";
import { type Api, call, putStream, runCron } from "../../scripts/local/client.ts";
import { filesIn, idsIn, moveTo, pullHere } from "./pulling.ts";
import { runScript } from "./run-script.ts";
import { type Running, start } from "./running.ts";

const types = [
  ".",
  "..",
  "...",
  "%",
  "%2E",
  "%2F..%2F",
  "/",
  "../..",
  "a/b",
  "\\",
  "=",
  "=.",
  "?a=b#c",
  "*",
  " ",
  "x",
  "null",
  "__proto__",
  "'\"",
  "é",
  "e\u0301",
  "🦭",
  "x".repeat(255),
  "🦭".repeat(63) + "abc",
];

const dataDir = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const hour = HourText.parse("2026-11-23T10");
let running: Running;
let api: Api;

beforeAll(async () => {
  running = await start(dataDir, ["--port", "0", "--clock", "2026-11-23T10:05:00Z"]);
  api = { url: running.url, key: readFileSync(join(dataDir, "admin-key"), "utf8").trim() };
  for (const type of types) await putStream(api, type);
  const events = types.map((type, no) => ({ specversion: "1.0", source: "/e2e", type, id: `id-${no}` }));
  const client = { ...api, key: readFileSync(join(dataDir, "client-key"), "utf8").trim() };
  expect(await call(client, "POST", "/v1/events", events)).toMatchObject({ accepted: types.length });
  await moveTo(api, "2026-11-23T11:30:00Z");
  for (let run = 0; run < 3; run++) await runCron(api);
});

afterAll(async () => {
  await running.end("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

const Buckets = z.looseObject({ buckets: z.array(z.looseObject({ type: z.string(), rows: z.number() })) });

test("[KE6] the hour of every type is sealed and balanced", async () => {
  const report = await readReport(api, hour);
  expect(report.text).toContain(`${types.length} rows`);
  expect(report.balanced).toBe(true);
});

describe("[KE6] type", () => {
  test.each(types.map((type, no) => [type, no] as const))("%j", async (type, no) => {
    const path = `/v1/buckets/${typeSegment(type)}/${hour}`;
    const manifest = Manifest.parse(await call(api, "GET", path));
    expect(manifest).toMatchObject({ type, rows: 1 });
    const [part] = manifest.parts;
    const name = part?.key.slice(part.key.lastIndexOf("/") + 1) ?? "";
    const headers = { authorization: `Bearer ${api.key}` };
    const reply = await fetch(`${api.url}${path}/parts/${name}`, { headers });
    expect(JSON.parse(gunzipSync(await reply.arrayBuffer()).toString("utf8"))).toMatchObject({
      event: { type, id: `id-${no}` },
    });
    const listed = await call(api, "GET", `/v1/buckets?${new URLSearchParams({ type }).toString()}`);
    expect(Buckets.parse(listed).buckets).toMatchObject([{ type, rows: 1 }]);
    expect(await call(api, "GET", `/v1/streams/${typeSegment(type)}`)).toMatchObject({ type });
    expect(await call(api, "GET", `/v1/audit/buckets/${typeSegment(type)}/${hour}`)).toMatchObject({ type });
    const links = z.looseObject({ manifest: z.string() }).parse(await call(api, "POST", `${path}/links`));
    expect(await (await fetch(links.manifest)).json()).toMatchObject({ type });

    const dest = join(dataDir, `lake-${no}`);
    const options = ["--dest", dest, "--to", "2026-11-23T11", "--url", api.url, "--data", dataDir];
    expect(await pullHere([...options, "--", type])).toMatchObject({ code: 0 });
    const parts = filesIn(dest).filter((file) => file.endsWith(".gz"));
    expect(idsIn(parts.map((file) => join(dest, file)))).toEqual([`id-${no}`]);
    expect(filesIn(dest)).toHaveLength(3);
  });
});

test("[KE6] a type that is a step of a path is shown and explained by the commands too", async () => {
  const shown = await runScript("streams", ["show", "..", "--url", api.url, "--data", dataDir]);
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining("..:") as string });
  const explained = await runScript("ops", ["explain", "..", hour, "--url", api.url, "--data", dataDir]);
  expect(explained).toMatchObject({ code: 0, stdout: expect.stringContaining("balanced") as string });
});
