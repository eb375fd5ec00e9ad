/**
 * One row's line → the values of its columns.
 *
 * Everything that was posted is in some column: attributes in theirs, extensions in a map in their canonical string
 * form, `data` as the text that was posted. A `time` that says more than its microseconds is also kept as text, a member
 * of `data` that its typed column does not hold in full is also in `rest`, and a text that engines do not take for JSON
 * is also in `binary`.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { bytesOfBase64 } from "../event/base64.ts";
import { membersOf, scanValue } from "../event/scan.ts";
import { broken } from "../invariant.ts";
import type { Field } from "./columns.ts";
import { fit } from "./fit.ts";
import { isPlainTime, microsOf } from "./micros.ts";
import { readableJson } from "./readable.ts";

type Members = Readonly<Record<string, unknown>>;

/** Attributes with a column of their own; `data` and `data_base64` have theirs too. All others are extensions. */
const attributes: ReadonlySet<string> = new Set([
  "id",
  "source",
  "type",
  "specversion",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
  "data",
  "data_base64",
]);

/** The columns that every row has; see `layout.ts` for their types and order. */
export interface RowValues {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly specversion: string;
  readonly subject: string | null;
  readonly time: bigint | null;
  readonly time_posted: string | null;
  readonly received_at: bigint;
  readonly home_hour: string;
  readonly unguarded: boolean;
  readonly schema_version: number | null;
  readonly datacontenttype: string | null;
  readonly dataschema: string | null;
  readonly extensions: ReadonlyMap<string, string> | null;
  readonly data: Uint8Array | null;
  readonly binary: Uint8Array | null;
  readonly rest: Uint8Array | null;
  /** Values of the typed columns, in their order. */
  readonly typed: readonly unknown[];
}

/** `line` is a row as the edge wrote it, without its line break. Another line is a broken invariant. */
export function rowValues(line: string, columns: readonly Field[]): RowValues {
  const row = JSON.parse(line) as Members;
  const event = row["event"] as Members;
  const receivedAt = microsOf(String(row["received_at"]));
  if (receivedAt === null) broken("a row without the time at which it was received");
  const time = textOf(event["time"]);
  const data = dataText(line, event);
  const base64 = textOf(event["data_base64"]);
  const readable = data === null ? null : readableJson(data);
  const { typed, rest } = typedOf(event["data"], data, columns);
  return {
    id: String(event["id"]),
    source: String(event["source"]),
    type: String(event["type"]),
    specversion: String(event["specversion"]),
    subject: textOf(event["subject"]),
    time: time === null ? null : microsOf(time),
    time_posted: time === null || isPlainTime(time) ? null : time,
    received_at: receivedAt,
    home_hour: String(row["home_hour"]),
    unguarded: row["unguarded"] === true,
    schema_version: typeof row["schema_version"] === "number" ? row["schema_version"] : null,
    datacontenttype: textOf(event["datacontenttype"]),
    dataschema: textOf(event["dataschema"]),
    extensions: extensionsOf(event),
    data: readable === null ? null : utf8ToBytes(readable),
    // An event has no `data` beside `data_base64`.
    binary: base64 !== null ? bytesOfBase64(base64) : readable === data ? null : utf8ToBytes(data ?? ""),
    rest: rest === null ? null : utf8ToBytes(readableJson(rest)),
    typed,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The text of `data` as it was posted; null if the event has none. */
function dataText(line: string, event: Members): string | null {
  if (!Object.hasOwn(event, "data")) return null;
  const raw = rawMember(line, "event") ?? "";
  return rawMember(raw, "data");
}

function rawMember(json: string, name: string): string | null {
  return membersOf(json).find((member) => member.name === name)?.raw ?? null;
}

function extensionsOf(event: Members): ReadonlyMap<string, string> | null {
  const names = Object.keys(event).filter((name) => !attributes.has(name) && event[name] !== null);
  if (names.length === 0) return null;
  return new Map(names.sort().map((name) => [name, String(event[name])]));
}

/** The typed columns of `data`, and as JSON the members that they do not hold in full. */
function typedOf(
  data: unknown,
  text: string | null,
  columns: readonly Field[],
): { readonly typed: readonly unknown[]; readonly rest: string | null } {
  if (columns.length === 0 || text === null || data === null) {
    return { typed: columns.map(() => null), rest: null };
  }
  if (typeof data !== "object" || Array.isArray(data)) return { typed: columns.map(() => null), rest: text };
  const members = data as Members;
  const held = new Set<string>();
  const typed = columns.map(({ name, type }) => {
    if (!Object.hasOwn(members, name)) return null;
    const { value, full } = fit(type, members[name]);
    if (full) held.add(name);
    return value;
  });
  // A name that stands twice has one value in the column and two in the text.
  const count = scanValue(text, 0, text.length).members;
  if (held.size === count) return { typed, rest: null };
  const repeated = count !== Object.keys(members).length;
  const rest = membersOf(text)
    .filter(({ name }) => repeated || !held.has(name))
    .map(({ name, raw }) => `${JSON.stringify(name)}:${raw}`);
  return { typed, rest: `{${rest.join(",")}}` };
}
