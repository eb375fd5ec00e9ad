/** What may follow a schema, and what may not. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaFaults } from "../../../domain/schema/check.ts";
import { evolutionFaults } from "../../../domain/schema/evolution.ts";
import { type JsonObject } from "../../../domain/schema/json.ts";
import { SchemaChecker } from "../../../domain/schema/validate.ts";

const base = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "string", maxLength: 10 },
    price: { type: "integer", minimum: 0 },
    kind: { enum: ["a", "b"] },
    lines: { type: "array", items: { type: "object", properties: { n: { type: "integer" } } } },
  },
};

function withProperty(name: string, schema: unknown): JsonObject {
  return { ...base, properties: { ...base.properties, [name]: schema } };
}

function faults(before: JsonObject, after: JsonObject): string[] {
  expect([schemaFaults(before), schemaFaults(after)]).toEqual([[], []]);
  return evolutionFaults(before, after).map(({ path, reason }) => `${path}: ${reason}`);
}

const conditional = JSON.parse('{"if":{"required":["price"]},"then":{"required":["kind"]}}') as JsonObject;

describe("[SC3] a schema may", () => {
  it.each<[string, JsonObject]>([
    ["stay", base],
    ["get another title", { ...base, title: "orders" }],
    ["get an optional property", withProperty("note", { type: "string" })],
    ["require less", { ...base, required: [] }],
    ["loosen a bound", withProperty("id", { type: "string", maxLength: 11 })],
    ["drop a bound", withProperty("id", { type: "string" })],
    ["take further values", withProperty("kind", { enum: ["c", "b", "a"] })],
    ["make an integer a number", withProperty("price", { type: "number", minimum: 0 })],
    ["allow null", withProperty("price", { type: ["integer", "null"], minimum: 0 })],
    [
      "move a part to a definition",
      { ...withProperty("kind", { $ref: "#/$defs/k" }), $defs: { k: { enum: ["a", "b"] } } },
    ],
    ["say that more is welcome", { ...base, additionalProperties: true }],
  ])("%s", (_what, after) => {
    expect(faults(base, after)).toEqual([]);
  });

  it("take an alternative more, and open what was closed", () => {
    const one = { properties: { x: { anyOf: [{ type: "string" }] } }, additionalProperties: false };
    const two = {
      properties: { x: { anyOf: [{ type: "string" }, { type: "null" }] }, y: { type: "string" } },
    };
    expect(faults(one, two)).toEqual([]);
  });
});

describe("[SC3] a schema may not", () => {
  it.each<[string, JsonObject, string]>([
    ["require more", { ...base, required: ["id", "price"] }, '#/required: "price" was optional until now'],
    [
      "tighten a bound",
      withProperty("id", { type: "string", maxLength: 9 }),
      "#/properties/id/maxLength: it would go from 10 to 9",
    ],
    [
      "get a bound",
      withProperty("kind", { enum: ["a", "b"], minLength: 1 }),
      "#/properties/kind/minLength: it is new",
    ],
    [
      "raise a least value",
      withProperty("price", { type: "integer", minimum: 1 }),
      "#/properties/price/minimum: it would go from 0 to 1",
    ],
    [
      "change a type",
      withProperty("price", { type: "string" }),
      "#/properties/price/type: values of type integer",
    ],
    [
      "change a column",
      withProperty("price", { type: ["integer", "string"], minimum: 0 }),
      "#/properties/price: its column would change from integer to json",
    ],
    [
      "change a column inside a list",
      withProperty("lines", {
        type: "array",
        items: { type: "object", properties: { n: { type: ["integer", "string"] } } },
      }),
      "#/properties/lines/items/properties/n: its column would change",
    ],
    ["lose a value", withProperty("kind", { enum: ["a"] }), "#/properties/kind/enum: a value that was valid"],
    [
      "lose a property",
      { ...base, properties: { id: base.properties.id } },
      "#/properties/price: a property stays",
    ],
    [
      "be closed",
      { ...base, additionalProperties: false },
      "#/additionalProperties: further properties were valid",
    ],
    [
      "get a pattern",
      withProperty("id", { type: "string", maxLength: 10, pattern: "^a" }),
      "#/properties/id/pattern: it may be taken away",
    ],
    ["get a condition", { ...base, ...conditional }, "#/if: it may be taken away"],
    [
      "get what all must fit",
      { ...base, allOf: [{ required: ["price"] }] },
      "#/allOf: what was valid may break it",
    ],
    [
      "change behind a reference",
      { ...withProperty("kind", { $ref: "#/$defs/k" }), $defs: { k: { enum: ["a"] } } },
      "#/properties/kind/enum: a value",
    ],
    ["lose its type", { required: ["id"] }, "#/properties/id: a property stays"],
  ])("%s", (_what, after, says) => {
    expect(faults(base, after).join("\n")).toContain(says);
  });

  it("change what its further properties are", () => {
    expect(
      faults({ additionalProperties: { type: "string" } }, { additionalProperties: { type: "number" } }),
    ).toHaveLength(1);
  });
});

/** Schemas of a few keywords, nested. */
const leaf = fc.oneof(
  fc.constant({}),
  fc.record({ type: fc.constantFrom("string", "integer", "number", "boolean") }),
  fc.record({ enum: fc.subarray(["a", "b", 1, null], { minLength: 1 }) }),
  fc.record({ minimum: fc.integer({ min: 0, max: 2 }) }),
  fc.record({ maxLength: fc.integer({ min: 0, max: 2 }) }),
);
const closed = fc.record(
  {
    properties: fc.dictionary(fc.constantFrom("a", "b"), leaf),
    required: fc.subarray(["a", "b"]),
    additionalProperties: fc.constantFrom<boolean>(false),
    type: fc.constant("object"),
  },
  { requiredKeys: ["properties", "additionalProperties"] },
);
const value = fc.dictionary(
  fc.constantFrom("a", "b"),
  fc.constantFrom("", "a", "abc", 0, 1, 1.5, null, true),
);

it("[SC3] whatever follows takes all that was valid", () => {
  fc.assert(
    fc.property(closed, closed, value, (before, after, data) => {
      fc.pre(evolutionFaults(before, after).length === 0);
      const event = JSON.stringify({ data });
      if (new SchemaChecker(before).faultOf(event) !== null) return;
      expect(new SchemaChecker(after).faultOf(event)).toBeNull();
    }),
    { numRuns: 2_000 },
  );
});
