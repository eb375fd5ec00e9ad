import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochMs, isoOf } from "../../../domain/hour.ts";
import { type Field, columnsOf } from "../../../domain/parquet/columns.ts";
import { fit } from "../../../domain/parquet/fit.ts";
import { isPlainTime, microsOf } from "../../../domain/parquet/micros.ts";
import { type RowValues, rowValues } from "../../../domain/parquet/row.ts";
import { rowLine } from "../../../domain/row-line.ts";
import { hour } from "../make.ts";
import { lineOf } from "./make.ts";

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

function rowOf(members: object, data?: string, typed: readonly Field[] = []): RowValues {
  return rowValues(lineOf({ id: "1", ...members }, data), typed);
}

describe("a row", () => {
  it("[FO2] has every attribute in its column, and extensions in a map in their string form", () => {
    const row = rowOf({
      subject: "s",
      time: "2026-11-23T10:00:00.5Z",
      datacontenttype: "application/json",
      dataschema: "https://example.com/s",
      zeta: true,
      alpha: -5,
      unset: null,
    });
    expect(row).toMatchObject({
      id: "1",
      source: "/test",
      specversion: "1.0",
      subject: "s",
      time: 1_795_428_000_500_000n,
      time_posted: null,
      home_hour: hour,
      unguarded: false,
      schema_version: null,
      datacontenttype: "application/json",
      dataschema: "https://example.com/s",
      data: null,
      binary: null,
      rest: null,
    });
    expect([...(row.extensions ?? [])]).toEqual([
      ["alpha", "-5"],
      ["zeta", "true"],
    ]);
    expect(rowOf({}).extensions).toBeNull();
    expect(rowValues(lineOf({ id: "1" }, "1", true), []).unguarded).toBe(true);
    const checked = rowLine('{"id":"1"}', "2026-11-23T10:00:00.000Z", hour, 3);
    expect(rowValues(checked, []).schema_version).toBe(3);
  });

  it.each([
    '{"b" : 1.0, "a":12345678901234567890,"a":2}',
    "null",
    '"text"',
    "[1, 2]",
    '"\\ud83d\\uDE00 \\u00e4 \\\\ud800"',
  ])("[FO2] keeps `data` as it was posted: %s", (data) => {
    expect(textOf(rowOf({}, data).data)).toBe(data);
    expect(rowOf({}, data).binary).toBeNull();
  });

  it.each([
    ['"\\ud800"', '"\\ufffd"'],
    ['"a\\uDFFF\\uD800\\ud83d\\ude00"', '"a\\ufffd\\ufffd\\ud83d\\ude00"'],
    ['{"\\\\\\uDbFf":1.0}', '{"\\\\\\ufffd":1.0}'],
  ])("[FO9] has %s, which engines refuse, as %s in `data`, and as posted in `binary`", (data, readable) => {
    const row = rowOf({}, data);
    expect([textOf(row.data), textOf(row.binary)]).toEqual([readable, data]);
  });

  it("[FO9] has no half of a surrogate pair in any JSON, and nothing else changed", () => {
    const unit = fc.constantFrom("\\ud83d", "\\uDE00", "\\\\", "ud800", "\\n", "x", "\\u0041", "😀");
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        const data = `"${units.join("")}"`;
        const { data: readable, binary } = rowOf({}, data);
        const value = JSON.parse(data) as string;
        expect(JSON.parse(textOf(readable) ?? "")).toBe(value.toWellFormed());
        expect(textOf(binary)).toBe(value.isWellFormed() ? null : data);
      }),
    );
  });

  it("[FO2] keeps binary data as bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const row = rowOf({ data_base64: Buffer.from(bytes).toString("base64") });
        expect([...(row.binary ?? [])]).toEqual([...bytes]);
        expect(row.data).toBeNull();
      }),
    );
    expect(rowOf({ data_base64: null }).binary).toBeNull();
  });

  it("[FO2] keeps a time that says more than its microseconds as text beside", () => {
    const posted = (time: string): unknown => [rowOf({ time }).time, rowOf({ time }).time_posted];
    expect(posted("2026-11-23T10:00:00.123456Z")).toEqual([1_795_428_000_123_456n, null]);
    for (const time of [
      "2026-11-23T10:00:00.1234567Z",
      "2026-11-23T12:00:00.123456+02:00",
      "2026-11-23t10:00:00.123456z",
    ]) {
      expect(posted(time)).toEqual([1_795_428_000_123_456n, time]);
    }
    expect(rowOf({ time: "2016-12-31T23:59:60Z" }).time_posted).toBe("2016-12-31T23:59:60Z");
  });

  it("[FO2] turns times into microseconds and loses none of them", () => {
    const ms = fc.integer({ min: -62_000_000_000_000, max: 253_000_000_000_000 });
    fc.assert(
      fc.property(ms, fc.integer({ min: 0, max: 999 }), (at, micros) => {
        const text = isoOf(epochMs(at)).replace("Z", `${String(micros).padStart(3, "0")}Z`);
        expect(microsOf(text)).toBe(BigInt(at) * 1_000n + BigInt(micros));
        expect(isPlainTime(text)).toBe(true);
      }),
    );
    expect(microsOf("yesterday")).toBeNull();
  });
});

