/**
 * One event in the CloudEvents JSON format: a delimited slice of what was posted → its admission.
 * The slice is kept as it is: JSON.parse only reads it, nothing is written back. So 1.0, 12345678901234567890,
 * escapes, the order of members and repeated members inside `data` all survive.
 */
import { eventBytesMax, nestingMax } from "../limits.ts";
import { type EventRefusal, type Result, ok } from "../refusal.ts";
import { type Members, readEnvelope, shown } from "./attributes.ts";
import { type AdmissibleEvent, type Admission, refuse } from "./event.ts";
import { type Span, membersOf, trimEnd } from "./scan.ts";
import { utf8Length } from "./utf8.ts";

const lineBreaks = /[\n\r]/g;

/**
 * Admits the value that `span` delimits in `text`; it starts at `from`, after whitespace.
 * `ascii` promises that the text is ASCII throughout, which saves counting its bytes.
 */
export function admitSpan(text: string, from: number, span: Span, ascii: boolean): Admission {
  if (span.tooDeep) {
    return refused(
      null,
      refuse("event_too_large", `JSON may nest at most ${nestingMax} deep; flatten \`data\`.`),
    );
  }
  const slice = text.slice(from, trimEnd(text, from, span.end));
  const parsed = parse(slice);
  if (!isMembers(parsed)) {
    const detail =
      slice === ""
        ? "An event is empty; remove the comma before or after it."
        : parsed === undefined
          ? "The event is not JSON; correct its syntax."
          : "An event must be a JSON object.";
    return refused(null, refuse("invalid_json", detail));
  }
  const id = typeof parsed["id"] === "string" ? parsed["id"] : null;
  return { id, outcome: admitMembers(parsed, slice, span, ascii) };
}

function admitMembers(
  members: Members,
  slice: string,
  span: Span,
  ascii: boolean,
): Result<AdmissibleEvent, EventRefusal> {
  // Which of two equal names a reader takes is its own choice, so an identity could be read in two ways.
  if (Object.keys(members).length !== span.members) {
    return refuse("duplicate_attribute", `The member ${shown(repeatedName(slice))} stands twice; keep one.`);
  }
  const envelope = readEnvelope(members, slice);
  if (!envelope.ok) return envelope;
  // Inside a JSON string a raw line break is invalid, so every one left is insignificant whitespace.
  const json = span.oneLine ? slice : slice.replace(lineBreaks, " ");
  const jsonBytes = ascii ? json.length : utf8Length(json);
  if (jsonBytes > eventBytesMax) {
    return refuse(
      "event_too_large",
      `An event has at most ${eventBytesMax} bytes; store large data elsewhere and refer to it.`,
    );
  }
  const { type, source, id, timeMs, partitionKey } = envelope.value;
  return ok({ type, source, id, timeMs, partitionKey, json, jsonBytes });
}

export function refused(id: string | null, outcome: Result<never, EventRefusal>): Admission {
  return { id, outcome };
}

/** `undefined` if the text is not JSON; no JSON text has that value. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function repeatedName(json: string): string {
  const seen = new Set<string>();
  for (const { name } of membersOf(json)) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return "";
}
