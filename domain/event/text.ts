/**
 * A body of text → its events: one event, a JSON array of events, or a line for each.
 *
 * One bad event never spoils its neighbours as long as it is certain where each event begins and ends. Where it is
 * not (a bracket or a string that is not closed, text after the end), the whole request is unreadable.
 */
import { eventsPerRequestMax } from "../limits.ts";
import { type RequestRefusal, type Result, no, ok } from "../refusal.ts";
import { type Admission, refuse } from "./event.ts";
import { jsonFaultAt } from "./json-fault.ts";
import { type Span, scanValue, skipSpace } from "./scan.ts";
import { admitSpan, refused } from "./structured.ts";

/**
 * `event`: one object. `batch`: one array. `auto`: either, by its first character. `ndjson`: one object a line,
 * blank lines skipped. `text`: no declared format; lines if the first line is an object by itself, else as `auto`.
 */
export type TextForm = "event" | "batch" | "auto" | "ndjson" | "text";

type Admissions = Result<readonly Admission[], RequestRefusal>;

/**
 * The text must be well-formed and without a byte order mark. Positions in refusals count characters from 1.
 * A caller who knows the text's UTF-8 length passes it: if it shows that all is ASCII, no event's bytes are counted.
 */
export function admitJsonText(text: string, form: TextForm, textBytes?: number): Admissions {
  const ascii = textBytes === text.length;
  const from = skipSpace(text, 0, text.length);
  if (from === text.length) return unreadable("The body is empty; post at least one event.");
  if (form === "ndjson" || (form === "text" && startsWithLine(text, from))) return admitLines(text, ascii);
  const first = text.charAt(from);
  if (first === "[") {
    if (form === "event") {
      return unreadable("The body is an array; post it as application/cloudevents-batch+json.");
    }
    return admitArray(text, from, ascii);
  }
  if (first === "{") {
    if (form === "batch")
      return unreadable("The body is not an array; post it as application/cloudevents+json.");
    return admitObject(text, from, ascii);
  }
  return unreadable(`The body does not begin with { or [ at character ${from + 1}; post events as JSON.`);
}

function admitObject(text: string, from: number, ascii: boolean): Admissions {
  const span = scanValue(text, from, text.length);
  if (span.fault !== null) return unreadableAt(span.fault);
  const admission = admitSpan(text, from, span, ascii);
  // With nothing beside it to save, a text that is not JSON is the request's fault, and its position helps.
  if (!admission.outcome.ok && admission.outcome.reason.code === "invalid_json") {
    const at = jsonFaultAt(text);
    if (at !== null) return unreadableAt({ at, what: "the text is not JSON" });
  }
  if (span.end < text.length) return unreadableAt({ at: span.end, what: "text follows the event" });
  return ok([admission]);
}

function admitArray(text: string, from: number, ascii: boolean): Admissions {
  const admissions: Admission[] = [];
  let at = skipSpace(text, from + 1, text.length);
  // "An example of an empty batch of CloudEvents … also valid in a request": JSON format 4.3.
  let end = text.charAt(at) === "]" ? at : -1;
  while (end < 0) {
    const span = scanValue(text, at, text.length);
    if (span.fault !== null) return unreadableAt(span.fault);
    const closer = text.charAt(span.end);
    if (closer !== "," && closer !== "]") {
      return unreadableAt({ at: span.end, what: "the array is not closed with ]" });
    }
    if (admissions.length === eventsPerRequestMax) return tooMany;
    admissions.push(admitSpan(text, at, span, ascii));
    if (closer === "]") end = span.end;
    at = skipSpace(text, span.end + 1, text.length);
  }
  const rest = skipSpace(text, end + 1, text.length);
  return rest === text.length ? ok(admissions) : unreadableAt({ at: rest, what: "text follows the array" });
}

function admitLines(text: string, ascii: boolean): Admissions {
  const admissions: Admission[] = [];
  for (let start = 0; start < text.length;) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found;
    const from = skipSpace(text, start, end);
    start = end + 1;
    if (from === end) continue;
    if (admissions.length === eventsPerRequestMax) return tooMany;
    admissions.push(admitLine(text, from, end, ascii));
  }
  return ok(admissions);
}

function admitLine(text: string, from: number, end: number, ascii: boolean): Admission {
  const span = scanValue(text, from, end);
  if (span.fault === null && span.end === end) return admitSpan(text, from, span, ascii);
  return refused(
    null,
    refuse("invalid_json", "The line is not one JSON object; write each event on its own line."),
  );
}

/** True if the first line is an object by itself and another line follows. */
function startsWithLine(text: string, from: number): boolean {
  const end = text.indexOf("\n", from);
  if (end < 0 || text.charAt(from) !== "{" || skipSpace(text, end, text.length) === text.length) return false;
  const span: Span = scanValue(text, from, end);
  return span.fault === null && span.end === end;
}

const tooMany: Result<never, RequestRefusal> = no({ code: "too_many_events", limit: eventsPerRequestMax });

function unreadable(detail: string): Result<never, RequestRefusal> {
  return no({ code: "unreadable_body", detail });
}

function unreadableAt({ at, what }: { at: number; what: string }): Result<never, RequestRefusal> {
  return unreadable(`The body cannot be read at character ${at + 1}: ${what}.`);
}
