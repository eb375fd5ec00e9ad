/** UTF-8 lengths without encoding anything. */

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

function isPaired(text: string, at: number, unit: number): boolean {
  const other = unit < 0xdc00 ? text.charCodeAt(at + 1) : text.charCodeAt(at - 1);
  return unit < 0xdc00 ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other <= 0xdbff;
}
