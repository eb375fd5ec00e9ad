/**
 * What the docs tell analysts to run, taken from their pages word for word and run beside a pulled folder: the events of the
 * README, posted, sealed in both formats, and pulled as its commands say.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, createKey } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { ReplayClock } from "../../scripts/replay/clock.ts";
import { settle } from "../../scripts/replay/settle.ts";
import type { Database } from "../domain/parquet/duckdb.ts";
import { moveTo, pullHere, register } from "./pulling.ts";
import { blocksOf, duckDbIn } from "./queries.ts";
import { python, readers } from "./readers/readers.ts";

const temporary = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const type = "demo.page-view";
let runtime: LocalRuntime;
let duckDb: Database;

/** The README's events, under a schema of which the second hour has a newer version. */
const schemas = [
  { type: "object", properties: { page: { type: "string" } } },
  { type: "object", properties: { page: { type: "string" }, ms: { type: "integer" } } },
];
const events = [
  { id: "p-1", time: "2026-11-23T10:00:05Z", data: { page: "/a" } },
  { id: "p-2", time: "2026-11-23T10:30:00Z", data: { page: "/b", more: [1] } },
  { id: "p-3", time: "2026-11-23T11:15:00Z", data: { page: "/c", ms: 12 } },
];

beforeAll(async () => {
  const adminKey = "the-admin-key-of-these-tests";
  const dataDir = join(temporary, "data");
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  duckDb = await duckDbIn(temporary);
  const admin: Api = { url: runtime.url, key: adminKey };
  const key = await createKey(admin, ["write:*"], "test");
  for (const [hour, schema] of schemas.entries()) {
    await moveTo(admin, `2026-11-23T1${hour}:00:00Z`);
    await register(admin, type, { formats: ["ndjson.gz", "parquet"], schema });
    for (const { time, ...event } of events.filter((one) => one.time.includes(`T1${hour}:`))) {
      await moveTo(admin, time);
      const reply = await fetch(`${runtime.url}/v1/events`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/cloudevents+json" },
        body: JSON.stringify({ specversion: "1.0", source: "readme", type, time, ...event }),
      });
      expect(await reply.json()).toMatchObject({ accepted: 1 });
    }
  }
  const report = await settle(admin, new ReplayClock(admin), Date.parse("2026-11-23T11:30:00Z"));
  if (!report.balanced) throw new Error(report.text);
  const reader = await createKey(admin, ["read:buckets"], "analyst");
  const range = ["--from", "2026-11-23T10", "--to", "2026-11-23T12"];
  const dest = join(temporary, "lake");
  const target = ["--dest", dest, "--url", runtime.url, "--key", reader, "--format", "all"];
  expect(await pullHere([type, ...range, ...target])).toMatchObject({ stderr: "", code: 0 });
}, 120_000);

afterAll(async () => {
  duckDb.close();
  await runtime.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

/** Runs the blocks in order, and answers what the last statement of each found. */
async function answers(blocks: readonly string[]): Promise<Record<string, unknown>[][]> {
  const found: Record<string, unknown>[][] = [];
  for (const block of blocks) found.push(await duckDb.rows(block));
  return found;
}

describe("DuckDB", () => {
  test("[FO7] answers the queries of the README", async () => {
    const [minutes, sources, joined] = await answers(blocksOf("README.md", "## Query it", "sql"));
    expect(minutes?.map((row) => [row["type"], row["minute"], row["events"]])).toEqual([
      [type, "2026-11-23 10:00:00+00", "1"],
      [type, "2026-11-23 10:30:00+00", "1"],
      [type, "2026-11-23 11:15:00+00", "1"],
    ]);
    expect(sources).toMatchObject([{ source: "readme", events: "3", types: "1" }]);
    expect(joined).toMatchObject([{ source: "readme", events: "2", an_hour_later: "1" }]);
  });

  test("[FO7] answers the queries of docs/reading.md on a pulled folder: columns, versions of a schema, lines", async () => {
    const [columns, versions, posted, lines] = await answers(
      blocksOf("docs/reading.md", "### DuckDB on a pulled folder", "sql"),
    );
    expect(columns?.map((row) => [String(row["hour"]), row["id"], row["page"]])).toEqual([
      ["10", "p-1", "/a"],
      ["10", "p-2", "/b"],
      ["11", "p-3", "/c"],
    ]);
    expect(versions).toEqual([
      { schema_version: 1, id: "p-1", page: "/a", ms: null, rest: null },
      { schema_version: 1, id: "p-2", page: "/b", ms: null, rest: '{"more":[1]}' },
      { schema_version: 2, id: "p-3", page: "/c", ms: "12", rest: null },
    ]);
    expect(posted).toEqual([{ posted: '{"page":"/b","more":[1]}' }]);
    expect(lines?.map((row) => [String(row["hour"]), row["id"], row["page"]])).toEqual([
      ["10", "p-1", "/a"],
      ["10", "p-2", "/b"],
      ["11", "p-3", "/c"],
    ]);
  });

  test("takes parts from the manifests, as straight from R2", async () => {
    const [, list, rows] = blocksOf("docs/reading.md", "### DuckDB on R2", "sql");
    const here = [list, rows].map((sql = "") =>
      sql.replaceAll("r2://hourseal-events/", `${temporary}/lake/`),
    );
    const found = (await answers(here)).at(-1);
    expect(found).toEqual([{ events: "3" }]);
  });
});

test("Polars answers what docs/reading.md tells to run", async (context) => {
  const { absent } = readers.find(({ name }) => name === "polars") ?? { absent: "no reader" };
  context.skip(absent !== null, absent ?? "");
  const [script = ""] = blocksOf("docs/reading.md", "### Polars", "python");
  const { stdout } = await promisify(execFile)(
    python,
    ["-c", `${script}\nprint(events.select("id", "page").rows())`],
    { cwd: temporary },
  );
  expect(stdout.trim()).toBe("[('p-1', '/a'), ('p-2', '/b'), ('p-3', '/c')]");
});
