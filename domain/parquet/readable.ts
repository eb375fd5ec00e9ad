/**
 * JSON as every engine takes it. Half of a surrogate pair, written as an escape, is JSON by its grammar, and nothing that
 * text can hold: some engines refuse a whole file for one. It becomes the replacement character; all else stays as it is.
 */

/** Pairs first, so that no half of one matches alone; then halves, then any other escape, passed over. */
const escapes =
  /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|[^])/g;
const surrogate = /\\u[dD][89a-fA-F]/;

/** The same text if it can be read. */
export function readableJson(text: string): string {
  if (!surrogate.test(text)) return text;
  return text.replace(escapes, (escape, half: string | undefined) =>
    half === undefined ? escape : "\\ufffd",
  );
}
