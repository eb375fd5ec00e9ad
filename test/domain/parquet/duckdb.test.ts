/** Parquet parts as DuckDB reads them, row by row the events that were posted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventBytesMax, nestingMax } from "../../../domain/limits.ts";
import { bucketPrefix } from "../../../domain/manifest.ts";
import { type Field, columnsOf } from "../../../domain/parquet/columns.ts";
import { hour, type } from "../make.ts";
import { type Database, openDuckDb } from "./duckdb.ts";
import { lineOf, parquetOf } from "./make.ts";

let folder: string;
let duckDb: Database;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hourseal-test-"));
  duckDb = await openDuckDb();
});

afterAll(() => {
  duckDb.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, lines: Iterable<string>, typed: readonly Field[] = []): string {
  const path = join(folder, `${name}.parquet`);
  writeFileSync(path, parquetOf(lines, typed));
  return `'${path}'`;
}

const schema = {
  properties: {
    page: { type: "string" },
    count: { type: "integer" },
    score: { type: "number" },
    seen: { type: "boolean" },
    at: { type: "string", format: "date-time" },
    tags: { type: "array", items: { type: "string" } },
    user: {
      properties: {
        name: { type: "string" },
        mails: { items: { properties: { at: { type: "string" }, ok: { type: "boolean" } } } },
      },
    },
    any: {},
  },
};

describe("DuckDB", () => {
  it("[FO6] knows the type of every column", async () => {
    const from = file("types", [lineOf({ id: "1" })], columnsOf(schema));
    const columns = await duckDb.rows(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${from})`,
    );
    expect(Object.fromEntries(columns.map((row) => [row["column_name"], row["column_type"]]))).toEqual({
      id: "VARCHAR",
      source: "VARCHAR",
      type: "VARCHAR",
      specversion: "VARCHAR",
      subject: "VARCHAR",
      time: "TIMESTAMP WITH TIME ZONE",
      time_posted: "VARCHAR",
      received_at: "TIMESTAMP WITH TIME ZONE",
      home_hour: "VARCHAR",
      unguarded: "BOOLEAN",
      schema_version: "INTEGER",
      datacontenttype: "VARCHAR",
      dataschema: "VARCHAR",
      extensions: "MAP(VARCHAR, VARCHAR)",
      data: "JSON",
      binary: "BLOB",
      rest: "JSON",
      data_page: "VARCHAR",
      data_count: "BIGINT",
      data_score: "DOUBLE",
      data_seen: "BOOLEAN",
      data_at: "TIMESTAMP WITH TIME ZONE",
      data_tags: "VARCHAR[]",
      data_user: 'STRUCT("name" VARCHAR, mails STRUCT("at" VARCHAR, ok BOOLEAN)[])',
      data_any: "JSON",
    });
  });

  it("[FO6] reads every value of typed columns, absent ones and empty ones told apart", async () => {
    const data = [
      '{"page":"/ä","count":-9007199254740991,"score":1e-300,"seen":false,"at":"2026-11-23T12:00:00.000001+02:00","tags":["a",null,"b"],"user":{"name":"n","mails":[{"at":"x","ok":true},{"ok":null},null]},"any":{"b":[1]}}',
      '{"tags":[],"user":{},"any":null}',
      '{"user":{"mails":[]}}',
      '{"page":1}',
    ];
    const from = file(
      "values",
      data.map((text, no) => lineOf({ id: String(no) }, text)),
      columnsOf(schema),
    );
    const nothing = { data_page: null, data_count: null, data_score: null, data_seen: null, data_at: null };
    expect(
      await duckDb.rows(`SELECT COLUMNS('data_.*'), CAST(rest AS VARCHAR) AS rest FROM ${from} ORDER BY id`),
    ).toEqual([
      {
        data_page: "/ä",
        data_count: "-9007199254740991",
        data_score: 1e-300,
        data_seen: false,
        data_at: "2026-11-23 10:00:00.000001+00",
        data_tags: ["a", null, "b"],
        data_user: { name: "n", mails: [{ at: "x", ok: true }, { at: null, ok: null }, null] },
        data_any: '{"b":[1]}',
        rest: null,
      },
      { ...nothing, data_tags: [], data_user: { name: null, mails: null }, data_any: null, rest: null },
      { ...nothing, data_tags: null, data_user: { name: null, mails: [] }, data_any: null, rest: null },
      { ...nothing, data_tags: null, data_user: null, data_any: null, rest: '{"page":1}' },
    ]);
  });

  it("[FO6] reads the largest and the deepest events, and none", async () => {
    const deep = `${"[".repeat(nestingMax - 2)}1${"]".repeat(nestingMax - 2)}`;
    const large = JSON.stringify("ü".repeat(eventBytesMax / 2 - 1_000));
    const from = file("sizes", [
      ...Array.from({ length: 12 }, (_, no) => lineOf({ id: `large-${no}` }, large)),
      lineOf({ id: "deep" }, deep),
    ]);
    const [found] = await duckDb.rows(
      `SELECT count(*) AS n, sum(strlen(data ->> '$')) AS bytes FROM ${from} WHERE id LIKE 'large-%'`,
    );
    expect(found).toEqual({ n: "12", bytes: String(12 * (eventBytesMax - 2_000)) });
    const [deepest] = await duckDb.rows(
      `SELECT CAST(data AS VARCHAR) AS data FROM ${from} WHERE id = 'deep'`,
    );
    expect(deepest).toEqual({ data: deep });
    expect(await duckDb.rows(`SELECT * FROM ${file("none", [])}`)).toEqual([]);
  });

  it("[FO6] agrees with the posted events row by row, and finds them by their statistics", async () => {
    const events = Array.from({ length: 12_000 }, (_, no) => ({
      id: `event-${no}-${"é".repeat(no % 3)}`,
      source: `https://example.com/a/rather/long/prefix/${no % 50}`,
      time: `2026-11-23T10:${String(Math.floor(no / 200)).padStart(2, "0")}:00.${String(no % 1000).padStart(3, "0")}Z`,
      tenant: `t${no % 9}`,
    }));
    const from = file(
      "many",
      events.map((event, no) => lineOf(event, JSON.stringify({ no, text: "lorem ipsum ".repeat(100) }))),
    );
    const rows = await duckDb.rows(
      `SELECT id, source, strftime(time, '%Y-%m-%dT%H:%M:%S.%gZ') AS time, extensions['tenant'] AS tenant,
         CAST(data ->> '$.no' AS INTEGER) AS no FROM ${from} ORDER BY no`,
    );
    expect(rows).toEqual(events.map((event, no) => ({ ...event, no })));
    const [groups] = await duckDb.rows(
      `SELECT count(*) AS n, bool_and(stats_min_value IS NOT NULL AND stats_max_value IS NOT NULL) AS bounds
       FROM parquet_metadata(${from}) WHERE path_in_schema IN ('id', 'source', 'time', 'received_at')`,
    );
    expect(Number(groups?.["n"])).toBeGreaterThan(4);
    expect(groups?.["bounds"]).toBe(true);
    const [one] = await duckDb.rows(
      `SELECT count(*) AS n FROM ${from} WHERE time >= '2026-11-23 10:59:00Z' AND source = '${events[7]?.source ?? ""}'`,
    );
    expect(one).toEqual({ n: "4" });
  });

  it("[FO7] reads hours of different schema versions as one table", async () => {
    const versions = [
      { properties: { page: { type: "string" }, user: { properties: { name: { type: "string" } } } } },
      {
        properties: {
          page: { type: "string" },
          user: { properties: { name: { type: "string" }, age: { type: "integer" } } },
          score: { type: "number" },
        },
      },
      null,
    ];
    versions.forEach((version, no) => {
      const prefix = join(folder, bucketPrefix({ type, hour }).replace("hour=10", `hour=1${no}`));
      mkdirSync(prefix, { recursive: true });
      const data = JSON.stringify({ page: `/${no}`, user: { name: "n", age: no }, score: no / 2 });
      writeFileSync(
        join(prefix, "part-merged-0.parquet"),
        parquetOf([lineOf({ id: String(no) }, data)], columnsOf(version)),
      );
    });
    const from = `read_parquet('${folder}/events/*/*/*/*.parquet', union_by_name = true, hive_partitioning = true)`;
    expect(
      await duckDb.rows(
        `SELECT id, hour, data_page, data_score, data_user.name AS name, data_user.age AS age, type,
           data ->> '$.page' AS page, CAST(rest AS VARCHAR) AS rest FROM ${from} ORDER BY id`,
      ),
    ).toEqual([
      {
        id: "0",
        hour: "10",
        data_page: "/0",
        data_score: null,
        name: "n",
        age: null,
        type,
        page: "/0",
        rest: '{"user":{"name":"n","age":0},"score":0}',
      },
      {
        id: "1",
        hour: "11",
        data_page: "/1",
        data_score: 0.5,
        name: "n",
        age: "1",
        type,
        page: "/1",
        rest: null,
      },
      {
        id: "2",
        hour: "12",
        data_page: null,
        data_score: null,
        name: null,
        age: null,
        type,
        page: "/2",
        rest: null,
      },
    ]);
  });
});
