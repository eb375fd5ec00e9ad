/**
 * What an object needs of its own storage. The platform's `DurableObjectStorage` satisfies it as it is; simulation and
 * crash tests bring one whose unsynced writes can be lost, held to the same contract suite.
 */

export type SqlValue = ArrayBuffer | string | number | null;

export interface Sql {
  /** Runs one statement; rows are read lazily and must be read before the next write. */
  exec<Row extends Record<string, SqlValue>>(
    query: string,
    ...bindings: readonly SqlValue[]
  ): Iterable<Row> & { toArray(): Row[] };
}

export interface ObjectStorage {
  readonly sql: Sql;
  /** All writes in `act` take effect, or, if it throws, none. */
  transactionSync<Value>(act: () => Value): Value;
  /** Resolves when every write made before the call is durable. */
  sync(): Promise<void>;
  /** Deletes everything, the alarm included. */
  deleteAll(): Promise<void>;
}

/** One append-only step of an object's schema; the first one has number 1. Steps are never edited, only added. */
export type Migration = string;

/**
 * Brings an object's tables to the newest schema, or, if a step fails, leaves them as they were. A blank object is made by
 * `whole`, what all steps come to: each table and column that a step adds is a row that is paid for, by every object.
 * Called with the first write, never by a constructor or a read.
 */
export function migrate(storage: ObjectStorage, migrations: readonly Migration[], whole?: Migration): void {
  storage.transactionSync(() => {
    storage.sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY) STRICT");
    const [newest] = storage.sql
      .exec<{ version: number }>("SELECT coalesce(max(version), 0) AS version FROM schema_version")
      .toArray();
    const version = newest?.version ?? 0;
    const missing = migrations.slice(version);
    if (missing.length === 0) return;
    const made = version === 0 && whole !== undefined ? [whole] : missing;
    for (const statements of made) storage.sql.exec(statements);
    // Only the newest one: a row for each step would be paid for by every object.
    storage.sql.exec("INSERT INTO schema_version (version) VALUES (?)", migrations.length);
  });
}

/** True if the object has never written: a blank object, whose reads must not create anything. */
export function isBlank(storage: ObjectStorage): boolean {
  return (
    storage.sql.exec("SELECT 1 AS one FROM sqlite_master WHERE name = 'schema_version'").toArray().length ===
    0
  );
}

/** The bytes of a typed array as a buffer of exactly their length, as SQL takes them. */
export function blobOf(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}
