/**
 * Finds where one JSON value ends in a longer text, without parsing it: strings and brackets are followed, nothing
 * else is checked. What the scan delimits is JSON only if JSON.parse says so afterwards; if it is, then `members`
 * is exactly the number of members of the outer object, repeated ones included, which JSON.parse hides.
 *
 * This and JSON.parse are the two passes over every byte that comes in, so the loop is written for speed.
 */
import { nestingMax } from "../limits.ts";

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

export interface Span {
  /** Index of the `,` or closing bracket that ends the value, or `to` if there is none. */
  readonly end: number;
  /** Member separators directly inside the outer object. */
  readonly members: number;
  /** No line break stands outside the value's strings. */
  readonly oneLine: boolean;
  /** Brackets nest deeper than `nestingMax`. */
  readonly tooDeep: boolean;
  /** Why the value has no certain end, or `null`. `at` is an index into the text. */
  readonly fault: { readonly at: number; readonly what: string } | null;
}

/** The open brackets of the scan under way. Shared: a scan never yields, and the bound is fixed. */
const open = new Uint8Array(nestingMax + 1);

/** Scans one value from `from`; stops before the first `,`, `]` or `}` that is not inside it, at the latest at `to`. */
export function scanValue(text: string, from: number, to: number): Span {
  let depth = 0;
  let members = 0;
  let oneLine = true;
  let tooDeep = false;
  let at = from;
  let fault: Span["fault"] = null;

  // A chain of comparisons in order of frequency; strings are skipped by `indexOf`, which searches many bytes at once.
  for (; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      const close = closingQuote(text, at);
      if (close < 0 || close >= to) {
        fault = { at, what: "a string is not closed" };
        at = to;
        break;
      }
      at = close;
    } else if (unit === COLON) {
      if (depth === 1) members++;
    } else if (unit === COMMA) {
      if (depth === 0) break;
    } else if (unit === OPEN_BRACE || unit === OPEN_BRACKET) {
      depth++;
      if (depth > nestingMax) tooDeep = true;
      else open[depth] = unit;
    } else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) {
      if (depth === 0) break;
      // In ASCII each closing bracket is its opening bracket plus 2.
      if (depth <= nestingMax && unit - 2 !== open[depth]) {
        fault = { at, what: "a bracket does not match the one it closes" };
        break;
      }
      depth--;
    } else if (unit === LF || unit === CR) {
      oneLine = false;
    }
  }
  if (fault === null && depth > 0) fault = { at: to, what: "the text ends before its brackets are closed" };
  return { end: at, members, oneLine, tooDeep, fault };
}

/** Index of the quote that closes the string opened at `from`, or -1. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slash = at;
    while (slash - 1 > from && text.charCodeAt(slash - 1) === BACKSLASH) slash--;
    // An even run of backslashes escapes itself, an odd one the quote.
    if ((at - slash) % 2 === 0) return at;
  }
  return -1;
}

/** Index of the first character from `from` on that is not JSON whitespace (RFC 8259 section 2), or `to`. */
export function skipSpace(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** The end of the text before `to` without the JSON whitespace at its end. */
export function trimEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isSpace(text.charCodeAt(end - 1))) end--;
  return end;
}

function isSpace(unit: number): boolean {
  return unit === SPACE || unit === LF || unit === CR || unit === TAB;
}

/** The members of a JSON object, in order, with the raw text of each value. The text must be valid JSON. */
export function membersOf(json: string): { readonly name: string; readonly raw: string }[] {
  const members: { name: string; raw: string }[] = [];
  let at = skipSpace(json, 1, json.length);
  while (json.charCodeAt(at) === QUOTE) {
    const colon = json.indexOf(":", closingQuote(json, at));
    const name: unknown = JSON.parse(json.slice(at, colon));
    const start = skipSpace(json, colon + 1, json.length);
    const { end } = scanValue(json, start, json.length);
    members.push({ name: String(name), raw: json.slice(start, trimEnd(json, start, end)) });
    at = skipSpace(json, end + 1, json.length);
  }
  return members;
}
