/**
 * A set of fingerprints in memory: open addressing over one `Uint32Array`, 16 bytes a slot, at most 3/4 full.
 * It only grows, and forgets everything with its object; what it holds is rebuilt from packed fingerprints on wake.
 *
 * Fingerprints are uniformly distributed, so their first word is the hash. A slot of four zero words is empty; the
 * fingerprint that is all zeros is remembered beside the table.
 */
import { fingerprintBytes } from "./fingerprint.ts";

const slotWords = 4;
const slotsMin = 1_024;

export class IdentitySet {
  #slots: Uint32Array;
  #mask: number;
  #size = 0;
  #holdsZero = false;

  constructor() {
    this.#slots = new Uint32Array(slotsMin * slotWords);
    this.#mask = slotsMin - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes the table takes now. */
  get tableBytes(): number {
    return this.#slots.byteLength;
  }

  /** Adds the fingerprint at byte `at`. True if it was not there. */
  add(bytes: Uint8Array, at = 0): boolean {
    const [a, b, c, d] = words(bytes, at);
    if ((a | b | c | d) === 0) {
      const added = !this.#holdsZero;
      this.#holdsZero = true;
      if (added) this.#size++;
      return added;
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
    if ((a | b | c | d) === 0) return this.#holdsZero;
    return this.#taken(this.#find(a, b, c, d));
  }

  /** Adds every fingerprint of a packed blob. */
  addAll(packed: Uint8Array): void {
    for (let at = 0; at + fingerprintBytes <= packed.length; at += fingerprintBytes) this.add(packed, at);
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
    this.#slots = new Uint32Array(old.length * 2);
    this.#mask = this.#slots.length / slotWords - 1;
    for (let slot = 0; slot < old.length; slot += slotWords) {
      const a = old[slot] ?? 0;
      const b = old[slot + 1] ?? 0;
      const c = old[slot + 2] ?? 0;
      const d = old[slot + 3] ?? 0;
      if ((a | b | c | d) !== 0) this.#write(this.#find(a, b, c, d), a, b, c, d);
    }
  }
}

function words(bytes: Uint8Array, at: number): readonly [number, number, number, number] {
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
