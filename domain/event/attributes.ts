/**
 * The attributes of one event, by CloudEvents 1.0.2: names (section "Attribute Naming Convention"), types ("Type
 * System") and the constraints of each attribute. Quoted words are the specification's.
 * Streams, keys and hours are not looked at here.
 */
import type { EpochMs } from "../hour.ts";
import { attributeBytesMax, attributesPerEventMax, typeBytesMax } from "../limits.ts";
import { type EventRefusal, type EventRefusalCode, type Result, no, ok } from "../refusal.ts";
import { isBase64 } from "./base64.ts";
import { refuse } from "./event.ts";
import { isJsonMediaType, isMediaType } from "./media-type.ts";
import { membersOf } from "./scan.ts";
import { parseTimestamp } from "./timestamp.ts";
import { isAbsoluteUri, isUriReference } from "./uri.ts";
import { utf8Length } from "./utf8.ts";

/** What the rest of the system needs to know of an event. */
export interface Envelope {
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly timeMs: EpochMs | null;
  readonly partitionKey: string | null;
}

export type Members = Readonly<Record<string, unknown>>;

/** Disallowed in `String`: control characters, surrogates "unless used properly in pairs", noncharacters. */
const disallowed = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;
/** JSON format 2.2: an Integer is "only the integer component optionally prefixed with a minus sign". */
const integerPattern = /^-?(?:0|[1-9][0-9]*)$/;

/**
 * What was last found right of each attribute that the events of a request mostly have in common; null: nothing yet. To check
 * it again for each of them took a fifth of admitting a request.
 */
const lastRight = new Map<string, string | null>([
  ["specversion", null],
  ["source", null],
  ["type", null],
  ["datacontenttype", null],
  ["dataschema", null],
]);

/**
 * Checks the members of one event in the JSON format. `json` is the text they were parsed from: it alone tells
 * `1` from `1.0`. The caller has made sure that no member stands twice.
 */
export function readEnvelope(members: Members, json: string): Result<Envelope, EventRefusal> {
  // First, because an event of another version is not judged by this version's rules.
  if (members["specversion"] !== "1.0") {
    return refuse("invalid_specversion", '`specversion` must be the string "1.0".');
  }
  let attributes = 0;
  for (const name of Object.keys(members)) {
    if (name === "data" || name === "data_base64") continue;
    attributes++;
    const value = members[name];
    const shared = lastRight.get(name);
    if (typeof shared === "string" && shared === value) continue;
    const fault = typeof value === "string" ? faultOfString(name, value) : faultOfOther(name, value, json);
    if (fault !== null) return no(fault);
    if (shared !== undefined && typeof value === "string") lastRight.set(name, value);
  }
  if (attributes > attributesPerEventMax) {
    return refuse("event_too_large", `An event has at most ${attributesPerEventMax} attributes.`);
  }
  const { type, source, id, time } = members;
  // "REQUIRED", and JSON format 2.2: a null "MUST be treated as the equivalent of unset or omitted".
  if (typeof id !== "string") return missing("id");
  if (typeof source !== "string") return missing("source");
  if (typeof type !== "string") return missing("type");
  let timeMs: EpochMs | null = null;
  if (typeof time === "string") {
    timeMs = parseTimestamp(time);
    if (timeMs === null) {
      return refuse(
        "invalid_attribute_value",
        "`time` must be an RFC 3339 timestamp with an offset, for example 2026-11-23T10:00:00Z.",
      );
    }
  }
  const data = faultOfData(members);
  if (data !== null) return no(data);
  return ok({ type, source, id, timeMs, partitionKey: partitionKeyOf(members["partitionkey"]) });
}

