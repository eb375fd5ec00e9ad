/** The undated home's only SQL. One row an identity, looked up by key: it is long-lived, and must not grow with memory. */
import { IdentitySum, fingerprintBytes } from "../../domain/fingerprint.ts";
import type { HolderName } from "../../domain/ids.ts";
import { type Tally, zeroTally } from "../../domain/tally.ts";
import { type Migration, type ObjectStorage, blobOf, isBlank, migrate } from "../../platform/storage.ts";

/** Append-only: a step that has been deployed is never edited. */
export const migrations: readonly Migration[] = [
  `
  CREATE TABLE identity (
    fingerprint BLOB PRIMARY KEY,
    owner TEXT NOT NULL,
    day INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE keep (one INTEGER PRIMARY KEY CHECK (one = 1), window_ms INTEGER NOT NULL) STRICT;
  `,
];

export class UndatedStore {
  readonly #storage: ObjectStorage;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  get blank(): boolean {
    return isBlank(this.#storage);
  }

  /** Makes the tables, and fixes the window; the first one who claims says it. */
  keep(windowMs: number): void {
    migrate(this.#storage, migrations);
    this.#storage.sql.exec("INSERT OR IGNORE INTO keep (one, window_ms) VALUES (1, ?)", windowMs);
  }

  windowMs(): number {
    const [keep] = this.#storage.sql.exec<{ window_ms: number }>("SELECT window_ms FROM keep").toArray();
    return keep?.window_ms ?? 0;
  }

  /** Who owns it, if it was recorded on this day or later. */
  ownerOf(fingerprint: Uint8Array<ArrayBuffer>, sinceDay: number): string | null {
    const [known] = this.#storage.sql
      .exec<{ owner: string }>(
        "SELECT owner FROM identity WHERE fingerprint = ? AND day >= ?",
        blobOf(fingerprint),
        sinceDay,
      )
      .toArray();
    return known?.owner ?? null;
  }

  record(fingerprint: Uint8Array<ArrayBuffer>, owner: HolderName, day: number): void {
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO identity (fingerprint, owner, day) VALUES (?, ?, ?)",
      blobOf(fingerprint),
      owner,
      day,
    );
  }

  owned(owner: HolderName): Tally {
    if (this.blank) return zeroTally;
    const sum = new IdentitySum();
    let rows = 0;
    for (const { fingerprint } of this.#storage.sql.exec<{ fingerprint: ArrayBuffer }>(
      "SELECT fingerprint FROM identity WHERE owner = ?",
      owner,
    )) {
      rows++;
      sum.addFingerprint(new Uint8Array(fingerprint));
    }
    return { rows, sum: sum.hex() };
  }

  /** How many of these packed fingerprints are recorded. */
  known(fingerprints: Uint8Array): number {
    if (this.blank) return 0;
    let known = 0;
    for (let at = 0; at + fingerprintBytes <= fingerprints.length; at += fingerprintBytes) {
      const fingerprint = new Uint8Array(fingerprints.slice(at, at + fingerprintBytes));
      if (this.ownerOf(fingerprint, 0) !== null) known++;
    }
    return known;
  }

  /** Forgets identities of days before `day`, at most so many. */
  forget(day: number, rowsMax: number): void {
    this.#storage.sql.exec(
      "DELETE FROM identity WHERE fingerprint IN (SELECT fingerprint FROM identity WHERE day < ? LIMIT ?)",
      day,
      rowsMax,
    );
  }

  oldestDay(): number | null {
    const [oldest] = this.#storage.sql
      .exec<{ day: number | null }>("SELECT min(day) AS day FROM identity")
      .toArray();
    return oldest?.day ?? null;
  }
}
