/**
 * How a stream's schema may change: what was valid stays valid, and what was a column stays that column.
 *
 * So clients that are not updated go on, and hours written under different versions are read as one table. Allowed are:
 * further properties, if they are optional; looser bounds; further values and types; fewer required properties; other
 * annotations; an integer that becomes a number. A property that was not described until now is a further one, even if
 * some event already had it with another value. What cannot be told to be compatible is refused.
 */
import { type ColumnType, type Field, columnsOf } from "../parquet/columns.ts";
import { type JsonObject, type SchemaFault, canonical, isObject, resolved, under } from "./json.ts";

/** Every reason why `after` may not follow `before`; none if it may. Both are schemas that `schemaFaults` takes. */
export function evolutionFaults(before: JsonObject, after: JsonObject): readonly SchemaFault[] {
  const comparison = new Comparison(before, after);
  comparison.schemas(before, after, "#");
  const faults = comparison.faults;
  for (const fault of columnFaults(columnsOf(before), columnsOf(after), "#")) {
    if (!faults.some(({ path }) => path.startsWith(fault.path))) faults.push(fault);
  }
  return faults;
}

const looseMins = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"] as const;
const looseMaxes = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"] as const;
/** What may be taken away and not be changed. */
const fixed = [
  "pattern",
  "format",
  "propertyNames",
  "prefixItems",
  "oneOf",
  "not",
  "if",
  "dependentRequired",
] as const;

const annotations: ReadonlySet<string> = new Set([
  "$schema",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "$defs",
  "definitions",
]);

class Comparison {
  readonly faults: SchemaFault[] = [];
  readonly #roots: { readonly before: JsonObject; readonly after: JsonObject };

  constructor(before: JsonObject, after: JsonObject) {
    this.#roots = { before, after };
  }

  schemas(given: unknown, wanted: unknown, path: string): void {
    const before = this.#unfolded(given, this.#roots.before);
    const after = this.#unfolded(wanted, this.#roots.after);
    if (after === true || before === false || canonical(before) === canonical(after)) return;
    if (after === false) return this.#fault(path, "nothing would be valid here any more");
    const old = isObject(before) ? before : {};
    const now = isObject(after) ? after : {};
    this.#types(old, now, path);
    this.#values(old, now, path);
    this.#bounds(old, now, path);
    this.#fixed(old, now, path);
    this.#object(old, now, path);
    this.#list("allOf", old, now, path, (from, to) => from !== undefined && to === from);
    this.#list("anyOf", old, now, path, (from, to) => from !== undefined && to >= from);
    if (now["items"] !== undefined) {
      if (old["items"] === undefined) this.#fault(under(path, "items"), "items were free until now");
      else this.schemas(old["items"], now["items"], under(path, "items"));
    }
  }

