/** Which schemas a stream may have. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  patternCharsMax,
  patternEndlessWaysMax,
  patternWaysMax,
  schemaBytesMax,
  schemaDepthMax,
  schemaNodesMax,
  schemaPropertiesMax,
} from "../../../domain/limits.ts";
import { schemaFaults } from "../../../domain/schema/check.ts";
import { patternFault } from "../../../domain/schema/pattern.ts";

function faults(schema: unknown): string[] {
  return schemaFaults(schema).map(({ path, reason }) => `${path}: ${reason}`);
}

describe("[SC1] a schema", () => {
  it("may say all that is taken", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "an order",
      type: "object",
      required: ["id"],
      properties: {
        id: { type: "string", format: "uuid" },
        lines: { type: "array", items: { $ref: "#/$defs/line" }, minItems: 1, maxItems: 100 },
        note: { anyOf: [{ type: "string", maxLength: 10 }, { type: "null" }] },
        code: { type: "string", pattern: "^[A-Z]{2}[0-9]+$" },
      },
      additionalProperties: false,
      $defs: { line: { type: "object", properties: { price: { type: "number", minimum: 0 } } } },
    };
    expect(faults(schema)).toEqual([]);
  });

  it.each([
    ["no object", true, "#: a schema is a JSON object"],
    ["a reference to elsewhere", { $ref: "https://example.com/s.json" }, "#: the reference https:"],
    ["a reference to nothing", { $ref: "#/$defs/none" }, "leads to no schema of this document"],
    [
      "a reference to what is no schema",
      { $ref: "#/enum", enum: [1] },
      "leads to no schema of this document",
    ],
    ["another dialect", { $schema: "http://json-schema.org/draft-04/schema#" }, "#/$schema: takes"],
    ["an unknown keyword", { minimun: 1 }, "#/minimun: it is not taken; taken are: "],
    ["what costs too much", { uniqueItems: true }, "#/uniqueItems: it is not taken"],
    ["a name of its own", { $id: "x" }, "#/$id: it is not taken"],
    ["an unknown type", { type: "int" }, "#/type: takes one of"],
    ["an unknown format", { format: "regex" }, "#/format: takes one of"],
    ["a bound that is none", { minLength: -1 }, "#/minLength: takes a whole number"],
    ["a list of items by place, as before 2020-12", { items: [{}] }, "#/items: a schema is an object"],
    ["a name that every object has", { required: ["constructor"] }, '"constructor" cannot be the name'],
    ["a fault deep inside", { properties: { "a/b": { type: 1 } } }, "#/properties/a~1b/type: takes one of"],
  ])("may not have %s", (_what, schema, says) => {
    expect(faults(schema).join("\n")).toContain(says);
  });

  it("has a reference that leads back to itself refused, by whatever way", () => {
    expect(faults({ $ref: "#" })).toHaveLength(1);
    const list = { properties: { next: { $ref: "#/$defs/node" } } };
    expect(faults({ $ref: "#/$defs/node", $defs: { node: list } }).join()).toContain("leads back to itself");
  });

  it("is taken at each limit and not one past it", () => {
    const wide = (count: number) => ({
      properties: Object.fromEntries(Array.from({ length: count }, (_, no) => [`p${no}`, true])),
    });
    expect(faults(wide(schemaPropertiesMax))).toEqual([]);
    expect(faults(wide(schemaPropertiesMax + 1))).toHaveLength(1);
    const deep = (depth: number): object => (depth === 0 ? {} : { not: deep(depth - 1) });
    expect(faults(deep(schemaDepthMax))).toEqual([]);
    expect(faults(deep(schemaDepthMax + 1))).toHaveLength(1);
    const empty = JSON.stringify({ title: "" }).length;
    expect(faults({ title: "x".repeat(schemaBytesMax - empty) })).toEqual([]);
    expect(faults({ title: "x".repeat(schemaBytesMax - empty + 1) })).toHaveLength(1);
  });

  it("counts what its references unfold to", () => {
    // Of n schemas, each refers to the one before twice: 2^n when unfolded.
    const doubling = (count: number) => ({
      $ref: `#/$defs/d${count}`,
      $defs: Object.fromEntries(
        Array.from({ length: count + 1 }, (_, no) => [
          `d${no}`,
          no === 0 ? {} : { allOf: [{ $ref: `#/$defs/d${no - 1}` }, { $ref: `#/$defs/d${no - 1}` }] },
        ]),
      ),
    });
    expect(2 ** 9).toBeLessThan(schemaNodesMax);
    expect(faults(doubling(8))).toEqual([]);
    expect(faults(doubling(24)).join()).toContain(`more than ${schemaNodesMax} schemas`);
  });

  it("of any JSON value is judged and never throws", () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom("items", "anyOf", "properties", "$ref", "pattern"),
        (value, name) => {
          expect(Array.isArray(schemaFaults({ [name]: value }))).toBe(true);
        },
      ),
    );
  });
});

describe("[SC1] a regular expression", () => {
  it.each([
    "^[a-z]+$",
    "^[A-Z]{2}-[0-9]{4}$",
    String.raw`^\d{1,9}\.\d{1,9}$`,
    "^(a|b|c)$",
    "^(?:red|green)(-dark)?$",
    "^.*$",
    String.raw`^\p{Lu}[\]\\a-z]*$`,
    String.raw`^\u{1f9ad}\u0041\x41{2}$`,
    "^(a+|b+)$",
    `^a{0,${patternWaysMax - 1}}$`,
    `^a{1,${patternEndlessWaysMax}}b*$`,
    `^${"a".repeat(patternCharsMax - 1)}`,
  ])("may be %s", (pattern) => {
    expect(patternFault(pattern)).toBeNull();
  });

  it.each([
    ["(", "no regular expression"],
    ["[a-z]+", "begins with ^"],
    ["^a|b*c", "alternatives stand in a group"],
    ["^(a+)+$", "a group may not repeat without a bound"],
    ["^(a|aa)*$", "a group may not repeat without a bound"],
    ["^(a+){2,3}$", "may not be repeated"],
    ["^.*a.*$", "only once"],
    ["^(?=a)a", "may not look around"],
    ["^(?<n>a)", "may not look around or name groups"],
    [String.raw`^(a)\1`, "may not refer back"],
    [`^a{0,${patternWaysMax}}$`, "ways to match"],
    [`^a{0,${patternEndlessWaysMax}}b*$`, "ways to match"],
    ["^a{0,100}a{0,100}a{0,100}$", "ways to match"],
    ["^(a|b){0,20}$", "ways to match"],
    [`^${"a".repeat(patternCharsMax)}`, "at most"],
  ])("may not be %s", (pattern, says) => {
    expect(patternFault(pattern)).toContain(says);
  });

  it("that is taken is quick on the longest hostile text", () => {
    const text = "a".repeat(1_000_000);
    for (const pattern of [`^a{1,${patternEndlessWaysMax}}[^b]*b$`, "^[a-z]+b$", "^(a|[a-c]|.){0,8}b$"]) {
      expect(patternFault(pattern)).toBeNull();
      expect(new RegExp(pattern, "u").test(text)).toBe(false);
    }
  });
});
