/**
 * Fitting a JSON value into a column. What does not fit is null there, however deep, and is told: the caller keeps the
 * whole member beside. Nothing here throws: a value never stops a part.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { microsOf } from "./micros.ts";
import type { ColumnType } from "./columns.ts";
import { readableJson } from "./readable.ts";

export interface Fitted {
  /** As the writer takes it: integers and times are bigint, JSON is UTF-8. */
  readonly value: unknown;
  /** The column says all that the value says. */
  readonly full: boolean;
}

const nothing: Fitted = { value: null, full: true };
const unfit: Fitted = { value: null, full: false };

export function fit(type: ColumnType, value: unknown): Fitted {
  if (value === null || value === undefined) return nothing;
  switch (type.kind) {
    case "text":
      return typeof value === "string" && value.isWellFormed() ? { value, full: true } : unfit;
    case "integer":
      // Past 2^53 a parsed number may not be the one that was written.
      return Number.isSafeInteger(value) ? { value: BigInt(value as number), full: true } : unfit;
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? { value, full: isExact(value) } : unfit;
    case "boolean":
      return typeof value === "boolean" ? { value, full: true } : unfit;
    case "time": {
      const micros = typeof value === "string" ? microsOf(value) : null;
      return micros === null ? unfit : { value: micros, full: true };
    }
    case "json": {
      const text = JSON.stringify(value);
      const readable = readableJson(text);
      return { value: utf8ToBytes(readable), full: readable === text && isExact(value) };
    }
    case "list": {
      if (!Array.isArray(value)) return unfit;
      const items = value.map((item) => fit(type.item, item));
      return { value: items.map((item) => item.value), full: items.every((item) => item.full) };
    }
    case "struct":
      return fitStruct(type.fields, value);
  }
}

function fitStruct(fields: Extract<ColumnType, { kind: "struct" }>["fields"], value: unknown): Fitted {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return unfit;
  const members = value as Readonly<Record<string, unknown>>;
  const struct: Record<string, unknown> = {};
  let known = 0;
  let full = true;
  for (const { name, type } of fields) {
    if (!Object.hasOwn(members, name)) continue;
    known++;
    const fitted = fit(type, members[name]);
    struct[name] = fitted.value;
    full &&= fitted.full;
  }
  return { value: struct, full: full && known === Object.keys(members).length };
}

/** No number in it is one of several that were perhaps written: no whole one past 2^53, and none past every double. */
function isExact(value: unknown): boolean {
  if (typeof value === "number")
    return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
  return typeof value !== "object" || value === null || Object.values(value).every(isExact);
}
