/**
 * From a stream's JSON Schema to the typed columns of its Parquet parts. Pure, and total: any JSON value is taken.
 *
 * A top-level property `page` of `data` becomes the column `data_page`, so that no field can take the name of an
 * attribute or of a Hive partition. What has no plain type (several types, no properties, too deep) becomes JSON text;
 * what can have no column at all is only in `data`.
 */
import { parquetColumnsMax, parquetDepthMax } from "../limits.ts";
import { type JsonObject, isObject, resolved } from "../schema/json.ts";

export type ColumnType =
  | { readonly kind: "text" | "integer" | "number" | "boolean" | "time" | "json" }
  | { readonly kind: "list"; readonly item: ColumnType }
  | { readonly kind: "struct"; readonly fields: readonly Field[] };

/** A property of an object, and how it is stored. */
export interface Field {
  readonly name: string;
  readonly type: ColumnType;
}

/** The prefix of a typed column's name. */
export const columnPrefix = "data_";

const json: ColumnType = { kind: "json" };

/** The fields of `data` that get a column, in the schema's order; none without a schema. */
export function columnsOf(schema: unknown): readonly Field[] {
  const type = typeOf(schema, schema, 0);
  if (type.kind !== "struct") return [];
  const fields: Field[] = [];
  let leaves = 0;
  for (const field of type.fields) {
    leaves += leavesOf(field.type);
    if (leaves > parquetColumnsMax) break;
    fields.push(field);
  }
  return fields;
}

function leavesOf(type: ColumnType): number {
  if (type.kind === "list") return leavesOf(type.item);
  if (type.kind === "struct") return type.fields.reduce((sum, field) => sum + leavesOf(field.type), 0);
  return 1;
}

function typeOf(schema: unknown, root: unknown, depth: number): ColumnType {
  if (!isObject(schema) || depth > parquetDepthMax) return json;
  const { $ref: ref, anyOf, oneOf } = schema;
  if (typeof ref === "string") return typeOf(resolved(ref, root), root, depth + 1);
  const choice = onlyChoice(anyOf) ?? onlyChoice(oneOf);
  if (choice !== null) return typeOf(choice, root, depth + 1);
  switch (onlyType(schema)) {
    case "string":
      return { kind: schema["format"] === "date-time" ? "time" : "text" };
    case "integer":
      return { kind: "integer" };
    case "number":
      return { kind: "number" };
    case "boolean":
      return { kind: "boolean" };
    case "array":
      return isObject(schema["items"])
        ? { kind: "list", item: typeOf(schema["items"], root, depth + 1) }
        : json;
    case "object": {
      const fields = fieldsOf(schema["properties"], root, depth);
      return fields.length === 0 ? json : { kind: "struct", fields };
    }
    case null:
    default:
      return json;
  }
}

/** The one type that a value has if it is not null; null if there are several or it is not said. */
function onlyType(schema: JsonObject): string | null {
  const { type } = schema;
  if (typeof type === "string") return type;
  if (Array.isArray(type)) {
    const types = type.filter((name) => name !== "null");
    const numeric = types.length === 2 && types.includes("integer") && types.includes("number");
    return types.length === 1 ? String(types[0]) : numeric ? "number" : null;
  }
  const values = Array.isArray(schema["enum"]) ? schema["enum"] : [schema["const"]];
  if (values.length > 0 && values.every((value) => typeof value === "string")) return "string";
  if (isObject(schema["properties"])) return "object";
  return isObject(schema["items"]) ? "array" : null;
}

/** Of `[{…}, {"type": "null"}]` the first: an optional value. */
function onlyChoice(choices: unknown): unknown {
  if (!Array.isArray(choices)) return null;
  const some = choices.filter((choice) => !isObject(choice) || choice["type"] !== "null");
  return some.length === 1 ? some[0] : null;
}

/** Names that differ in case only are one name to many engines: the first one has the column. */
function fieldsOf(properties: unknown, root: unknown, depth: number): Field[] {
  if (!isObject(properties)) return [];
  const names = new Set<string>();
  const fields: Field[] = [];
  for (const name of Object.keys(properties)) {
    const folded = name.toLowerCase();
    if (name === "" || name === "__proto__" || !name.isWellFormed() || names.has(folded)) continue;
    names.add(folded);
    fields.push({ name, type: typeOf(properties[name], root, depth + 1) });
  }
  return fields;
}
