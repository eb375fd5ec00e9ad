/**
 * Fingerprints in memory, each with a number. They lie in chunks, in the order in which they came; an index of 4 bytes a
 * slot, open addressing, at most 3/4 full, says where. Only the index doubles, and the new one is filled from the chunks:
 * 16 bytes a fingerprint and 5 to 11 of index, and while it grows 3 for the old one. Numbers take 4 bytes each, in those
 * chunks that have one which is not 0: a table that only says what it holds does not pay for them.
 * It only grows, and forgets everything with its object; what it holds is rebuilt from packed fingerprints on wake.
 *
 * Fingerprints are uniformly distributed, so their first word is the hash. Its low bits are the slot to look in first. A slot
 * has the place in its low bits, counted from 1 so that a slot of zero is empty, and above it what is left of the hash: so
 * hardly a fingerprint is read that is not the one looked for. Of 1.5 million, beside a table whose slots hold them: added
 * in 0.6 of the time, told to be absent in 0.5, found in the order in which they came in 0.8, in a random one in 1.4.
 */
import { fingerprintBytes } from "./fingerprint.ts";
import { broken } from "./invariant.ts";

const fingerprintWords = 4;
const slotsMin = 1_024;
/** Fingerprints of a chunk: small tables are many, and a large one has few enough chunks. */
const chunkBits = 10;
const chunkLength = 1 << chunkBits;

/** The number of a fingerprint that was given none. */
export const noNumber = 0;

/** The largest number a fingerprint may have. */
export const numberMax = 0xffff_ffff;

export class IdentityTable {
  readonly #chunks: Uint32Array[] = [];
  /** Of each chunk; null until one of its fingerprints has a number. */
  readonly #numbers: (Uint32Array | null)[] = [];
  #slots = new Uint32Array(slotsMin);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes the table takes now. */
  get tableBytes(): number {
    let bytes = this.#slots.byteLength;
    for (const chunk of this.#chunks) bytes += chunk.byteLength;
    for (const chunk of this.#numbers) bytes += chunk?.byteLength ?? 0;
    return bytes;
  }

  /** Adds the fingerprint at byte `at`, without a number. True if it was not there. */
  add(bytes: Uint8Array, at = 0): boolean {
    const before = this.#size;
    this.#placeOrAdd(bytes, at);
    return this.#size > before;
  }

  has(bytes: Uint8Array, at = 0): boolean {
    return this.#place(bytes, at) !== 0;
  }

  /** The number of the fingerprint at byte `at`; `noNumber` also if the table does not hold it. */
  get(bytes: Uint8Array, at = 0): number {
    const place = this.#place(bytes, at);
    return place === 0 ? noNumber : this.#numberAt(place);
  }

  /** Gives the fingerprint at byte `at` a number in the place of the one it had; adds it if it is not there. */
  set(bytes: Uint8Array, at: number, number: number): void {
    if (!Number.isInteger(number) || number < 0 || number > numberMax) broken(`${number} in a table`);
    const index = this.#placeOrAdd(bytes, at) - 1;
    const chunk = index >>> chunkBits;
    if (number !== noNumber) this.#numbers[chunk] ??= new Uint32Array(chunkLength);
    const numbers = this.#numbers[chunk] ?? null;
    if (numbers !== null) numbers[index & (chunkLength - 1)] = number;
  }

  /** Fingerprints that have this number, in the order in which they came. The table must not change meanwhile. */
  *withNumber(number: number): Generator<Uint8Array<ArrayBuffer>> {
    for (let place = 1; place <= this.#size; place++) {
      if (this.#numberAt(place) !== number) continue;
      const fingerprint = new Uint8Array(fingerprintBytes);
      const view = new DataView(fingerprint.buffer);
      for (let no = 0; no < fingerprintWords; no++) view.setUint32(no * 4, this.#wordAt(place, no), true);
      yield fingerprint;
    }
  }

  /** Where the fingerprint lies; 0: the table does not hold it. */
  #place(bytes: Uint8Array, at: number): number {
    const a = word(bytes, at);
    const b = word(bytes, at + 4);
    const c = word(bytes, at + 8);
    const d = word(bytes, at + 12);
    return (this.#slots[this.#find(a, b, c, d)] ?? 0) & (this.#slots.length - 1);
  }

  #placeOrAdd(bytes: Uint8Array, at: number): number {
    const a = word(bytes, at);
    const b = word(bytes, at + 4);
    const c = word(bytes, at + 8);
    const d = word(bytes, at + 12);
    const slot = this.#find(a, b, c, d);
    const mask = this.#slots.length - 1;
    const held = (this.#slots[slot] ?? 0) & mask;
    if (held !== 0) return held;
    const index = this.#size++;
    const first = (index & (chunkLength - 1)) * fingerprintWords;
    if (first === 0) {
      this.#chunks.push(new Uint32Array(chunkLength * fingerprintWords));
      this.#numbers.push(null);
    }
    const chunk = this.#chunks[index >>> chunkBits] ?? broken("a place without a chunk");
    chunk[first] = a;
    chunk[first + 1] = b;
    chunk[first + 2] = c;
    chunk[first + 3] = d;
    this.#slots[slot] = (a & ~mask) | this.#size;
    if (this.#size * 4 > this.#slots.length * 3) this.#growIndex();
    return index + 1;
  }

  /** The slot of the fingerprint, or the empty one where it belongs. Ends because a quarter is empty. */
  #find(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const held = slots[slot] ?? 0;
      if (held === 0) return slot;
      if (((held ^ a) & ~mask) === 0 && this.#lies(held & mask, a, b, c, d)) return slot;
    }
  }

  #lies(place: number, a: number, b: number, c: number, d: number): boolean {
    const chunk = this.#chunks[(place - 1) >>> chunkBits];
    const first = ((place - 1) & (chunkLength - 1)) * fingerprintWords;
    return (
      chunk !== undefined &&
      chunk[first] === a &&
      chunk[first + 1] === b &&
      chunk[first + 2] === c &&
      chunk[first + 3] === d
    );
  }

  #wordAt(place: number, no: number): number {
    const first = ((place - 1) & (chunkLength - 1)) * fingerprintWords;
    return this.#chunks[(place - 1) >>> chunkBits]?.[first + no] ?? 0;
  }

  #numberAt(place: number): number {
    return this.#numbers[(place - 1) >>> chunkBits]?.[(place - 1) & (chunkLength - 1)] ?? noNumber;
  }

  #growIndex(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    this.#slots = slots;
    const mask = slots.length - 1;
    for (let place = 1; place <= this.#size; place++) {
      const a = this.#wordAt(place, 0);
      let slot = a & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = (a & ~mask) | place;
    }
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)) >>>
    0
  );
}