  /** The schema without its reference and its annotations: what a reference says holds beside what stands next to it. */
  #unfolded(schema: unknown, root: JsonObject): unknown {
    if (!isObject(schema)) return schema;
    const { $ref: ref, ...own } = schema;
    const target = typeof ref === "string" ? this.#unfolded(resolved(ref, root), root) : {};
    const rest = Object.fromEntries(Object.entries(own).filter(([keyword]) => !annotations.has(keyword)));
    if (!isObject(target)) return target;
    const clash = Object.keys(rest).some((keyword) => Object.hasOwn(target, keyword));
    return clash ? { allOf: [target, rest] } : { ...target, ...rest };
  }

  #types(old: JsonObject, now: JsonObject, path: string): void {
    const [from, to] = [typesOf(old), typesOf(now)];
    if (to === null) return;
    const lost = from?.filter((type) => !to.includes(type) && !(type === "integer" && to.includes("number")));
    if (lost === undefined) this.#fault(under(path, "type"), "values of any type were valid until now");
    else if (lost.length > 0)
      this.#fault(under(path, "type"), `values of type ${lost.join(", ")} would not be valid any more`);
  }

  #values(old: JsonObject, now: JsonObject, path: string): void {
    const [from, to] = [valuesOf(old), valuesOf(now)];
    if (to === null) return;
    const keyword = "const" in now ? "const" : "enum";
    if (from === null) this.#fault(under(path, keyword), "other values were valid until now");
    else if (from.some((value) => !to.includes(value)))
      this.#fault(under(path, keyword), "a value that was valid would not be any more");
  }

  #bounds(old: JsonObject, now: JsonObject, path: string): void {
    for (const [keywords, tighter] of [
      [looseMins, (from: number, to: number) => to > from],
      [looseMaxes, (from: number, to: number) => to < from],
    ] as const) {
      for (const keyword of keywords) {
        const [from, to] = [old[keyword], now[keyword]];
        if (typeof to !== "number") continue;
        if (typeof from !== "number")
          this.#fault(under(path, keyword), "it is new, and what was valid may break it");
        else if (tighter(from, to))
          this.#fault(
            under(path, keyword),
            `it would go from ${from} to ${to}, and what was valid may break it`,
          );
      }
    }
    const [from, to] = [old["multipleOf"], now["multipleOf"]];
    if (typeof to === "number" && !(typeof from === "number" && from % to === 0))
      this.#fault(under(path, "multipleOf"), "what was valid may break it");
  }

  #fixed(old: JsonObject, now: JsonObject, path: string): void {
    for (const keyword of fixed) {
      if (now[keyword] === undefined) continue;
      const same = this.#text(old[keyword], "before") === this.#text(now[keyword], "after");
      if (!same) this.#fault(under(path, keyword), "it may be taken away, and neither be added nor changed");
    }
    if (now["if"] === undefined) return;
    for (const keyword of ["then", "else"]) {
      if (this.#text(old[keyword], "before") !== this.#text(now[keyword], "after"))
        this.#fault(under(path, keyword), "it may not be changed while there is an `if`");
    }
  }

  #object(old: JsonObject, now: JsonObject, path: string): void {
    const [from, to] = [membersOf(old["properties"]), membersOf(now["properties"])];
    const more = old["additionalProperties"];
    for (const name of Object.keys(from)) {
      const at = under(under(path, "properties"), name);
      if (!Object.hasOwn(to, name)) this.#fault(at, "a property stays; mark it `deprecated` instead");
      else this.schemas(from[name], to[name], at);
    }
    for (const name of Object.keys(to)) {
      if (!Object.hasOwn(from, name) && isObject(more))
        this.schemas(more, to[name], under(under(path, "properties"), name));
    }
    const required = namesOf(old["required"]);
    for (const name of namesOf(now["required"])) {
      if (!required.includes(name))
        this.#fault(under(path, "required"), `${JSON.stringify(name)} was optional until now`);
    }
    if (now["additionalProperties"] === undefined) return;
    if (more === undefined && now["additionalProperties"] !== true)
      this.#fault(under(path, "additionalProperties"), "further properties were valid until now");
    else this.schemas(more ?? true, now["additionalProperties"], under(path, "additionalProperties"));
  }

  #list(
    keyword: "allOf" | "anyOf",
    old: JsonObject,
    now: JsonObject,
    path: string,
    mayBe: (from: number | undefined, to: number) => boolean,
  ): void {
    const to = now[keyword];
    if (!Array.isArray(to)) return;
    const from: readonly unknown[] | undefined = Array.isArray(old[keyword]) ? old[keyword] : undefined;
    const at = under(path, keyword);
    if (!mayBe(from?.length, to.length)) this.#fault(at, "what was valid may break it");
    from?.forEach((schema, index) => {
      if (index < to.length) this.schemas(schema, to[index], under(at, index));
    });
  }

  /** The text of a keyword's value with its references followed. */
  #text(value: unknown, which: "before" | "after"): string {
    const root = this.#roots[which];
    const follow = (part: unknown): unknown => {
      if (Array.isArray(part)) return part.map(follow);
      const plain = this.#unfolded(part, root);
      return isObject(plain)
        ? Object.fromEntries(Object.entries(plain).map(([name, member]) => [name, follow(member)]))
        : plain;
    };
    return canonical(follow(value));
  }

  #fault(path: string, reason: string): void {
    this.faults.push({ path, reason });
  }
}

/** Columns of Parquet parts that would change or go, by the path of their property. */
function columnFaults(before: readonly Field[], after: readonly Field[], path: string): SchemaFault[] {
  const now = new Map(after.map(({ name, type }) => [name, type]));
  return before.flatMap(({ name, type }) => {
    const at = under(under(path, "properties"), name);
    const to = now.get(name);
    return to === undefined ? [{ path: at, reason: "its column would go" }] : typeFaults(type, to, at);
  });
}

function typeFaults(from: ColumnType, to: ColumnType, path: string): SchemaFault[] {
  if (from.kind === "list" && to.kind === "list") return typeFaults(from.item, to.item, under(path, "items"));
  if (from.kind === "struct" && to.kind === "struct") return columnFaults(from.fields, to.fields, path);
  if (from.kind === to.kind || (from.kind === "integer" && to.kind === "number")) return [];
  return [{ path, reason: `its column would change from ${from.kind} to ${to.kind}` }];
}

/** The types that are allowed; null: any. */
function typesOf(schema: JsonObject): readonly unknown[] | null {
  const { type } = schema;
  if (type === undefined) return null;
  return Array.isArray(type) ? (type as readonly unknown[]) : [type];
}

/** The values that are allowed, as texts; null: any. */
function valuesOf(schema: JsonObject): string[] | null {
  if ("const" in schema) return [canonical(schema["const"])];
  return Array.isArray(schema["enum"]) ? schema["enum"].map(canonical) : null;
}

function membersOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function namesOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
