/**
 * The preconditions of a read (RFC 9110, section 13): does the client have what would be sent?
 * An entity tag here is always strong; it may come back weak, from a cache that compressed what it passed on.
 */

const tag = /^(?:W\/)?("[^"]*")$/;

/** True if `If-None-Match` names this tag, as one of several, weakly, or by `*`: nothing has to be sent. */
export function noneMatchNames(header: string | null, etag: string): boolean {
  if (header === null) return false;
  if (header.trim() === "*") return true;
  return tagsOf(header).some((given) => tag.exec(given)?.[1] === etag);
}

/** True if a range may be answered: there is no `If-Range`, or it names this very tag. A weak one or a date does not. */
export function rangeHolds(header: string | null, etag: string): boolean {
  return header === null || header.trim() === etag;
}

/** A comma may stand within a tag. */
function tagsOf(header: string): readonly string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}
