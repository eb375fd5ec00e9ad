/**
 * Which JSON Schemas a stream may have: a subset of draft 2020-12 whose cost is bounded, for a value of any kind. What is
 * not in it is refused by name and never ignored, so that nobody relies on a rule that is not checked.
 *
 * Not taken: references to elsewhere and to themselves, `$id` and anchors, `uniqueItems` (its cost grows with the square
 * of a list), `contains`, `patternProperties`, `unevaluated…`, `dependentSchemas`, and formats and patterns that could
 * take long on a hostile text.
 */
import { schemaBytesMax, schemaDepthMax, schemaNodesMax, schemaPropertiesMax } from "../limits.ts";
import { utf8Length } from "../event/utf8.ts";
import { type JsonObject, type SchemaFault, isObject, resolved, under } from "./json.ts";
import { patternFault } from "./pattern.ts";

const dialect = "https://json-schema.org/draft/2020-12/schema";

/** Formats that are checked, each by an expression that takes time in proportion to the text. */
const formats: readonly string[] = [
  "date-time",
  "date",
  "time",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "uri",
  "uri-reference",
  "uuid",
  "json-pointer",
];

const types: readonly string[] = ["null", "boolean", "object", "array", "number", "integer", "string"];

/** What a keyword takes; null: fine, else what it would take. */
type Rule = (value: unknown) => string | null;

const count: Rule = (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? null : "takes a whole number";
const number: Rule = (value) =>
  typeof value === "number" && Number.isFinite(value) ? null : "takes a number";
const text: Rule = (value) => (typeof value === "string" ? null : "takes a string");
const anything: Rule = () => null;
const names: Rule = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === "string") ? null : "takes a list of names";
const typeNames: Rule = (value) => {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  const known = given.length > 0 && given.every((name) => types.includes(String(name)));
  return known ? null : `takes one of, or a list of: ${types.join(", ")}`;
};

const plainKeywords: Readonly<Record<string, Rule>> = {
  $schema: (value) => (value === dialect ? null : `takes ${dialect}`),
  $comment: anything,
  title: anything,
  description: anything,
  default: anything,
  examples: anything,
  deprecated: anything,
  readOnly: anything,
  writeOnly: anything,
  type: typeNames,
  enum: (value) => (Array.isArray(value) && value.length > 0 ? null : "takes a list of values"),
  const: anything,
  required: names,
  dependentRequired: (value) =>
    isObject(value) && Object.values(value).every((list) => names(list) === null)
      ? null
      : "takes lists of names by name",
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: (value) => (typeof value === "number" && value > 0 ? null : "takes a number above 0"),
  minLength: count,
  maxLength: count,
  minItems: count,
  maxItems: count,
  minProperties: count,
  maxProperties: count,
  pattern: (value) => (typeof value === "string" ? patternFault(value) : "takes a string"),
  format: (value) => (formats.includes(String(value)) ? null : `takes one of: ${formats.join(", ")}`),
  $ref: text,
};

/** Keywords that hold one schema, a list of them, or schemas by name. */
const schemaKeywords: ReadonlyMap<string, "one" | "list" | "map"> = new Map([
  ["items", "one"],
  ["additionalProperties", "one"],
  ["propertyNames", "one"],
  ["not", "one"],
  ["if", "one"],
  ["then", "one"],
  ["else", "one"],
  ["prefixItems", "list"],
  ["allOf", "list"],
  ["anyOf", "list"],
  ["oneOf", "list"],
  ["properties", "map"],
  ["$defs", "map"],
  ["definitions", "map"],
] as const);

const known = [...Object.keys(plainKeywords), ...schemaKeywords.keys()];

/** Everything that is wrong with a schema; nothing if a stream may have it. */
export function schemaFaults(schema: unknown): readonly SchemaFault[] {
  if (!isObject(schema)) return [{ path: "#", reason: "a schema is a JSON object" }];
  const bytes = utf8Length(JSON.stringify(schema));
  if (bytes > schemaBytesMax)
    return [{ path: "#", reason: `it has ${bytes} bytes; at most ${schemaBytesMax} are taken` }];
  const check = new Check(schema);
  check.schema(schema, "#", 0);
  // References are only followed in a schema that is sound otherwise.
  if (check.faults.length === 0) check.expand(schema, "#", []);
  return check.faults;
}

