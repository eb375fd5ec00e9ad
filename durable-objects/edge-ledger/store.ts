/** The ledger's only SQL: edges that opened an account, and their reports, appended and never changed. */
import { EdgeId } from "../../domain/ids.ts";
import { type EdgeAccount, Report, foldReport, openAccount } from "../../domain/ledger.ts";
import { type Migration, type ObjectStorage, isBlank, migrate } from "../../platform/storage.ts";

/** Append-only: a step that has been deployed is never edited. */
export const migrations: readonly Migration[] = [
  `
  CREATE TABLE edge (edge TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE report (
    edge TEXT NOT NULL,
    no INTEGER NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (edge, no)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE retire (one INTEGER PRIMARY KEY CHECK (one = 1), at_ms INTEGER NOT NULL) STRICT;
  `,
];

export class LedgerStore {
  readonly #storage: ObjectStorage;

  constructor(storage: ObjectStorage) {
    this.#storage = storage;
  }

  /** Every account, folded from the stored reports. */
  accounts(): Map<EdgeId, EdgeAccount> {
    const accounts = new Map<EdgeId, EdgeAccount>();
    if (isBlank(this.#storage)) return accounts;
    for (const { edge } of this.#storage.sql.exec<{ edge: string }>("SELECT edge FROM edge")) {
      const id = EdgeId.parse(edge);
      accounts.set(id, openAccount(id));
    }
    for (const row of this.#storage.sql.exec<{ edge: string; report: string }>(
      "SELECT edge, report FROM report ORDER BY edge, no",
    )) {
      const account = accounts.get(EdgeId.parse(row.edge));
      if (account !== undefined) foldReport(account, Report.parse(JSON.parse(row.report)));
    }
    return accounts;
  }

  open(edge: EdgeId): void {
    migrate(this.#storage, migrations);
    this.#storage.sql.exec("INSERT OR IGNORE INTO edge (edge) VALUES (?)", edge);
  }

  append(report: Report): void {
    this.#storage.sql.exec(
      "INSERT INTO report (edge, no, report) VALUES (?, ?, ?)",
      report.edge,
      report.no,
      JSON.stringify(report),
    );
  }

  /** When the ledger deletes itself; null before anybody opened an account. */
  retireAtMs(): number | null {
    if (isBlank(this.#storage)) return null;
    const [row] = this.#storage.sql.exec<{ at_ms: number }>("SELECT at_ms FROM retire").toArray();
    return row?.at_ms ?? null;
  }

  setRetireAt(atMs: number): void {
    this.#storage.sql.exec("INSERT OR IGNORE INTO retire (one, at_ms) VALUES (1, ?)", atMs);
  }
}
