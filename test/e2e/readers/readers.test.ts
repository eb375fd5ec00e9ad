/**
 * Parquet parts as readers of other people read them, held row by row against what went in: DuckDB and hyparquet always,
 * pyarrow and Polars where there is a Python that has them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { eventBytesMax, nestingMax, parquetDepthMax } from "../../../domain/limits.ts";
import { columnPrefix, columnsOf } from "../../../domain/parquet/columns.ts";
import { lineOf, parquetOf } from "../../domain/parquet/make.ts";
import { type ReadRow, readers } from "./readers.ts";
import { typedFiles } from "./typed-data.ts";

/** As many rows as an hour of a large stream has, in several files. */
const million = 1_000_000;
const fileBytes = 64 * 1024 * 1024;
const timeOf = (no: number): string => new Date(Date.UTC(2026, 10, 23, 10) + no * 3).toISOString();
const lineNo = (no: number): string =>
  lineOf({ id: `e${no}`, source: `/s/${no % 97}`, time: timeOf(no) }, `{"no":${no}}`);
const millionPaths: string[] = [];

const folder = mkdtempSync(join(tmpdir(), "hourseal-test-"));

beforeAll(() => {
  const schema = { properties: { no: { type: "integer" } } };
  let lines: string[] = [];
  let bytes = 0;
  for (let no = 0; no < million; no++) {
    const line = lineNo(no);
    lines.push(line);
    bytes += line.length;
    if (bytes < fileBytes && no < million - 1) continue;
    millionPaths.push(file(`million-${millionPaths.length}`, lines, schema));
    lines = [];
    bytes = 0;
  }
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, lines: Iterable<string>, schema: unknown = null): string {
  const path = join(folder, `${name}.parquet`);
  writeFileSync(path, parquetOf(lines, columnsOf(schema)));
  return path;
}

/** The typed columns of a row, by the names of their fields. */
function typedOf(row: ReadRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([name]) => name.startsWith(columnPrefix))
      .map(([name, value]) => [name.slice(columnPrefix.length), value]),
  );
}

function byId(rows: readonly ReadRow[] | undefined): ReadRow[] {
  return (rows ?? []).toSorted((a, b) => Number(a["id"]) - Number(b["id"]));
}

const drawn = typedFiles(60);
const drawnPaths = drawn.map(({ schema, rows }, no) =>
  file(
    `drawn-${no}`,
    rows.map(({ json }, id) => lineOf({ id: String(id) }, json)),
    schema,
  ),
);

/** A list in a list in a list …, as deep as columns nest, around a struct. */
const deepSchema = {
  properties: {
    deep: Array.from({ length: parquetDepthMax - 2 }).reduce<object>((items) => ({ type: "array", items }), {
      properties: { leaf: { type: "integer" } },
    }),
  },
};
const nested = (inner: string, levels = parquetDepthMax - 2): string =>
  `${"[".repeat(levels)}${inner}${"]".repeat(levels)}`;
const deepData = [nested('{"leaf":1},null,{}'), nested(""), nested("null", 1), nested("[]", 2), "null"];
const deepPath = file(
  "deep",
  deepData.map((deep, id) => lineOf({ id: String(id) }, `{"deep":${deep}}`)),
  deepSchema,
);
const deepColumns = [
  JSON.parse(nested('{"leaf":"1"},null,{"leaf":null}')),
  JSON.parse(nested("")),
  [null],
  [[[]]],
  null,
] as readonly unknown[];

const strict = {
  properties: {
    text: { type: "string" },
    count: { type: "integer" },
    score: { type: "number" },
    flag: { type: "boolean" },
    at: { type: "string", format: "date-time" },
    list: { type: "array", items: { type: "integer" } },
    struct: { properties: { a: { type: "string" } } },
    any: {},
  },
};
/** Data that does not fit its columns; what is left in them; what `rest` must keep. */
const unfit: readonly (readonly [string, object, string | null])[] = [
  ['{"text":1,"count":"1","score":"x","flag":0,"at":"yesterday"}', {}, "all"],
  ['{"text":"t","count":1.5,"flag":true}', { text: "t", flag: true }, '{"count":1.5}'],
  ['{"count":9007199254740993}', {}, '{"count":9007199254740993}'],
  ['{"count":-9007199254740991}', { count: "-9007199254740991" }, null],
  ['{"score":1e400}', {}, '{"score":1e400}'],
  ['{"score":12345678901234567890}', { score: 12345678901234567000 }, '{"score":12345678901234567890}'],
  ['{"list":[1,"2",null,3]}', { list: ["1", null, null, "3"] }, '{"list":[1,"2",null,3]}'],
  ['{"list":{}}', {}, '{"list":{}}'],
  ['{"struct":{"a":"x","more":{"y":[ ]}}}', { struct: { a: "x" } }, '{"struct":{"a":"x","more":{"y":[ ]}}}'],
  ['{"struct":[1]}', {}, '{"struct":[1]}'],
  ['{"unknown": [1, 2]}', {}, '{"unknown":[1, 2]}'],
  ['{"text":"a","text":"b"}', { text: "b" }, '{"text":"a","text":"b"}'],
  ["[1]", {}, "[1]"],
  ['"text"', {}, '"text"'],
  ["17", {}, "17"],
  ["null", {}, null],
  ["{}", {}, null],
  ['{"any":[1e400,"x"]}', { any: '[null,"x"]' }, '{"any":[1e400,"x"]}'],
];
const unfitPath = file(
  "unfit",
  unfit.map(([data], id) => lineOf({ id: String(id) }, data)),
  strict,
);
const noColumn = Object.fromEntries(Object.keys(strict.properties).map((name) => [name, null]));

