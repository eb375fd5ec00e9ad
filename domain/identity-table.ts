/**
 * Fingerprints in memory, each with a number: open addressing over one `Uint32Array`, 16 bytes a slot, at most 3/4 full.
 * It only grows, and forgets everything with its object; what it holds is rebuilt from packed fingerprints on wake.
 *
 * Fingerprints are uniformly distributed, so their first word is the hash. A slot of four zero words is empty; the
 * fingerprint that is all zeros is remembered beside the table. Numbers take 4 bytes a slot, from the first one that is
 * not 0 on: a table that only says what it holds does not pay for them.
 */
import { fingerprintBytes } from "./fingerprint.ts";
import { broken } from "./invariant.ts";

const slotWords = 4;
const slotsMin = 1_024;

/** The number of a fingerprint that was given none. */
export const noNumber = 0;

/** The largest number a fingerprint may have. */
export const numberMax = 0xffff_ffff;

type Words = readonly [number, number, number, number];

export class IdentityTable {
  #slots = new Uint32Array(slotsMin * slotWords);
  /** One a slot. */
  #numbers: Uint32Array | null = null;
  #mask = slotsMin - 1;
  #size = 0;
  /** The number of the fingerprint that is all zeros; null: it is not held. */
  #numberOfZero: number | null = null;

  get size(): number {
    return this.#size;
  }

  /** Bytes the table takes now. */
  get tableBytes(): number {
    return this.#slots.byteLength + (this.#numbers?.byteLength ?? 0);
  }

  /** Adds the fingerprint at byte `at`, without a number. True if it was not there. */
  add(bytes: Uint8Array, at = 0): boolean {
    const [a, b, c, d] = words(bytes, at);
    if ((a | b | c | d) === 0) {
      if (this.#numberOfZero !== null) return false;
      this.#numberOfZero = noNumber;
      this.#size++;
      return true;
    }
    const slot = this.#find(a, b, c, d);
    if (this.#taken(slot)) return false;
    this.#write(slot, a, b, c, d);
    this.#size++;
    if (this.#size * 4 > (this.#mask + 1) * 3) this.#grow();
    return true;
  }

  has(bytes: Uint8Array, at = 0): boolean {
    const [a, b, c, d] = words(bytes, at);
    if ((a | b | c | d) === 0) return this.#numberOfZero !== null;
    return this.#taken(this.#find(a, b, c, d));
  }

  /** The number of the fingerprint at byte `at`; `noNumber` also if the table does not hold it. */
  get(bytes: Uint8Array, at = 0): number {
    const [a, b, c, d] = words(bytes, at);
    if ((a | b | c | d) === 0) return this.#numberOfZero ?? noNumber;
    return this.#numbers?.[this.#find(a, b, c, d) / slotWords] ?? noNumber;
  }

  /** Gives the fingerprint at byte `at` a number in the place of the one it had; adds it if it is not there. */
  set(bytes: Uint8Array, at: number, number: number): void {
    if (!Number.isInteger(number) || number < 0 || number > numberMax) broken(`${number} in a table`);
    this.add(bytes, at);
    const [a, b, c, d] = words(bytes, at);
    if ((a | b | c | d) === 0) {
      this.#numberOfZero = number;
      return;
    }
    if (number !== noNumber) this.#numbers ??= new Uint32Array(this.#mask + 1);
    if (this.#numbers !== null) this.#numbers[this.#find(a, b, c, d) / slotWords] = number;
  }

  /** Fingerprints that have this number, in no order. The table must not change meanwhile. */
  *withNumber(number: number): Generator<Uint8Array<ArrayBuffer>> {
    if (this.#numberOfZero === number) yield new Uint8Array(fingerprintBytes);
    for (let index = 0; index <= this.#mask; index++) {
      const slot = index * slotWords;
      if ((this.#numbers?.[index] ?? noNumber) !== number || !this.#taken(slot)) continue;
      const fingerprint = new Uint8Array(fingerprintBytes);
      const view = new DataView(fingerprint.buffer);
      for (let no = 0; no < slotWords; no++) view.setUint32(no * 4, this.#slots[slot + no] ?? 0, true);
      yield fingerprint;
    }
  }

  /** The slot that holds the fingerprint, or the empty one where it belongs. Ends because a quarter is empty. */
  #find(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    for (let index = a & this.#mask; ; index = (index + 1) & this.#mask) {
      const slot = index * slotWords;
      if (slots[slot] === a && slots[slot + 1] === b && slots[slot + 2] === c && slots[slot + 3] === d)
        return slot;
      if (!this.#taken(slot)) return slot;
    }
  }

  #taken(slot: number): boolean {
    const slots = this.#slots;
    return (
      ((slots[slot] ?? 0) | (slots[slot + 1] ?? 0) | (slots[slot + 2] ?? 0) | (slots[slot + 3] ?? 0)) !== 0
    );
  }

  #write(slot: number, a: number, b: number, c: number, d: number): void {
    this.#slots[slot] = a;
    this.#slots[slot + 1] = b;
    this.#slots[slot + 2] = c;
    this.#slots[slot + 3] = d;
  }

  #grow(): void {
    const old = this.#slots;
    const oldNumbers = this.#numbers;
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#slots.length / slotWords - 1;
    const numbers = oldNumbers === null ? null : new Uint32Array(this.#mask + 1);
    this.#numbers = numbers;
    for (let from = 0; from < old.length; from += slotWords) {
      const a = old[from] ?? 0;
      const b = old[from + 1] ?? 0;
      const c = old[from + 2] ?? 0;
      const d = old[from + 3] ?? 0;
      if ((a | b | c | d) === 0) continue;
      const to = this.#find(a, b, c, d);
      this.#write(to, a, b, c, d);
      if (numbers !== null) numbers[to / slotWords] = oldNumbers?.[from / slotWords] ?? noNumber;
    }
  }
}

function words(bytes: Uint8Array, at: number): Words {
  return [word(bytes, at), word(bytes, at + 4), word(bytes, at + 8), word(bytes, at + 12)];
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
