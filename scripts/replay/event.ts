/**
 * One line of a file → one CloudEvent, as JSON text. `data` is the line's own text, byte for byte, so that numbers,
 * escapes and the order of members survive. Pure: the same line in the same file always makes the same event.
 */
import { membersOf } from "../../domain/event/scan.ts";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { type EpochMs, epochMs, isoOf } from "../../domain/hour.ts";
import { type Result, no, ok } from "../../domain/refusal.ts";
import type { Line } from "./lines.ts";

/** Which members of a line become attributes. */
export interface Mapping {
  readonly typeField: string;
  /** Null: every id is made from file and line. */
  readonly idField: string | null;
  /** Null: events are undated. */
  readonly timeField: string | null;
  readonly source: string;
}

export interface MappedEvent {
  readonly type: string;
  readonly timeMs: EpochMs | null;
  readonly json: string;
}

/** The event, or a sentence that says why the line makes none. */
export function mapLine(line: Line, mapping: Mapping): Result<MappedEvent, string> {
  const members = objectOf(line.text);
  if (members === null) return no("the line is not a JSON object");
  const type = members[mapping.typeField];
  if (typeof type !== "string" || type === "") {
    return no(`the member ${JSON.stringify(mapping.typeField)} is not a non-empty string; see --type-field`);
  }
  const time = mapping.timeField === null ? ok(null) : timeOf(members[mapping.timeField], mapping.timeField);
  if (!time.ok) return time;
  const attributes = {
    specversion: "1.0",
    id: idOf(line, members, mapping.idField),
    source: mapping.source,
    type,
    ...(time.value === null ? {} : { time: time.value.text }),
    datacontenttype: "application/json",
  };
  const head = JSON.stringify(attributes).slice(0, -1);
  return ok({ type, timeMs: time.value?.ms ?? null, json: `${head},"data":${line.text}}` });
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

/** The id in the line, numbers as they are written there; else `<file>:<line>`, which a second replay repeats. */
function idOf(line: Line, members: Readonly<Record<string, unknown>>, field: string | null): string {
  const made = `${line.file}:${line.no}`;
  if (field === null) return made;
  const value = members[field];
  if (typeof value === "string" && value !== "") return value;
  if (typeof value !== "number") return made;
  return membersOf(line.text).findLast((member) => member.name === field)?.raw ?? made;
}

/** RFC 3339 text is kept as it is; a number is seconds since 1970, or milliseconds from 1e11 on. */
function timeOf(value: unknown, field: string): Result<{ ms: EpochMs; text: string }, string> {
  if (typeof value === "string") {
    const ms = parseTimestamp(value);
    if (ms !== null) return ok({ ms, text: value });
  }
  if (typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 1e14) {
    const ms = epochMs(Math.abs(value) < 1e11 ? Math.floor(value * 1000) : value);
    return ok({ ms, text: isoOf(ms) });
  }
  return no(
    `the member ${JSON.stringify(field)} is neither RFC 3339 nor seconds since 1970; see --time-field`,
  );
}
