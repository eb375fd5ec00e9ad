/** A set of fingerprints in memory: a table of identities that gives none a number. */
import { fingerprintBytes } from "./fingerprint.ts";
import { IdentityTable } from "./identity-table.ts";

export class IdentitySet {
  readonly #table = new IdentityTable();

  get size(): number {
    return this.#table.size;
  }

  /** Bytes the table takes now. */
  get tableBytes(): number {
    return this.#table.tableBytes;
  }

  /** Adds the fingerprint at byte `at`. True if it was not there. */
  add(bytes: Uint8Array, at = 0): boolean {
    return this.#table.add(bytes, at);
  }

  has(bytes: Uint8Array, at = 0): boolean {
    return this.#table.has(bytes, at);
  }

  /** Adds every fingerprint of a packed blob. */
  addAll(packed: Uint8Array): void {
    for (let at = 0; at + fingerprintBytes <= packed.length; at += fingerprintBytes) this.add(packed, at);
  }
}
