/**
 * Events of every kind, posted to the running system, sealed in both formats and pulled; then read by others' readers
 * and held row by row against what was posted.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetMetadata } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventBytesMax, nestingMax } from "../../domain/limits.ts";
import { Manifest, type Part } from "../../domain/manifest.ts";
import { type Api, createKey } from "../../scripts/local/client.ts";
import { type LocalRuntime, startLocalRuntime } from "../../scripts/local/runtime.ts";
import { ReplayClock } from "../../scripts/replay/clock.ts";
import { settle } from "../../scripts/replay/settle.ts";
import { gunzipSync } from "node:zlib";
import { type Database, openDuckDb } from "../domain/parquet/duckdb.ts";
import { readers } from "./readers/readers.ts";
import { filesIn, moveTo, postEvents, pullHere, register } from "./pulling.ts";
import { runScript } from "./run-script.ts";

const temporary = mkdtempSync(join(tmpdir(), "hourseal-test-"));
const dataDir = join(temporary, "data");
const lake = join(temporary, "lake");
const kinds = "shop.kinds é";
const bulk = "shop.bulk";
const empty = "shop.empty";
const typed = "shop.typed";
const hour = "2026-05-01T08";
let runtime: LocalRuntime;
let duckDb: Database;

interface Posted {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The text of `data`; null: the event has none. */
  readonly data: string | null;
}

function posted(attributes: object, data: string | null = null): Posted {
  return { attributes: { specversion: "1.0", source: "//test/kinds", type: kinds, ...attributes }, data };
}

function jsonOf({ attributes, data }: Posted): string {
  const json = JSON.stringify(attributes);
  return data === null ? json : `${json.slice(0, -1)},"data":${data}}`;
}

const deep = nestingMax - 2;
const large = eventBytesMax - 1_000;

/** JSON that no text can hold, and what columns have of it. */
const half = '{"a":"\\uD83D"}';
const repaired = '{"a":"\\ufffd"}';

/** One of each: types, nulls, numbers as they were written, unicode, nesting, sizes, times, extensions, binary data. */
const events: readonly Posted[] = [
  posted({ id: "none" }),
  posted({ id: "null" }, "null"),
  posted({ id: "true" }, "true"),
  posted({ id: "number" }, "1.50e+3"),
  posted({ id: "big" }, "123456789012345678901234567890"),
  posted({ id: "text" }, '"\\u00e9 é 漢 😀 \\n \\u0000"'),
  posted({ id: "half" }, half),
  posted({ id: "array" }, '[1, null, "a" , {"b": []}]'),
  posted({ id: "object" }, '{"a": {"b": null}, "a": 2, "": "empty name", "ü": "ä"}'),
  posted({ id: "deep" }, `${"[".repeat(deep)}7${"]".repeat(deep)}`),
  posted({ id: "large" }, JSON.stringify("ü".repeat(large / 2))),
  posted({ id: "ü 漢 😀 '\"\\", source: "urn:%C3%A4?x=1#y" }, "{}"),
  posted({ id: "time", time: "2026-05-01T08:30:00.123456Z", subject: "s" }, "1"),
  posted({ id: "offset", time: "2026-05-01T10:30:00.5+02:00" }, "1"),
  posted({ id: "nanos", time: "2026-05-01T08:30:00.123456789Z" }, "1"),
  posted({ id: "late", time: "2026-05-01T05:00:00Z" }, "1"),
  posted({ id: "extended", exttext: "x", extnumber: -7, exttrue: true, partitionkey: "k" }, "1"),
  posted({ id: "binary", datacontenttype: "application/octet-stream", data_base64: "AAEC/w==" }),
  posted({ id: "xml", datacontenttype: "application/xml", dataschema: "https://schema.test/1" }, '"<a/>"'),
];