class Check {
  readonly faults: SchemaFault[] = [];
  readonly #root: JsonObject;
  #properties = 0;
  #nodes = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  schema(schema: unknown, path: string, depth: number): void {
    if (typeof schema === "boolean") return;
    if (!isObject(schema)) return this.#fault(path, "a schema is an object, true or false");
    if (depth > schemaDepthMax) return this.#fault(path, `schemas nest at most ${schemaDepthMax} deep`);
    for (const [keyword, value] of Object.entries(schema)) {
      const at = under(path, keyword);
      const form = schemaKeywords.get(keyword);
      if (form !== undefined) this.#inside(form, keyword, value, at, depth + 1);
      else {
        const rule = Object.hasOwn(plainKeywords, keyword) ? plainKeywords[keyword] : undefined;
        const fault = rule === undefined ? `it is not taken; taken are: ${known.join(", ")}` : rule(value);
        if (fault !== null) this.#fault(at, fault);
      }
    }
    for (const name of Array.isArray(schema["required"]) ? schema["required"] : []) this.#name(name, path);
  }

  #inside(form: "one" | "list" | "map", keyword: string, value: unknown, path: string, depth: number): void {
    if (form === "one") return this.schema(value, path, depth);
    if (form === "list") {
      if (!Array.isArray(value) || value.length === 0) return this.#fault(path, "takes a list of schemas");
      value.forEach((item, index) => {
        this.schema(item, under(path, index), depth);
      });
      return undefined;
    }
    if (!isObject(value)) return this.#fault(path, "takes schemas by name");
    for (const [name, member] of Object.entries(value)) {
      if (keyword === "properties") {
        this.#name(name, path);
        this.#properties++;
        if (this.#properties === schemaPropertiesMax + 1)
          this.#fault(path, `a schema names at most ${schemaPropertiesMax} properties`);
      }
      this.schema(member, under(path, name), depth);
    }
  }

  /** What every object has of itself cannot be told from what an event brought. */
  #name(name: unknown, path: string): void {
    if (String(name) in {}) this.#fault(path, `${JSON.stringify(name)} cannot be the name of a property`);
  }

  /** Follows references: they end, and what they unfold to is bounded, as every value is held against all of it. */
  expand(schema: unknown, path: string, trail: readonly string[]): void {
    if (!isObject(schema) || this.faults.length > 0) return;
    if (++this.#nodes > schemaNodesMax)
      return this.#fault(path, `with its references it unfolds to more than ${schemaNodesMax} schemas`);
    const { $ref: ref } = schema;
    if (typeof ref === "string") {
      const target = resolved(ref, this.#root);
      if (trail.includes(ref)) return this.#fault(path, `the reference ${ref} leads back to itself`);
      if (target === undefined || !isSchemaPlace(ref))
        return this.#fault(
          path,
          `the reference ${ref} leads to no schema of this document; write #/$defs/<name>`,
        );
      this.expand(target, under(path, "$ref"), [...trail, ref]);
    }
    for (const [keyword, form] of schemaKeywords) {
      if (!Object.hasOwn(schema, keyword) || keyword === "$defs" || keyword === "definitions") continue;
      const value = schema[keyword];
      const at = under(path, keyword);
      if (form === "one") this.expand(value, at, trail);
      else
        for (const [name, member] of Object.entries(value as JsonObject))
          this.expand(member, under(at, name), trail);
    }
    return undefined;
  }

  #fault(path: string, reason: string): undefined {
    this.faults.push({ path, reason });
  }
}

/** A reference may only lead to where a schema was checked. */
function isSchemaPlace(ref: string): boolean {
  return /^#\/(\$defs|definitions)\/[^/]+$/.test(ref);
}