/** The name in a form that is safe to show: a client's text, cut and quoted. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
}

function missing(name: string): Result<never, EventRefusal> {
  return refuse("missing_attribute", `\`${name}\` is required and must be a non-empty string.`);
}

function refusalOf(code: EventRefusalCode, detail: string): EventRefusal {
  return { code, detail };
}

function faultOfString(name: string, value: string): EventRefusal | null {
  if (!isAttributeName(name)) return invalidName(name);
  const ascii = isPrintableAscii(value);
  if (!ascii && disallowed.test(value)) {
    return refusalOf(
      "invalid_attribute_value",
      `The value of ${shown(name)} has a control character, a noncharacter or half of a surrogate pair; remove it.`,
    );
  }
  const bytesMax = name === "type" ? typeBytesMax : attributeBytesMax;
  if (value.length > bytesMax || (!ascii && utf8Length(value) > bytesMax)) {
    return refusalOf(
      "event_too_large",
      `The value of ${shown(name)} is over ${bytesMax} bytes; move long values to \`data\`.`,
    );
  }
  switch (name) {
    case "id":
    case "type":
      return value === "" ? refusalOf("missing_attribute", `\`${name}\` must be a non-empty string.`) : null;
    case "source":
      if (value === "") return refusalOf("missing_attribute", "`source` must be a non-empty URI-reference.");
      return isUriReference(value)
        ? null
        : refusalOf(
            "invalid_attribute_value",
            "`source` must be a URI-reference (RFC 3986); percent-encode what a URI may not hold, and begin with `//` or a scheme if there is a colon before the first slash.",
          );
    case "subject":
      return value === ""
        ? refusalOf("invalid_attribute_value", "`subject` must be a non-empty string; leave it out instead.")
        : null;
    case "dataschema":
      return isAbsoluteUri(value)
        ? null
        : refusalOf(
            "invalid_attribute_value",
            "`dataschema` must be an absolute URI without a fragment (RFC 3986 section 4.3).",
          );
    case "datacontenttype":
      return isMediaType(value)
        ? null
        : refusalOf(
            "invalid_attribute_value",
            "`datacontenttype` must be a media type (RFC 2046), for example application/json.",
          );
    default:
      return null;
  }
}

/** Attributes defined by the specification: each is a string in JSON. */
const core: ReadonlySet<string> = new Set([
  "id",
  "source",
  "type",
  "specversion",
  "time",
  "subject",
  "dataschema",
  "datacontenttype",
]);

function faultOfOther(name: string, value: unknown, json: string): EventRefusal | null {
  if (!isAttributeName(name)) return invalidName(name);
  if (value === null) return null;
  if (core.has(name)) {
    return refusalOf("invalid_attribute_value", `\`${name}\` must be a string.`);
  }
  if (typeof value === "boolean") return null;
  if (typeof value === "number") {
    const int32 = value === (value | 0);
    const raw = int32 ? (membersOf(json).find((member) => member.name === name)?.raw ?? "") : "";
    if (integerPattern.test(raw)) return null;
  }
  return refusalOf(
    "invalid_attribute_value",
    `The extension ${shown(name)} must be a string, a boolean or a whole number of 32 bits; put anything else into \`data\`.`,
  );
}

/** "MUST consist of lower-case letters or digits"; 20 characters is only a SHOULD. A loop: half a regex's cost. */
function isAttributeName(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at);
    if (!((unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39))) return false;
  }
  return name !== "";
}

function isPrintableAscii(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e) return false;
  }
  return true;
}

function invalidName(name: string): EventRefusal {
  return refusalOf(
    "invalid_attribute_name",
    `The attribute name ${shown(name)} must consist of lower-case letters a-z and digits.`,
  );
}

/** JSON format 3.1.1: `data` and `data_base64` are "mutually exclusive"; `data` may be null, "an explicit null payload". */
function faultOfData(members: Members): EventRefusal | null {
  const data = members["data"];
  const base64 = members["data_base64"];
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) {
      return refusalOf("invalid_data", "An event has `data` or `data_base64`, not both; leave one out.");
    }
    return typeof base64 === "string" && isBase64(base64)
      ? null
      : refusalOf(
          "invalid_data",
          "`data_base64` must be a base64 string (RFC 4648 section 4, padded, on one line).",
        );
  }
  const contentType = members["datacontenttype"];
  // JSON format 3.1.1: content that is not declared as JSON MUST be stored as a string. A null says "no payload" in
  // many producers and is taken: section 3.1.2 lets a reader fail here, but does not ask for it.
  if (typeof contentType === "string" && data !== undefined && data !== null && typeof data !== "string") {
    if (!isJsonMediaType(contentType)) {
      return refusalOf(
        "invalid_data",
        "`data` must be a string, because `datacontenttype` is not a JSON type; correct either, or use `data_base64`.",
      );
    }
  }
  return null;
}

/** The canonical string form, so that an event has the same key in the JSON format and in HTTP headers. */
function partitionKeyOf(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}
