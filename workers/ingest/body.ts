/**
 * A request → its admitted and refused events, or why the request as a whole cannot be read.
 * Order of the checks: what the headers can refuse is refused before a byte of the body is read.
 * Not here: who may write (keys), which streams exist, and whether an hour is open.
 */
import { type Admission, admitBinary, admitJsonText } from "../../domain/event/index.ts";
import { type RequestRefusal, type Result, no, ok } from "../../domain/refusal.ts";
import { inflate, looksGzipped, readBody } from "./bytes.ts";
import { contentModeOf, isGzipDeclared } from "./media-type.ts";

/** `ignoreBOM` means that a byte order mark is kept: as data it must come back. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export async function admitRequest(request: Request): Promise<Result<readonly Admission[], RequestRefusal>> {
  const content = contentModeOf(request.headers);
  if (!content.ok) return content;
  const gzip = isGzipDeclared(request.headers);
  if (!gzip.ok) return gzip;

  const read = await readBody(request);
  if (!read.ok) return read;
  let bytes = read.value;
  // Real clients send gzip under no label. Text never begins with gzip's first bytes, but the data of a binary-mode
  // event may be a gzip file, and is then left alone.
  if (gzip.value || (content.value.mode === "text" && looksGzipped(bytes))) {
    const inflated = await inflate(bytes);
    if (!inflated.ok) return inflated;
    bytes = inflated.value;
  }

  const text = decode(bytes);
  if (content.value.mode === "binary") return ok([admitBinary(request.headers, { bytes, text })]);
  if (text === null) {
    return no({ code: "unreadable_body", detail: "The body is not valid UTF-8; encode it as UTF-8." });
  }
  // RFC 8259 section 8.1: a reader "MAY ignore the presence of a byte order mark".
  const marked = text.charCodeAt(0) === 0xfeff;
  return admitJsonText(marked ? text.slice(1) : text, content.value.form, bytes.length - (marked ? 3 : 0));
}

function decode(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}
