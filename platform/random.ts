/** The one module that draws random numbers. */

/** In [0, 1). Spreads retries; guards nothing. */
export function randomFraction(): number {
  return Math.random();
}

/** `count` bytes from the platform's cryptographic generator. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}
