/**
 * An object's storage on Node, over an SQLite database in memory, that can crash.
 *
 * Durability is exact and unkind: what was written before the call of the last `sync()` that resolved survives a crash,
 * everything later is lost. Every write is kept in a log; a crash replays its durable beginning into a new database.
 * The storage of an object that crashed throws on every use, so that nothing of the old life reaches the new one.
 */
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import type { ObjectStorage, Sql, SqlValue } from "../../platform/storage.ts";

type Write =
  | { readonly write: "statement"; readonly query: string; readonly bindings: readonly SqlValue[] }
  | { readonly write: "alarm"; readonly atMs: number | null }
  | { readonly write: "delete_all" };

type Row = Record<string, SqlValue>;

export class SqliteStorage implements ObjectStorage {
  readonly sql: Sql = {
    exec: <R extends Row>(query: string, ...bindings: readonly SqlValue[]) => this.#exec<R>(query, bindings),
  };
  #db = new DatabaseSync(":memory:");
  /** Preparing is most of what a small statement costs. */
  readonly #prepared = new Map<string, StatementSync>();
  #alarmMs: number | null = null;
  readonly #log: Write[] = [];
  #durable = 0;
  #depth = 0;
  #dead = false;

  private constructor(writes: readonly Write[]) {
    for (const write of writes) this.#apply(write);
    this.#log.push(...writes);
    this.#durable = writes.length;
  }

  static blank(): SqliteStorage {
    return new SqliteStorage([]);
  }

  /** The storage as the next life of the object finds it. This one is dead from now on. */
  crash(): SqliteStorage {
    const next = this.durableCopy();
    this.#dead = true;
    return next;
  }

  /** What a crash at this moment would leave. */
  durableCopy(): SqliteStorage {
    return new SqliteStorage(this.#log.slice(0, this.#durable));
  }

  transactionSync<Value>(act: () => Value): Value {
    this.#live();
    const name = `nested_${this.#depth}`;
    const logged = this.#log.length;
    const alarmMs = this.#alarmMs;
    this.#db.exec(`SAVEPOINT ${name}`);
    this.#depth++;
    try {
      const value = act();
      this.#live();
      this.#db.exec(`RELEASE ${name}`);
      return value;
    } catch (error) {
      this.#db.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
      this.#log.length = logged;
      this.#alarmMs = alarmMs;
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** `flushed`: when the disk has it; a crash before then loses it. */
  async sync(flushed: Promise<void> = Promise.resolve()): Promise<void> {
    this.#live();
    const through = this.#log.length;
    await flushed;
    this.#live();
    this.#durable = Math.max(this.#durable, through);
  }

  async deleteAll(): Promise<void> {
    this.#write({ write: "delete_all" });
    await this.sync();
  }

  async setAlarm(atMs: number): Promise<void> {
    this.#write({ write: "alarm", atMs });
  }

  async getAlarm(): Promise<number | null> {
    this.#live();
    return this.#alarmMs;
  }

  async deleteAlarm(): Promise<void> {
    this.#write({ write: "alarm", atMs: null });
  }

  #live(): void {
    if (this.#dead) throw new Error("this object has crashed");
  }

  #exec<R extends Row>(query: string, bindings: readonly SqlValue[]): Iterable<R> & { toArray(): R[] } {
    this.#live();
    const reads = /^\s*SELECT\b/i.test(query);
    const found = reads ? this.#select(query, bindings) : [];
    if (!reads) this.#write({ write: "statement", query, bindings });
    const rows = this.#rowsUntilWrite(found as R[], this.#log.length);
    return { [Symbol.iterator]: () => rows, toArray: () => [...rows] };
  }

  /** Holds readers to the interface: rows that are left when something is written can no longer be read. */
  *#rowsUntilWrite<R>(rows: readonly R[], written: number): Generator<R> {
    for (const row of rows) {
      if (this.#log.length !== written) throw new Error("rows were read after the next write");
      yield row;
    }
  }

  #select(query: string, bindings: readonly SqlValue[]): Row[] {
    const rows = this.#prepare(query).all(...bindings.map(boundValue));
    return rows.map((row) => {
      const read: Row = {};
      for (const name in row) read[name] = readValue(row[name] ?? null);
      return read;
    });
  }

  #write(write: Write): void {
    this.#live();
    this.#apply(write);
    this.#log.push(write);
  }

  #apply(write: Write): void {
    switch (write.write) {
      case "statement":
        if (write.bindings.length === 0) this.#script(write.query);
        else this.#prepare(write.query).run(...write.bindings.map(boundValue));
        return;
      case "alarm":
        this.#alarmMs = write.atMs;
        return;
      case "delete_all":
        this.#db = new DatabaseSync(":memory:");
        this.#prepared.clear();
        this.#alarmMs = null;
    }
  }

  #prepare(query: string): StatementSync {
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(query);
    this.#prepared.set(query, statement);
    return statement;
  }

  /** Several statements, all or none, so that the log stays exact. */
  #script(statements: string): void {
    this.#db.exec("SAVEPOINT script");
    try {
      this.#db.exec(statements);
      this.#db.exec("RELEASE script");
    } catch (error) {
      this.#db.exec("ROLLBACK TO script; RELEASE script");
      throw error;
    }
  }
}

function boundValue(value: SqlValue): string | number | null | Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}

function readValue(value: SQLOutputValue): SqlValue {
  if (value instanceof Uint8Array) return value.slice().buffer;
  if (typeof value === "bigint") throw new RangeError(`${value} does not fit a number`);
  return value;
}
