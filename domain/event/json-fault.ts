/**
 * Where a text stops being JSON (RFC 8259): the position that a client needs and JSON.parse does not give portably.
 * Only for texts that JSON.parse has refused: slower, and bounded by the text's length.
 */

const stringToken = String.raw`"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*"`;
const numberToken = String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+\-]?[0-9]+)?`;
const space = /[ \t\n\r]*/y;
const scalar = new RegExp(`${stringToken}|${numberToken}|true|false|null`, "uy");
const string = new RegExp(stringToken, "uy");

/** Index of the first token that is not JSON, the text's length if it ends early, or `null` if it is JSON. */
export function jsonFaultAt(text: string): number | null {
  const closers: string[] = [];
  let at = skip(space, text, 0);
  for (;;) {
    // A value stands here.
    const opener = text.charAt(at);
    let done = true;
    if (opener === "{" || opener === "[") {
      const closer = opener === "{" ? "}" : "]";
      const inside = skip(space, text, at + 1);
      if (text.charAt(inside) === closer) {
        at = inside + 1;
      } else {
        closers.push(closer);
        at = inside;
        done = false;
      }
    } else {
      const end = skip(scalar, text, at);
      if (end === at) return at;
      at = end;
    }
    // After a value: close what it ends, up to the comma before the next one.
    while (done) {
      at = skip(space, text, at);
      const closer = closers.at(-1);
      if (closer === undefined) return at === text.length ? null : at;
      const next = text.charAt(at);
      if (next === closer) closers.pop();
      else if (next === ",") done = false;
      else return at;
      at++;
    }
    at = skip(space, text, at);
    if (closers.at(-1) === "}") {
      const end = skip(string, text, at);
      if (end === at) return at;
      at = skip(space, text, end);
      if (text.charAt(at) !== ":") return at;
      at = skip(space, text, at + 1);
    }
  }
}

/** Index after the token at `at`; `at` itself if it is not there. */
function skip(token: RegExp, text: string, at: number): number {
  token.lastIndex = at;
  return token.test(text) ? token.lastIndex : at;
}
