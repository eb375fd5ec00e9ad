/**
 * Media types as `datacontenttype` carries them: RFC 2045 section 5.1, to which RFC 2046 refers, with its comments.
 * An empty parameter (`text/plain;`) is taken too: HTTP allows it (RFC 9110 section 5.6.6), and in binary mode the
 * attribute is the HTTP header.
 */

const token = "[!#$%&'*+\\-.0-9A-Z^_`a-z{|}~]+";
const quoted = '"(?:[\\t\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t\\x20-\\x7e])*"';
const space = "(?:[ \\t]|\\((?:[^()\\\\]|\\\\.)*\\))*";
const pattern = new RegExp(
  `^${token}/${token}${space}(?:;${space}(?:${token}${space}=${space}(?:${token}|${quoted})${space})?)*$`,
);
const charsetPattern = /;[ \t]*charset[ \t]*=[ \t]*(?:"([^"]*)"|([^\s;"]*))/i;

export function isMediaType(text: string): boolean {
  return pattern.test(text);
}

/** The type without parameters, in lower case: `Text/JSON; a=b` → `text/json`. */
export function essenceOf(mediaType: string): string {
  const end = mediaType.search(/[;( \t]/);
  return (end < 0 ? mediaType : mediaType.slice(0, end)).toLowerCase();
}

/** The `charset` parameter in lower case, or `null`. */
export function charsetOf(mediaType: string): string | null {
  const found = charsetPattern.exec(mediaType);
  return found === null ? null : (found[1] ?? found[2] ?? "").toLowerCase();
}

/** True of UTF-8 by any of its names, of US-ASCII, which is part of it, and of no charset at all. */
export function isUtf8Charset(charset: string | null): boolean {
  return charset === null || charset === "utf-8" || charset === "utf8" || charset === "us-ascii";
}

/** JSON format section 3.1.1: a subtype `json`, or one that ends in `+json`, declares JSON-formatted content. */
export function isJsonMediaType(mediaType: string): boolean {
  const essence = essenceOf(mediaType);
  return essence.endsWith("/json") || essence.endsWith("+json");
}
