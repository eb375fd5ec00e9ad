/** What is said of data that does not fit. */
import { describe, expect, it } from "vitest";
import { schemaMembersMax } from "../../../domain/limits.ts";
import { schemaFaults } from "../../../domain/schema/check.ts";
import { SchemaChecker } from "../../../domain/schema/validate.ts";

const schema = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "string", pattern: "^[a-z]+$" },
    "a/b": { type: "array", items: { $ref: "#/$defs/line" } },
    when: { type: "string", format: "date-time" },
    either: { anyOf: [{ type: "string" }, { type: "null" }] },
  },
  additionalProperties: false,
  $defs: { line: { type: "object", properties: { n: { type: "integer", minimum: 1 } } } },
};

const checker = new SchemaChecker(schema);

function fault(event: object): string | null {
  const found = checker.faultOf(JSON.stringify(event));
  return found === null ? null : `${found.pointer} ${found.keyword} ${found.schemaPath}`;
}

describe("[SC2] data", () => {
  it("that fits has no fault, whatever it is", () => {
    expect(schemaFaults(schema)).toEqual([]);
    expect(fault({ data: { id: "a" } })).toBeNull();
    expect(
      fault({ data: { id: "a", "a/b": [{ n: 1 }, {}], when: "2026-11-23T10:00:00Z", either: null } }),
    ).toBeNull();
  });

  it.each([
    [{}, "/data required #"],
    [{ data_base64: "AA==" }, "/data required #"],
    [{ data: [] }, "/data type #/type"],
    [{ data: null }, "/data type #/type"],
    [{ data: {} }, "/data required #/required"],
    [{ data: { id: "A" } }, "/data/id pattern #/properties/id/pattern"],
    [
      { data: { id: "a", "a/b": [{ n: 1 }, { n: 0 }] } },
      "/data/a~1b/1/n minimum #/properties/a~1b/items/$ref/properties/n/minimum",
    ],
    [{ data: { id: "a", more: 1 } }, "/data/more additionalProperties #/additionalProperties"],
    [{ data: { id: "a", when: "yesterday" } }, "/data/when format #/properties/when/format"],
    [{ data: { id: "a", either: 1 } }, "/data/either anyOf #/properties/either/anyOf"],
  ])("%j is told where it breaks which rule", (event, says) => {
    expect(fault(event)).toBe(says);
  });

  it("has a pointer that is bounded, and no value in it", () => {
    const name = "secret".repeat(1_000);
    const found = checker.faultOf(JSON.stringify({ data: { id: "a", [name]: "hidden" } }));
    expect(found?.pointer.length).toBeLessThan(300);
    expect(JSON.stringify(checker.faultOf('{"data":{"id":"HIDDEN"}}'))).not.toContain("HIDDEN");
  });

  it("with more members than the limit is not held against the schema", () => {
    const open = new SchemaChecker({ additionalProperties: { type: "integer" } });
    const wide = (count: number) =>
      JSON.stringify({
        data: { list: 1, ...Object.fromEntries(Array.from({ length: count - 1 }, (_, no) => [`p${no}`, 1])) },
      });
    expect(open.faultOf(wide(schemaMembersMax))).toBeNull();
    expect(open.faultOf(wide(schemaMembersMax + 1))).toMatchObject({ keyword: "maxProperties" });
  });

  it("leaves the schema as it was", () => {
    const given = { properties: { a: { type: "string" } } };
    const before = JSON.stringify(given);
    new SchemaChecker(given).faultOf('{"data":{}}');
    expect(JSON.stringify(given)).toBe(before);
    expect(Object.getOwnPropertyNames(given)).toEqual(["properties"]);
  });
});
