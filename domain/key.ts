/**
 * Keys: `hs_<id>_<secret>`. The id finds the key, the secret proves it; only a hash of the whole text is kept.
 * Randomness comes from the caller, and comparing hashes in constant time is the platform's.
 */

/** Bytes of randomness in an id: names a key, guards nothing. */
export const keyIdBytes = 6;

/** Bytes of randomness in a secret. */
export const keySecretBytes = 32;

/** Characters that the admin secret must have at least; it is chosen by a person or a generator of their own. */
export const adminKeyCharsMin = 24;

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const pattern = /^hs_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

export interface Key {
  /** 12 lower-case hex characters. */
  readonly id: string;
  /** 43 base64url characters. */
  readonly secret: string;
}

/** The text of a key; this is what its holder sends and what is hashed. */
export function keyText({ id, secret }: Key): string {
  return `hs_${id}_${secret}`;
}

/** A key from random bytes. */
export function mintKey(idBytes: Uint8Array, secretBytes: Uint8Array): Key {
  if (idBytes.length !== keyIdBytes || secretBytes.length !== keySecretBytes) {
    throw new RangeError(`a key takes ${keyIdBytes} and ${keySecretBytes} random bytes`);
  }
  return { id: hex(idBytes), secret: base64urlOf(secretBytes) };
}

/** Null if the text is not the written form of a key. */
export function parseKey(text: string): Key | null {
  const parts = pattern.exec(text);
  return parts === null ? null : { id: parts[1] ?? "", secret: parts[2] ?? "" };
}

/** How credentials came with a request. */
export type Authorization =
  | { readonly scheme: "bearer"; readonly key: string }
  /** Still encoded: base64 of `user:password`, of which the user is the key. */
  | { readonly scheme: "basic"; readonly encoded: string };

/** An `Authorization` header, or null if it is of no scheme that carries a key. Scheme names ignore case. */
export function parseAuthorization(header: string): Authorization | null {
  const [, scheme = "", credentials = ""] = /^ *([A-Za-z]+) +([^ ]+) *$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return { scheme: "bearer", key: credentials };
    case "basic":
      return { scheme: "basic", encoded: credentials };
    default:
      return null;
  }
}

/** The user of decoded Basic credentials: everything before the first colon. */
export function basicUser(decoded: string): string {
  const colon = decoded.indexOf(":");
  return colon === -1 ? decoded : decoded.slice(0, colon);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** base64url without padding. */
function base64urlOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = bytes.subarray(at, at + 3);
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    const chars = b === undefined ? 2 : c === undefined ? 3 : 4;
    for (let index = 0; index < chars; index++) text += base64url[(bits >> (18 - 6 * index)) & 63];
  }
  return text;
}
