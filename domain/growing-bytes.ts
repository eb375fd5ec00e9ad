/**
 * Bytes that are added piece by piece to one buffer, of which there may be so many. What is added is copied once, and
 * never joined: at the end the buffer itself is what was asked for.
 *
 * Memory: at most twice what was added, or `bytesMax` once that is more than a quarter of it. The last move is so early
 * because what is moved is there twice: for 24 MiB it takes 32 meanwhile, and would take 40 if it only ever doubled.
 */
const startBytes = 64 * 1024;

export class GrowingBytes {
  readonly #bytesMax: number;
  #buffer: ArrayBuffer;
  #length = 0;
  #full = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#buffer = new ArrayBuffer(Math.min(startBytes, bytesMax));
  }

  /** True once more than `bytesMax` were added. From then on nothing is kept. */
  get full(): boolean {
    return this.#full;
  }

  add(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (this.#full || length > this.#bytesMax) {
      this.#full = true;
      this.#buffer = new ArrayBuffer(0);
      return;
    }
    if (length > this.#buffer.byteLength) {
      const doubled = Math.max(length, 2 * this.#buffer.byteLength);
      this.#buffer = this.#buffer.transfer(doubled > this.#bytesMax / 2 ? this.#bytesMax : doubled);
    }
    new Uint8Array(this.#buffer).set(bytes, this.#length);
    this.#length = length;
  }

  /** What was added, as a view of the buffer that is not to be added to any more; null if it was more than `bytesMax`. */
  finish(): Uint8Array<ArrayBuffer> | null {
    return this.#full ? null : new Uint8Array(this.#buffer, 0, this.#length);
  }
}
