/**
 * Holding an event's `data` against its stream's schema. The schema is one that `schemaFaults` has taken: so the work is
 * bounded by its size and the value's, and no text makes it run away.
 *
 * Says the first thing that is wrong and where, never what the value is: refusals are answered, logged and kept.
 */
import { Validator, type OutputUnit } from "@cfworker/json-schema";
import { schemaMembersMax } from "../limits.ts";
import { type JsonObject, isObject } from "./json.ts";

export interface DataFault {
  /** Where in the event: a JSON Pointer such as `/data/price`. */
  readonly pointer: string;
  /** The keyword of the schema that does not hold. */
  readonly keyword: string;
  /** Where it stands in the schema, as a fragment. */
  readonly schemaPath: string;
}

/** Characters of a pointer that are kept: names of members come from whoever posts. */
const pointerCharsMax = 256;

export class SchemaChecker {
  readonly #validator: Validator;

  constructor(schema: JsonObject) {
    // A copy: the validator writes into what it is given.
    this.#validator = new Validator(JSON.parse(JSON.stringify(schema)) as object, "2020-12");
  }

  /** What is wrong with the data of this event, in its JSON form; null: nothing. */
  faultOf(eventJson: string): DataFault | null {
    const { data } = JSON.parse(eventJson) as { readonly data?: unknown };
    if (data === undefined) return { pointer: "/data", keyword: "required", schemaPath: "#" };
    const wide = eventJson.length > 4 * schemaMembersMax && widest(data) > schemaMembersMax;
    if (wide) return { pointer: "/data", keyword: "maxProperties", schemaPath: "#" };
    const { valid, errors } = this.#validator.validate(data);
    return valid ? null : faultOf(errors);
  }
}

/** The most members that an object in the value has: what does not fit is noted member by member. */
function widest(value: unknown): number {
  let most = 0;
  const waiting = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (isObject(next)) most = Math.max(most, Object.keys(next).length);
    if (typeof next === "object" && next !== null)
      for (const inner of Object.values(next))
        if (typeof inner === "object" && inner !== null) waiting.push(inner);
  }
  return most;
}

/** Keywords that only say that what they hold does not hold; the reason follows them. */
const outer: ReadonlySet<string> = new Set([
  "properties",
  "additionalProperties",
  "propertyNames",
  "items",
  "prefixItems",
  "allOf",
  "if",
  "$ref",
]);

function faultOf(errors: readonly OutputUnit[]): DataFault {
  const inner = errors.find(({ keyword }) => !outer.has(keyword));
  const found = inner ?? errors[0];
  const outerFalse = inner?.keyword === "false" ? errors[errors.indexOf(inner) - 1] : undefined;
  const pointer = `/data${(found?.instanceLocation ?? "#").slice(1)}`;
  return {
    pointer: pointer.length > pointerCharsMax ? `${pointer.slice(0, pointerCharsMax)}…` : pointer,
    keyword: outerFalse?.keyword ?? found?.keyword ?? "",
    schemaPath: (outerFalse ?? found)?.keywordLocation ?? "#",
  };
}
