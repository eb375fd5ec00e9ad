/**
 * SHA-256 (FIPS 180-4) of short inputs, without allocating: one call takes 0.4 µs a block of 64 bytes.
 *
 * Every event is hashed once on its way in. The general implementation of @noble/hashes took 7 µs for each, most of it
 * for making and clearing its buffers, and a fifth of all CPU of a request of 20 events; this one takes 1 µs.
 * test/domain/sha256.test.ts holds the two equal.
 */

import { writeUtf8 } from "./event/utf8.ts";

/** Fractional parts of the cube roots of the first 64 primes. */
const constants = Int32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
);

/** Fractional parts of the square roots of the first 8 primes. */
const initial = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

const blockBytes = 64;

/** Bytes that padding adds at most: one bit, zeros up to the end of a block, and the length in 8 bytes. */
export const paddingBytesMax = blockBytes + 8;

/** Shared: hashing never yields. */
const state = new Int32Array(8);
const schedule = new Int32Array(64);

/**
 * The digest's first `outBytes` bytes of the first `length` bytes of `input`, which has room for `paddingBytesMax` more:
 * they are overwritten. `outBytes`: a multiple of 4, at most 32.
 */
export function sha256(input: Uint8Array, length: number, outBytes: number): Uint8Array<ArrayBuffer> {
  const end = Math.ceil((length + 9) / blockBytes) * blockBytes;
  input.fill(0, length, end);
  input[length] = 0x80;
  // A text of 2^32 bits or more does not fit the memory of an isolate twice.
  const bits = length * 8;
  for (let byte = 0; byte < 4; byte++) input[end - 1 - byte] = bits >>> (byte * 8);
  state.set(initial);
  for (let at = 0; at < end; at += blockBytes) addBlock(input, at);
  const digest = new Uint8Array(outBytes);
  for (let at = 0; at < outBytes; at++) digest[at] = (state[at >> 2] ?? 0) >>> (24 - (at & 3) * 8);
  return digest;
}

/** The digest of a text's UTF-8. */
export function sha256OfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(3 * text.length + paddingBytesMax);
  return sha256(bytes, writeUtf8(text, bytes, 0), 32);
}

function addBlock(input: Uint8Array, from: number): void {
  for (let t = 0, at = from; t < 16; t++, at += 4) {
    schedule[t] =
      ((input[at] ?? 0) << 24) |
      ((input[at + 1] ?? 0) << 16) |
      ((input[at + 2] ?? 0) << 8) |
      (input[at + 3] ?? 0);
  }
  for (let t = 16; t < 64; t++) {
    const w15 = schedule[t - 15] ?? 0;
    const w2 = schedule[t - 2] ?? 0;
    const s0 = rotated(w15, 7) ^ rotated(w15, 18) ^ (w15 >>> 3);
    const s1 = rotated(w2, 17) ^ rotated(w2, 19) ^ (w2 >>> 10);
    schedule[t] = ((schedule[t - 16] ?? 0) + s0 + (schedule[t - 7] ?? 0) + s1) | 0;
  }
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  let e = state[4] ?? 0;
  let f = state[5] ?? 0;
  let g = state[6] ?? 0;
  let h = state[7] ?? 0;
  for (let t = 0; t < 64; t++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + (constants[t] ?? 0) + (schedule[t] ?? 0)) | 0;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  state[0] = (state[0] ?? 0) + a;
  state[1] = (state[1] ?? 0) + b;
  state[2] = (state[2] ?? 0) + c;
  state[3] = (state[3] ?? 0) + d;
  state[4] = (state[4] ?? 0) + e;
  state[5] = (state[5] ?? 0) + f;
  state[6] = (state[6] ?? 0) + g;
  state[7] = (state[7] ?? 0) + h;
}

function rotated(word: number, right: number): number {
  return (word >>> right) | (word << (32 - right));
}
