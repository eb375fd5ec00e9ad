/**
 * Base64 of RFC 4648 section 4: the standard alphabet with padding. Characters outside the alphabet are refused
 * (section 3.3: MUST), line breaks among them, and so is missing padding (section 3.2). Non-zero pad bits are taken:
 * section 3.5 only allows refusing them, and the text is stored as it came, so nothing changes.
 */

const pattern = /^[A-Za-z0-9+/]*={0,2}$/;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && pattern.test(text);
}

export function base64Of(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1];
    const third = bytes[at + 2];
    text += alphabet.charAt(first >> 2);
    text += alphabet.charAt(((first & 3) << 4) | ((second ?? 0) >> 4));
    text += second === undefined ? "=" : alphabet.charAt(((second & 15) << 2) | ((third ?? 0) >> 6));
    text += third === undefined ? "=" : alphabet.charAt(third & 63);
  }
  return text;
}

/** The bytes that a text of this form says. */
export function bytesOfBase64(text: string): Uint8Array {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let at = 0, to = 0; at < text.length; at += 4) {
    let bits = 0;
    for (let digit = 0; digit < 4; digit++) {
      bits = (bits << 6) | Math.max(0, alphabet.indexOf(text.charAt(at + digit)));
    }
    for (let shift = 16; shift >= 0 && to < bytes.length; shift -= 8) bytes[to++] = (bits >> shift) & 255;
  }
  return bytes;
}
