/** The one module that draws random numbers. */

/** In [0, 1). Spreads retries; guards nothing. */
export function randomFraction(): number {
  return Math.random();
}

/**
 * So many hexadecimal digits, for ids that guard nothing: two calls of the cryptographic generator took 5 of some 450 µs of
 * CPU of a request.
 */
export function randomHex(digits: number): string {
  let text = "";
  while (text.length < digits) {
    text += Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  }
  return text.slice(0, digits);
}

/** `count` bytes from the platform's cryptographic generator. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}