beforeAll(async () => {
  duckDb = await openDuckDb();
  const adminKey = "the-admin-key-of-these-tests";
  runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  const admin: Api = { url: runtime.url, key: adminKey };
  await moveTo(admin, `${hour}:00:00Z`);
  const formats = ["parquet", "ndjson.gz"];
  await register(admin, kinds, { shards: 3, partitionBy: "id", formats });
  await register(admin, bulk, { formats });
  await register(admin, empty, { formats: ["parquet"] });
  const key = await createKey(admin, ["write:*"], "test");
  const reply = await fetch(`${runtime.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
    body: events.map((event) => `${jsonOf(event)}\n`).join(""),
  });
  expect(await reply.json()).toMatchObject({ accepted: events.length, refused: [] });
  const ids = Array.from({ length: 400 }, (_, no) => `b${no}`);
  await postEvents(admin, bulk, `${hour}:00:01Z`, ids, 60_000);
  await postTyped(admin, key);
  const report = await settle(admin, new ReplayClock(admin), Date.parse("2026-05-01T10:30:00Z"));
  if (!report.balanced) throw new Error(report.text);
  const reader = await createKey(admin, ["read:buckets"], "analyst");
  for (const type of [kinds, bulk, empty, typed]) {
    const args = [type, "--dest", lake, "--url", runtime.url, "--key", reader, "--format", "all"];
    const pulled = await pullHere(args);
    expect(pulled, pulled.stderr).toMatchObject({ code: 0 });
  }
}, 180_000);

afterAll(async () => {
  duckDb.close();
  await runtime.dispose();
  rmSync(temporary, { recursive: true, force: true });
});

const count = { type: "integer" };
const first = { type: "object", properties: { page: { type: "string" }, count } };
const second = {
  ...first,
  properties: { ...first.properties, tags: { type: "array", items: { type: "string" } } },
};

/** Hour 08 under one version of a schema, hour 09 under the next one, which knows one field more. */
async function postTyped(admin: Api, key: string): Promise<void> {
  const one = async (time: string, id: string, data: string): Promise<void> => {
    const event = { specversion: "1.0", source: "//test/typed", type: typed, id, time };
    const reply = await fetch(`${runtime.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: `${JSON.stringify(event).slice(0, -1)},"data":${data}}`,
    });
    expect(await reply.json()).toMatchObject({ accepted: 1 });
  };
  await register(admin, typed, { formats: ["parquet"], schema: first });
  await one(`${hour}:10:00Z`, "1", '{"page":"/a","count":1}');
  await one(`${hour}:11:00Z`, "2", '{"page":"/b","count":12345678901234567890,"more":{"x":[1]}}');
  await moveTo(admin, "2026-05-01T09:00:00Z");
  await register(admin, typed, { formats: ["parquet"], schema: second });
  await one("2026-05-01T09:10:00Z", "3", '{"page":"/c","count":3,"tags":["t"],"other":1}');
}

function folderOf(type: string): string {
  return join(lake, "events", `type=${encodeURIComponent(type)}`, "date=2026-05-01", "hour=08");
}

function manifestOf(type: string): Manifest {
  return Manifest.parse(JSON.parse(readFileSync(join(folderOf(type), "_manifest.json"), "utf8")));
}

function partsOf(type: string, format: Part["format"]): string[] {
  return manifestOf(type)
    .parts.filter((part) => part.format === format)
    .map(({ key }) => join(lake, key));
}

function from(type: string): string {
  return `read_parquet([${partsOf(type, "parquet")
    .map((path) => `'${path}'`)
    .join(", ")}])`;
}

/** Attributes of CloudEvents; all others of an event are extensions. */
const own = new Set(
  "id source type specversion subject time datacontenttype dataschema data_base64".split(" "),
);

/** What the columns of a row must hold, told from what was posted and from nothing else. */
function expectedOf({ attributes, data }: Posted): Record<string, unknown> {
  const { time = null } = attributes as { time?: string | null };
  const extensions = Object.entries(attributes).filter(([name]) => !own.has(name));
  const base64 = attributes["data_base64"];
  return {
    id: attributes["id"],
    source: attributes["source"],
    type: kinds,
    specversion: "1.0",
    subject: attributes["subject"] ?? null,
    time: time === null ? null : String(Date.parse(time) * 1_000 + microsBelowMs(time)),
    datacontenttype: attributes["datacontenttype"] ?? null,
    dataschema: attributes["dataschema"] ?? null,
    extensions:
      extensions.length === 0
        ? null
        : Object.fromEntries(extensions.map(([name, value]) => [name, String(value)])),
    data: data === half ? repaired : data,
    binary:
      typeof base64 === "string"
        ? Buffer.from(base64, "base64").toString("hex")
        : data === half
          ? hexOf(half)
          : null,
  };
}

function microsBelowMs(time: string): number {
  return Number(/\.\d{3}(\d{3})/.exec(time)?.[1] ?? 0);
}

function hexOf(text: string): string {
  return Buffer.from(text).toString("hex");
}

const byId = (a: Record<string, unknown>, b: Record<string, unknown>): number =>
  String(a["id"]) < String(b["id"]) ? -1 : 1;
const expected = events.map(expectedOf).toSorted(byId);