/** JSON by its grammar, and text that engines refuse. */
const halves = ['"\\ud800"', '{"text":"\\uDC00","any":"\\ud83d"}', '{"text":"\\ud83d\\ude00"}'];
const halvesPath = file(
  "halves",
  halves.map((data, id) => lineOf({ id: String(id) }, data)),
  strict,
);

const largest = JSON.stringify("ü".repeat(eventBytesMax / 2 - 1_000));
const deepest = `${"[".repeat(nestingMax - 2)}1${"]".repeat(nestingMax - 2)}`;
const sizesPath = file("sizes", [
  ...Array.from({ length: 12 }, (_, id) => lineOf({ id: String(id) }, largest)),
  lineOf({ id: "12" }, deepest),
]);
const emptyPath = file("empty", [], strict);

describe.each(readers)("$name", ({ absent, rowsOf }) => {
  beforeEach((context) => {
    context.skip(absent !== null, absent ?? "");
  });

  test("[FO6] reads typed columns of any shape as they were posted: nulls, absent and empty ones", async () => {
    const found = await rowsOf(drawnPaths);
    const told = found.map((rows) => byId(rows).map((row) => [row["data"], typedOf(row), row["rest"]]));
    expect(told).toEqual(drawn.map(({ rows }) => rows.map(({ json, column }) => [json, column, null])));
  });

  test("[FO6] reads columns that are nested as deep as there are any", async () => {
    const [rows] = await rowsOf([deepPath]);
    expect(byId(rows).map((row) => row["data_deep"])).toEqual(deepColumns);
  });

  test("[FO3] [FO6] finds what does not fit its column, as it was posted", async () => {
    const [rows] = await rowsOf([unfitPath]);
    expect(byId(rows).map((row) => [row["data"], typedOf(row), row["rest"]])).toEqual(
      unfit.map(([data, typed, rest]) => [data, { ...noColumn, ...typed }, rest === "all" ? data : rest]),
    );
  });

  test("[FO9] reads texts that no engine takes for JSON: repaired, and beside as they were posted", async () => {
    const [rows] = await rowsOf([halvesPath]);
    const hexes = halves.slice(0, 2).map((text) => Buffer.from(text).toString("hex"));
    expect(byId(rows).map((row) => row["binary"])).toEqual([...hexes, null]);
    expect(byId(rows).map((row) => [row["data"], row["data_text"], row["data_any"], row["rest"]])).toEqual([
      ['"\\ufffd"', null, null, '"\\ufffd"'],
      ['{"text":"\\ufffd","any":"\\ufffd"}', null, '"\\ufffd"', '{"text":"\\ufffd","any":"\\ufffd"}'],
      [halves[2], "😀", null, null],
    ]);
  });

  test("[FO6] reads the largest events, the deepest one, and a file without rows", async () => {
    const [sizes, empty] = await rowsOf([sizesPath, emptyPath]);
    const data = byId(sizes).map((row) => row["data"]);
    expect(data.slice(0, 12).every((text) => text === largest)).toBe(true);
    expect(data.slice(12)).toEqual([deepest]);
    expect(empty).toEqual([]);
  });

  test("[FO6] reads a million rows, each as it was posted", async () => {
    const seen = new Uint8Array(million);
    for (let at = 0; at < millionPaths.length; at += 4) {
      const found = await rowsOf(millionPaths.slice(at, at + 4), ["id", "source", "time", "data_no"]);
      for (const row of found.flat()) {
        const no = Number(row["data_no"]);
        if (row["id"] !== `e${no}` || row["source"] !== `/s/${no % 97}`) expect(row).toBe(lineNo(no));
        if (row["time"] !== String(Date.parse(timeOf(no)) * 1_000)) expect(row["time"]).toBe(timeOf(no));
        seen[no] = (seen[no] ?? 0) + 1;
      }
    }
    expect(seen.every((times) => times === 1)).toBe(true);
  }, 120_000);
});
