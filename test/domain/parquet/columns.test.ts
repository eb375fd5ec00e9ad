import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parquetColumnsMax, parquetDepthMax } from "../../../domain/limits.ts";
import { type ColumnType, columnsOf } from "../../../domain/parquet/columns.ts";

/** The type of one property with this schema. */
function typeOf(schema: unknown, more: object = {}): ColumnType | undefined {
  return columnsOf({ type: "object", properties: { field: schema }, ...more })[0]?.type;
}

const text: ColumnType = { kind: "text" };
const json: ColumnType = { kind: "json" };

describe("columnsOf", () => {
  it.each<[string, unknown, ColumnType]>([
    ["a string", { type: "string" }, text],
    ["a time", { type: "string", format: "date-time" }, { kind: "time" }],
    ["another format", { type: "string", format: "email" }, text],
    ["an integer", { type: "integer", minimum: 0 }, { kind: "integer" }],
    ["a number", { type: "number" }, { kind: "number" }],
    ["an integer or a number", { type: ["integer", "number", "null"] }, { kind: "number" }],
    ["a boolean", { type: "boolean" }, { kind: "boolean" }],
    ["an optional string", { type: ["string", "null"] }, text],
    ["one choice and null", { anyOf: [{ type: "null" }, { type: "string" }] }, text],
    ["words", { enum: ["a", "b"] }, text],
    ["a word", { const: "a" }, text],
    ["words and numbers", { enum: ["a", 1] }, json],
    ["two types", { type: ["string", "integer"] }, json],
    ["two choices", { oneOf: [{ type: "string" }, { type: "integer" }] }, json],
    ["anything", {}, json],
    ["true", true, json],
    ["a list", { type: "array", items: { type: "string" } }, { kind: "list", item: text }],
    ["a list of anything", { type: "array" }, json],
    ["a tuple", { type: "array", items: [{ type: "string" }] }, json],
    ["an object without properties", { type: "object" }, json],
    [
      "an object",
      { properties: { a: { type: "string" }, b: { items: { type: "boolean" } } } },
      {
        kind: "struct",
        fields: [
          { name: "a", type: text },
          { name: "b", type: { kind: "list", item: { kind: "boolean" } } },
        ],
      },
    ],
  ])("[FO3] stores %s by its type", (_name, schema, type) => {
    expect(typeOf(schema)).toEqual(type);
  });

  it("[FO3] follows references within the document, and no others", () => {
    const $defs = { "a/b": { type: "integer" }, loop: { $ref: "#/$defs/loop" } };
    expect(typeOf({ $ref: "#/$defs/a~1b" }, { $defs })).toEqual({ kind: "integer" });
    expect(typeOf({ $ref: "#/$defs/loop" }, { $defs })).toEqual(json);
    expect(typeOf({ $ref: "#/$defs/none" }, { $defs })).toEqual(json);
    expect(typeOf({ $ref: "https://example.com/a.json" }, { $defs })).toEqual(json);
  });

  it("[FO3] gives a name that differs in case only, or that no struct can hold, no column", () => {
    const schema: unknown = JSON.parse('{"properties":{"Page":{},"page":{},"":{},"__proto__":{}}}');
    expect(columnsOf(schema).map(({ name }) => name)).toEqual(["Page"]);
  });

  it("[FO3] takes as many columns as the limit, and not one more", () => {
    const wide = (count: number): unknown => ({
      properties: Object.fromEntries(Array.from({ length: count }, (_, no) => [`f${no}`, {}])),
    });
    expect(columnsOf(wide(parquetColumnsMax))).toHaveLength(parquetColumnsMax);
    expect(columnsOf(wide(parquetColumnsMax + 1))).toHaveLength(parquetColumnsMax);
  });

  it("[FO3] nests as deep as the limit; what lies deeper is JSON", () => {
    const deep = (depth: number): unknown => {
      let schema: unknown = { type: "string" };
      for (let level = 0; level < depth; level++) schema = { type: "array", items: schema };
      return schema;
    };
    const innermost = (depth: number): ColumnType | undefined => {
      let type = typeOf(deep(depth));
      while (type?.kind === "list") type = type.item;
      return type;
    };
    expect(innermost(parquetDepthMax - 1)).toEqual(text);
    expect(innermost(parquetDepthMax)).toEqual(json);
  });

  it("[FO3] takes any JSON value for a schema", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (schema, properties) => {
        expect(Array.isArray(columnsOf(schema))).toBe(true);
        expect(Array.isArray(columnsOf({ type: "object", properties }))).toBe(true);
      }),
    );
  });
});
