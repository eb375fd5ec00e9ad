/**
 * Any string as one segment of a path: of a key in R2, and of a URL.
 *
 * A URL has one exception. `.` and `..` are steps of a path there, however their dots are encoded, so whoever parses the
 * address takes them out. As types they are written behind a bare `=`, which no encoded type begins with.
 */

/** Percent-encodes everything but letters, digits and `-_.~`, byte by byte of its UTF-8. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** A type in the path of a URL. */
export function typeSegment(type: string): string {
  return type === "." || type === ".." ? `=${type}` : encodeSegment(type);
}

/** The type that such a segment names. Throws if it is not percent-encoded UTF-8. */
export function typeOfSegment(segment: string): string {
  return decodeURIComponent(segment.startsWith("=") ? segment.slice(1) : segment);
}
