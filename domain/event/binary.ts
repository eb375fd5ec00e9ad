/**
 * One event in the HTTP binding's binary mode: `ce-` headers and the body as data. It is written into the JSON
 * format and then admitted by the same rules as any other, so there is one set of rules.
 *
 * What cannot be told here: a header that was sent twice reaches us joined with a comma by the platform, and is then
 * a value with a comma in it.
 */
import { type EventRefusal, type Result, ok } from "../refusal.ts";
import { shown } from "./attributes.ts";
import { base64Of } from "./base64.ts";
import { type Admission, refuse } from "./event.ts";
import { charsetOf, essenceOf, isJsonMediaType, isUtf8Charset } from "./media-type.ts";
import { scanValue } from "./scan.ts";
import { admitSpan, refused } from "./structured.ts";

/** A message body. */
export interface BinaryBody {
  readonly bytes: Uint8Array;
  /** The bytes decoded as UTF-8 with a byte order mark kept; `null` if they are not valid UTF-8. */
  readonly text: string | null;
}

export function admitBinary(headers: Iterable<readonly [string, string]>, body: BinaryBody): Admission {
  const members: string[] = [];
  let id: string | null = null;
  let contentType: string | null = null;
  let refusal: Result<never, EventRefusal> | null = null;
  for (const [header, value] of headers) {
    // "header names are case-insensitive": HTTP binding 3.1.3.1.
    const lower = header.toLowerCase();
    // "the HTTP Content-Type header value corresponds to the datacontenttype attribute", unescaped: 3.1.1.
    if (lower === "content-type" && value !== "") contentType = value;
    if (!lower.startsWith("ce-")) continue;
    const name = lower.slice(3);
    const read = readHeader(name, value);
    if (!read.ok) refusal ??= read;
    else members.push(member(name, read.value));
    if (read.ok && name === "id") id = read.value;
  }
  if (refusal !== null) return refused(id, refusal);
  if (contentType !== null) members.push(member("datacontenttype", contentType));
  if (body.bytes.length > 0) members.push(dataMember(contentType, body));
  const json = `{${members.join(",")}}`;
  return admitSpan(json, 0, scanValue(json, 0, json.length), false);
}

function readHeader(name: string, value: string): Result<string, EventRefusal> {
  if (name === "datacontenttype") {
    // 3.1.1: it "MUST NOT also be present in the message".
    return refuse("duplicate_attribute", "`ce-datacontenttype` may not be sent; `content-type` carries it.");
  }
  if (name === "data" || name === "data_base64") {
    // "MUST NOT use the name `data` as this is reserved for use by some event formats".
    return refuse(
      "invalid_attribute_name",
      `No attribute may be named ${shown(name)}; the data is the body.`,
    );
  }
  const decoded = decodeHeaderValue(value);
  if (decoded !== null) return ok(decoded);
  return refuse(
    "invalid_attribute_value",
    `The header ${shown(`ce-${name}`)} is not percent-encoded UTF-8 in printable ASCII; encode it (HTTP binding 3.1.3.2).`,
  );
}

const printableAscii = /^[\x20-\x7e\t]*$/;

/**
 * HTTP binding 3.1.3.2: the value is "first unescaped with respect to double-quoted strings", then "a single round
 * of percent-decoding" is performed, and "byte sequences which are invalid in UTF-8 MUST be rejected".
 * Raw characters outside ASCII are refused: whether they were UTF-8 or Latin-1 can no longer be told.
 */
export function decodeHeaderValue(value: string): string | null {
  if (!printableAscii.test(value)) return null;
  const unquoted = value.includes('"') ? unquote(value) : value;
  if (unquoted === null || !unquoted.includes("%")) return unquoted;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    return null;
  }
}

/** Takes quoted strings out of their quotes and their backslash escapes away (RFC 7230 section 3.2.6). */
function unquote(value: string): string | null {
  let text = "";
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '"') quoted = !quoted;
    else if (quoted && char === "\\") text += value.charAt(++at);
    else text += char;
  }
  return quoted ? null : text;
}

/**
 * The body as a member of the JSON format, always so that its bytes or its value can be given back exactly:
 * JSON as it stands, text as a string, anything else in base64. JSON-typed content that does not parse is base64
 * too: JSON format 3.1.1 lets any content be `Binary`, and then only asks that `datacontenttype` names its format.
 * Without a content type "no assumptions can be made", as in that section's last example.
 */
function dataMember(contentType: string | null, { bytes, text }: BinaryBody): string {
  if (contentType !== null && text !== null && isUtf8Charset(charsetOf(contentType))) {
    if (isJsonMediaType(contentType)) {
      if (isJson(text)) return `"data":${text}`;
    } else if (essenceOf(contentType).startsWith("text/")) {
      return member("data", text);
    }
  }
  return `"data_base64":"${base64Of(bytes)}"`;
}

function member(name: string, value: string): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
