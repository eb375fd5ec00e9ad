/**
 * The identities of one home: those it has rows of, and those that it granted to others.
 *
 * All are in one table. The number of an identity says whose it is: 0, that its row is this home's own; otherwise its
 * owner, or that it came as a foreign row and nobody has claimed it. So a granted identity costs no more than a row.
 */
import { IdentitySum, fingerprintBytes } from "./fingerprint.ts";
import { IdentityTable, numberMax } from "./identity-table.ts";
import type { HolderName } from "./ids.ts";
import type { OwnedAnswer } from "./messages.ts";

/** `granted`: to this owner, from now on. `granted_before`: it has it already. */
export type Claimed = "granted" | "granted_before" | "denied";

/** What is stored of a home's identities, all of it packed fingerprints. */
export interface StoredIdentities {
  /** Of every row, foreign ones included. */
  readonly rows: Iterable<Uint8Array>;
  /** Of those, the ones that came as foreign rows. */
  readonly foreign: Iterable<Uint8Array>;
  readonly claims: Iterable<{ readonly owner: HolderName; readonly fingerprints: Uint8Array }>;
}

/** The number of a foreign row that nobody claimed. Owners are counted from 1 and never come to it. */
const unclaimed = numberMax;

export class Identities {
  readonly #table = new IdentityTable();
  /** Who was granted something, and the number they have in the table: 1 for the first one. */
  readonly #owners = new Map<HolderName, number>();

  static restore({ rows, foreign, claims }: StoredIdentities): Identities {
    const identities = new Identities();
    const table = identities.#table;
    for (const packed of rows) for (const at of startsOf(packed)) table.add(packed, at);
    for (const packed of foreign) for (const at of startsOf(packed)) table.set(packed, at, unclaimed);
    // After the foreign rows: one that was claimed is its owner's.
    for (const { owner, fingerprints } of claims) {
      const number = identities.#numberFor(owner);
      for (const at of startsOf(fingerprints)) table.set(fingerprints, at, number);
    }
    return identities;
  }

  get size(): number {
    return this.#table.size;
  }

  /** Bytes of memory that they take now, names of owners aside. */
  get tableBytes(): number {
    return this.#table.tableBytes;
  }

  /** Adds the identity of a row, its fingerprint at byte `at`. True if it was not known; else the row is a duplicate. */
  addRow(bytes: Uint8Array, at: number, foreign: boolean): boolean {
    if (!this.#table.add(bytes, at)) return false;
    if (foreign) this.#table.set(bytes, at, unclaimed);
    return true;
  }

  /**
   * Decides a claim: who asks first for an identity that has no row here gets it, and gets it again.
   *
   * Foreign rows are no reason to deny a claim, as another home decides them: with two dates for one identity, each taken
   * in the other one's hour, two homes would deny each other, and lose both.
   */
  claim(fingerprint: Uint8Array, owner: HolderName): Claimed {
    const fresh = this.#table.add(fingerprint);
    const number = this.#table.get(fingerprint);
    if (fresh || number === unclaimed) {
      this.#table.set(fingerprint, 0, this.#numberFor(owner));
      return "granted";
    }
    return number === this.#owners.get(owner) ? "granted_before" : "denied";
  }

  /** True if this holder owns identities here. */
  owns(owner: HolderName): boolean {
    return this.#owners.has(owner);
  }

  /** The identities of one owner, and how many of these packed fingerprints are known. */
  ownedBy(owner: HolderName, fingerprints: Uint8Array): OwnedAnswer {
    const sum = new IdentitySum();
    let rows = 0;
    const number = this.#owners.get(owner);
    if (number !== undefined) {
      for (const fingerprint of this.#table.withNumber(number)) {
        sum.addFingerprint(fingerprint);
        rows++;
      }
    }
    let known = 0;
    for (const at of startsOf(fingerprints)) if (this.knows(fingerprints, at)) known++;
    return { owned: { rows, sum: sum.hex() }, known };
  }

  /** True if the identity whose fingerprint is at byte `at` has a row or an owner here. */
  knows(bytes: Uint8Array, at: number): boolean {
    return this.#table.has(bytes, at);
  }

  #numberFor(owner: HolderName): number {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const number = this.#owners.size + 1;
    this.#owners.set(owner, number);
    return number;
  }
}

/** Where each fingerprint of a packed blob starts. */
function* startsOf(packed: Uint8Array): Generator<number> {
  for (let at = 0; at + fingerprintBytes <= packed.length; at += fingerprintBytes) yield at;
}
