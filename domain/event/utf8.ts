/** UTF-8 without the platform's encoder: lengths, and short texts. */

/** UTF-8 bytes of a well-formed string; a lone surrogate counts 3, as its replacement character would. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    // A surrogate pair is 2 units and 4 bytes: each half counts 2.
    const half = unit >= 0xd800 && unit <= 0xdfff && isPaired(text, at, unit);
    bytes += unit < 0x800 || half ? 1 : 2;
  }
  return bytes;
}

/**
 * Writes the text as UTF-8 from byte `at` on, where there are three bytes of room for each of its units, and answers where
 * it ends. A lone surrogate becomes the replacement character, as everywhere on the platform. For short texts: a call of
 * the platform's encoder costs more than 15 characters do here.
 */
export function writeUtf8(text: string, bytes: Uint8Array, at: number): number {
  let to = at;
  for (let from = 0; from < text.length; from++) {
    let unit = text.charCodeAt(from);
    if (unit < 0x80) {
      bytes[to++] = unit;
      continue;
    }
    if (unit >= 0xd800 && unit <= 0xdfff) {
      if (unit < 0xdc00 && isPaired(text, from, unit)) unit = text.codePointAt(from++) ?? 0;
      else unit = 0xfffd;
    }
    if (unit < 0x800) bytes[to++] = 0xc0 | (unit >> 6);
    else {
      if (unit < 0x1_0000) bytes[to++] = 0xe0 | (unit >> 12);
      else {
        bytes[to++] = 0xf0 | (unit >> 18);
        bytes[to++] = 0x80 | ((unit >> 12) & 0x3f);
      }
      bytes[to++] = 0x80 | ((unit >> 6) & 0x3f);
    }
    bytes[to++] = 0x80 | (unit & 0x3f);
  }
  return to;
}

function isPaired(text: string, at: number, unit: number): boolean {
  const other = unit < 0xdc00 ? text.charCodeAt(at + 1) : text.charCodeAt(at - 1);
  return unit < 0xdc00 ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other <= 0xdbff;
}
