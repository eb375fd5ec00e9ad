/** Which content mode a request is in, told by its headers alone (HTTP binding section 3). */
import { type TextForm, charsetOf, essenceOf, isUtf8Charset } from "../../domain/event/index.ts";
import { type RequestRefusal, type Result, no, ok } from "../../domain/refusal.ts";

/** How to read the body: as one event's data, or as a text of events. */
export type ContentMode = { readonly mode: "binary" } | { readonly mode: "text"; readonly form: TextForm };

const forms: ReadonlyMap<string, TextForm> = new Map([
  ["application/cloudevents+json", "event"],
  ["application/cloudevents-batch+json", "batch"],
  ["application/json", "auto"],
  ["application/x-ndjson", "ndjson"],
  ["application/ndjson", "ndjson"],
  ["application/jsonl", "ndjson"],
  // What `navigator.sendBeacon` sends for a string, and the only type it may send across origins without a preflight.
  ["text/plain", "text"],
]);

const required = ["ce-specversion", "ce-id", "ce-source", "ce-type"] as const;

export function contentModeOf(headers: Headers): Result<ContentMode, RequestRefusal> {
  const given = headers.get("content-type") ?? "";
  const essence = essenceOf(given.trim());
  // "If the value is prefixed with application/cloudevents (matched case-insensitively)" it is structured or batched,
  // otherwise binary. One of the required headers is enough to mean binary mode: the event then says what it lacks.
  if (!essence.startsWith("application/cloudevents") && required.some((name) => headers.has(name))) {
    return ok({ mode: "binary" });
  }
  const form = forms.get(essence);
  // All of these are JSON, which between systems is UTF-8 (RFC 8259 section 8.1).
  if (form === undefined || !isUtf8Charset(charsetOf(given))) {
    return no({ code: "unsupported_media_type", given: given.slice(0, 200) });
  }
  return ok({ mode: "text", form });
}

/** Whether `content-encoding` says gzip; refused if it names anything but gzip and identity. */
export function isGzipDeclared(headers: Headers): Result<boolean, RequestRefusal> {
  const given = headers.get("content-encoding") ?? "";
  const codings = given
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length === 0) return ok(false);
  // "x-gzip" is the same coding: RFC 9110 section 8.4.1.3.
  const gzip = codings.length === 1 && (codings[0] === "gzip" || codings[0] === "x-gzip");
  return gzip ? ok(true) : no({ code: "unsupported_encoding", given: given.slice(0, 200) });
}