const typed = columnsOf({
  properties: {
    page: { type: "string" },
    count: { type: "integer" },
    score: { type: "number" },
    at: { type: "string", format: "date-time" },
    tags: { type: "array", items: { type: "string" } },
    user: { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } } },
    any: {},
  },
});

function typedOf(data: string): { values: Record<string, unknown>; rest: string | null } {
  const row = rowOf({}, data, typed);
  expect(textOf(row.data)).toBe(data);
  const values = Object.fromEntries(typed.map(({ name }, column) => [name, row.typed[column] ?? null]));
  return { values, rest: textOf(row.rest) };
}

describe("typed columns", () => {
  it("[FO3] hold the fields of the schema, and leave nothing over if all fits", () => {
    const data =
      '{"page":"/","count":3,"score":0.5,"at":"2026-11-23T10:00:00Z","tags":["a",null],"user":{"name":"n","age":1},"any":[{}]}';
    const { values, rest } = typedOf(data);
    expect(rest).toBeNull();
    expect(values).toMatchObject({
      page: "/",
      count: 3n,
      score: 0.5,
      at: 1_795_428_000_000_000n,
      tags: ["a", null],
      user: { name: "n", age: 1n },
    });
    expect(textOf(values["any"] as Uint8Array)).toBe("[{}]");
  });

  it.each([
    ["of another type", '{"page":5}', '{"page":5}', { page: null }],
    ["too large to be exact", '{"count":9007199254740993}', '{"count":9007199254740993}', { count: null }],
    ["with a fraction", '{"count":1.5}', '{"count":1.5}', { count: null }],
    ["that is no finite number", '{"score":1e999}', '{"score":1e999}', { score: null }],
    ["that is no time", '{"at":"soon"}', '{"at":"soon"}', { at: null }],
    ["past every number, somewhere", '{"any":[{"a":1e999}]}', '{"any":[{"a":1e999}]}', {}],
    [
      "too large to be exact, somewhere",
      '{"any":[12345678901234567890]}',
      '{"any":[12345678901234567890]}',
      {},
    ],
    ["unknown", '{"page":"/","new":{"a": 1.0}}', '{"new":{"a": 1.0}}', { page: "/" }],
    [
      "unknown inside",
      '{"user":{"name":"n","zip":1}}',
      '{"user":{"name":"n","zip":1}}',
      { user: { name: "n" } },
    ],
    ["unfit inside a list", '{"tags":["a",1]}', '{"tags":["a",1]}', { tags: ["a", null] }],
    ["named twice", '{"page":"a","page":"b"}', '{"page":"a","page":"b"}', { page: "b" }],
  ])("[FO3] keep a value %s beside, as it was posted", (_name, data, left, values) => {
    const found = typedOf(data);
    expect(found.rest).toBe(left);
    expect(found.values).toMatchObject(values);
  });

  it.each(["[1]", '"text"', "5"])("[FO3] leave data that is no object as it is: %s", (data) => {
    const { values, rest } = typedOf(data);
    expect(rest).toBe(data);
    expect(Object.values(values).every((value) => value === null)).toBe(true);
  });

  it("[FO3] are null for absent data, and nothing is over", () => {
    expect(rowOf({}, undefined, typed)).toMatchObject({ data: null, rest: null });
    expect(rowOf({}, "null", typed).rest).toBeNull();
    expect(rowOf({}, '{"new":1}').rest).toBeNull();
  });

  it.each([
    ['{"page":"\\ud800"}', null],
    ['{"any":["\\ud800"]}', '["\\ufffd"]'],
  ])("[FO3] [FO9] keep half a surrogate pair beside as well as JSON can: %s", (data, any) => {
    const row = rowOf({}, data, typed);
    expect(textOf(row.rest)).toBe(data.replace("ud800", "ufffd"));
    expect(textOf(row.binary)).toBe(data);
    expect(textOf((row.typed.at(-1) ?? null) as Uint8Array | null)).toBe(any);
    expect(row.typed[0] ?? null).toBeNull();
  });

  it("[FO3] take any value without a throw, and hold all of it, or it is beside", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...typed.map(({ name }) => name), "x"), fc.jsonValue()),
        (data) => {
          const { rest } = typedOf(JSON.stringify(data));
          const left: unknown = JSON.parse(rest ?? "{}");
          for (const [name, value] of Object.entries(data)) {
            const field = typed.find((one) => one.name === name);
            const full = field !== undefined && fit(field.type, value).full;
            expect(Object.hasOwn(left as object, name)).toBe(!full);
          }
        },
      ),
    );
  });
});
