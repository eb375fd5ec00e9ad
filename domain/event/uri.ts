/**
 * RFC 3986, by its grammar (appendix A): which strings are URI references, and which are absolute URIs.
 * Strict: no spaces, no raw non-ASCII characters (an IRI is percent-encoded first), no broken percent-escapes,
 * no colon in the first segment of a relative path. Nothing is resolved, normalised or looked up.
 */

const pctEncoded = "%[0-9A-Fa-f]{2}";
const unreservedAndSubDelims = "A-Za-z0-9\\-._~!$&'()*+,;=";
const pchar = `(?:[${unreservedAndSubDelims}:@]|${pctEncoded})`;
const userinfo = `(?:[${unreservedAndSubDelims}:]|${pctEncoded})*`;
const regName = `(?:[${unreservedAndSubDelims}]|${pctEncoded})*`;
const ipLiteral = `\\[(?<literal>[${unreservedAndSubDelims}:]+)\\]`;
const authority = `(?:${userinfo}@)?(?:${ipLiteral}|${regName})(?::[0-9]*)?`;
const rooted = `(?://${authority}(?:/${pchar}*)*|/(?:${pchar}+(?:/${pchar}*)*)?)`;
const rootless = `${pchar}+(?:/${pchar}*)*`;
const noScheme = `(?:[${unreservedAndSubDelims}@]|${pctEncoded})+(?:/${pchar}*)*`;
const tail = `(?:[${unreservedAndSubDelims}:@/?]|${pctEncoded})*`;
const scheme = "[A-Za-z][A-Za-z0-9+\\-.]*";

const absolute = new RegExp(`^${scheme}:(?:${rooted}|${rootless})?(?:\\?${tail})?$`);
const uri = new RegExp(`^${scheme}:(?:${rooted}|${rootless})?(?:\\?${tail})?(?:#${tail})?$`);
const relative = new RegExp(`^(?:${rooted}|${noScheme})?(?:\\?${tail})?(?:#${tail})?$`);

/** Section 4.1 `URI-reference`. The empty string is one. */
export function isUriReference(text: string): boolean {
  return matches(uri, text) || matches(relative, text);
}

/** Section 4.3 `absolute-URI`: with a scheme, without a fragment. */
export function isAbsoluteUri(text: string): boolean {
  return matches(absolute, text);
}

function matches(grammar: RegExp, text: string): boolean {
  // `test` first: it allocates nothing, and an IP literal is rare.
  if (!grammar.test(text)) return false;
  if (!text.includes("[")) return true;
  const literal = grammar.exec(text)?.groups?.["literal"];
  return literal === undefined || isIpv6(literal) || ipvFuture.test(literal);
}

const ipvFuture = new RegExp(`^[vV][0-9A-Fa-f]+\\.[${unreservedAndSubDelims}:]+$`);
const h16 = /^[0-9A-Fa-f]{1,4}$/;
const decOctet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const ipv4 = new RegExp(`^${decOctet}(?:\\.${decOctet}){3}$`);

/** Eight groups of 16 bits, the last two perhaps as IPv4; one run of groups may be written `::`. */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const parts = half === "" ? [] : half.split(":");
    for (const [position, part] of parts.entries()) {
      const last = index === halves.length - 1 && position === parts.length - 1;
      if (last && ipv4.test(part)) groups += 2;
      else if (h16.test(part)) groups += 1;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}
