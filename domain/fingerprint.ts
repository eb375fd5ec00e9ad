/**
 * Fingerprints of identities, and their order-independent sum.
 *
 * A fingerprint is the first 128 bits of SHA-256 over (`type`, `source`, `id`), each as UTF-8 behind its length in
 * bytes (32-bit big-endian), so that no two different identities give the same input.
 * Two identities collide with probability 2^-128 per pair; nothing here detects it.
 */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { writeUtf8 } from "./event/utf8.ts";
import type { IdentitySumHex } from "./ids.ts";
import { paddingBytesMax, sha256 } from "./sha256.ts";

/** Bytes of one fingerprint. */
export const fingerprintBytes = 16;

export interface Identity {
  readonly type: string;
  readonly source: string;
  readonly id: string;
}

/** What is hashed, one identity at a time; it grows to the longest one. Shared: hashing never yields. */
let scratch = new Uint8Array(1_024);

/** The fingerprint of an identity: 16 bytes. The three strings must be well-formed UTF-16. */
export function fingerprintOf({ type, source, id }: Identity): Uint8Array {
  const bytesMax = 12 + 3 * (type.length + source.length + id.length) + paddingBytesMax;
  if (scratch.length < bytesMax) scratch = new Uint8Array(bytesMax);
  const end = writeText(id, writeText(source, writeText(type, 0)));
  return sha256(scratch, end, fingerprintBytes);
}

/** Writes a text behind its length; answers where it ends. */
function writeText(text: string, at: number): number {
  const end = writeUtf8(text, scratch, at + 4);
  const length = end - at - 4;
  for (let byte = 0; byte < 4; byte++) scratch[at + byte] = length >>> (24 - byte * 8);
  return end;
}

/**
 * A sum of fingerprints modulo 2^64: each fingerprint's last eight bytes, big-endian, added up.
 * Two multisets of identities with the same count and the same sum are the same, but for a 2^-64 accident.
 */
export class IdentitySum {
  #high = 0;
  #low = 0;

  static ofHex(hex: IdentitySumHex): IdentitySum {
    const sum = new IdentitySum();
    sum.#high = Number.parseInt(hex.slice(0, 8), 16);
    sum.#low = Number.parseInt(hex.slice(8), 16);
    return sum;
  }

  /** Adds the fingerprint that starts at byte `at`. */
  addFingerprint(bytes: Uint8Array, at = 0): void {
    this.#add(word(bytes, at + 8), word(bytes, at + 12));
  }

  addHex(hex: IdentitySumHex): void {
    this.#add(Number.parseInt(hex.slice(0, 8), 16), Number.parseInt(hex.slice(8), 16));
  }

  #add(high: number, low: number): void {
    const lowSum = this.#low + low;
    this.#low = lowSum >>> 0;
    this.#high = (this.#high + high + (lowSum > 0xffff_ffff ? 1 : 0)) >>> 0;
  }

  hex(): IdentitySumHex {
    return (this.#high.toString(16).padStart(8, "0") +
      this.#low.toString(16).padStart(8, "0")) as IdentitySumHex;
  }
}

/** The sum of nothing. */
export const zeroSum = "0000000000000000" as IdentitySumHex;

/** The sum of sums. */
export function addSums(sums: Iterable<IdentitySumHex>): IdentitySumHex {
  const total = new IdentitySum();
  for (const sum of sums) total.addHex(sum);
  return total.hex();
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

export { bytesToHex, hexToBytes };