describe("[FO1] [FO6] [FO9] an hour with an event of every kind", () => {
  test.for(readers)("is read by $name as it was posted, row by row", async ({ absent, rowsOf }, context) => {
    context.skip(absent !== null, absent ?? "");
    const found = (await rowsOf(partsOf(kinds, "parquet"))).flat();
    const names = Object.keys(expected[0] ?? {});
    const told = found.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])));
    expect(told.toSorted(byId)).toEqual(expected);
  });

  test("has in its lines the very texts that were posted", () => {
    const lines = partsOf(kinds, "ndjson.gz").flatMap((path) =>
      gunzipSync(readFileSync(path)).toString("utf8").split("\n").slice(0, -1),
    );
    const texts = lines.map((line) => line.slice(line.indexOf('"event":') + 8, -1));
    expect(texts.toSorted()).toEqual(events.map(jsonOf).toSorted());
  });

  test("says in every row when it came and where it belongs, and keeps times beyond microseconds as text", async () => {
    const rows = await duckDb.rows(`
      SELECT id, time_posted, home_hour FROM ${from(kinds)}
      WHERE time_posted IS NOT NULL OR home_hour <> '${hour}' ORDER BY id`);
    expect(rows).toEqual([
      { id: "late", time_posted: null, home_hour: "2026-05-01T05" },
      { id: "nanos", time_posted: "2026-05-01T08:30:00.123456789Z", home_hour: hour },
      { id: "offset", time_posted: "2026-05-01T10:30:00.5+02:00", home_hour: hour },
    ]);
  });

  test("is one object in each format, however many shards it had", () => {
    const { parts, shards, plan } = manifestOf(kinds);
    expect(shards.length).toBeGreaterThan(1);
    expect(plan?.formats).toEqual(["ndjson.gz", "parquet"]);
    expect(parts.map(({ key, format }) => [key.replace(/.*\//, ""), format])).toEqual([
      ["part-merged-0.ndjson.gz", "ndjson.gz"],
      ["part-merged-0.parquet", "parquet"],
    ]);
  });
});

test("[FO5] every file of columns says what it is, with the manifest's figures", () => {
  for (const type of [kinds, bulk]) {
    for (const part of manifestOf(type).parts.filter(({ format }) => format === "parquet")) {
      const file = new Uint8Array(readFileSync(join(lake, part.key))).buffer;
      const facts = parquetMetadata(file).key_value_metadata ?? [];
      expect(Object.fromEntries(facts.map(({ key, value }) => [key, value]))).toEqual({
        "hourseal.type": type,
        "hourseal.hour": hour,
        "hourseal.rows": String(part.tally.rows),
        "hourseal.identity_sum": part.tally.sum,
      });
    }
  }
});

test("[FO1] [PA4] an hour of many bytes has parts that shards put, with the same rows in each format", async () => {
  const { parts, rows } = manifestOf(bulk);
  expect(rows).toBe(400);
  expect(parts.filter(({ origin }) => origin === 0).map(({ format }) => format)).toContain("parquet");
  const [columns] = await duckDb.rows(
    `SELECT count(*) AS rows, count(DISTINCT id) AS ids, sum(length(data::VARCHAR)) AS chars FROM ${from(bulk)}`,
  );
  const list = partsOf(bulk, "ndjson.gz").map((path) => `'${path}'`);
  const [lines] = await duckDb.rows(`
    SELECT count(*) AS rows, count(DISTINCT event ->> '$.id') AS ids, sum(length((event -> '$.data')::VARCHAR)) AS chars
    FROM read_json([${list.join(", ")}], format = 'newline_delimited', compression = 'gzip',
      maximum_object_size = 4194304, columns = {event: 'JSON'})`);
  expect(columns).toEqual(lines);
  expect(columns?.["ids"]).toBe("400");
});

test("[FO3] [FO7] fields of a schema are columns, and hours of several versions one table", async () => {
  const rows = await duckDb.rows(`
    SELECT id, schema_version, data_page, data_count, data_tags, rest::VARCHAR AS rest, data::VARCHAR AS data
    FROM read_parquet('${join(lake, "events", `type=${typed}`)}/date=*/hour=*/part-*.parquet', union_by_name = true)
    ORDER BY id`);
  expect(rows).toEqual([
    {
      id: "1",
      schema_version: 1,
      data_page: "/a",
      data_count: "1",
      data_tags: null,
      rest: null,
      data: '{"page":"/a","count":1}',
    },
    {
      id: "2",
      schema_version: 1,
      data_page: "/b",
      data_count: null,
      data_tags: null,
      rest: '{"count":12345678901234567890,"more":{"x":[1]}}',
      data: '{"page":"/b","count":12345678901234567890,"more":{"x":[1]}}',
    },
    {
      id: "3",
      schema_version: 2,
      data_page: "/c",
      data_count: "3",
      data_tags: ["t"],
      rest: '{"other":1}',
      data: '{"page":"/c","count":3,"tags":["t"],"other":1}',
    },
  ]);
  const [part] = partsOf(typed, "parquet");
  const facts = parquetMetadata(new Uint8Array(readFileSync(part ?? "")).buffer).key_value_metadata ?? [];
  expect(facts).toContainEqual({ key: "hourseal.schema_version", value: "1" });
});

test("[FO1] [BU6] an hour in which nothing came has no part, and is there", () => {
  expect(filesIn(folderOf(empty))).toEqual(["_SUCCESS", "_manifest.json"]);
  expect(manifestOf(empty)).toMatchObject({ rows: 0, parts: [] });
});

test("[AU10] verify recounts both formats from the objects", async () => {
  await runtime.dispose();
  const { code, stdout } = await runScript("verify", ["--data", dataDir]);
  expect(stdout).toContain("all balanced");
  expect(code).toBe(0);
}, 60_000);
