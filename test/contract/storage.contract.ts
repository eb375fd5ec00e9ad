/** What every `ObjectStorage` does: a Durable Object's SQLite storage, its simulator, and the fake. */
import { describe, expect, it } from "vitest";
import { type ObjectStorage, type SqlValue, blobOf, isBlank, migrate } from "../../platform/storage.ts";

/** The storage of one object that nothing else uses. */
export interface StorageUnderTest {
  /** Runs `act` on the object's storage, in its present life. */
  use<Value>(act: (storage: ObjectStorage) => Value | Promise<Value>): Promise<Value>;
  /** Ends the object's life without warning; the next `use` is of its next one. */
  restart(): Promise<void>;
}

const create = "CREATE TABLE thing (no INTEGER PRIMARY KEY, value TEXT) STRICT";

function insert(storage: ObjectStorage, no: number, value: SqlValue = null): void {
  storage.sql.exec("INSERT INTO thing (no, value) VALUES (?, ?)", no, value);
}

function numbers(storage: ObjectStorage): number[] {
  return storage.sql
    .exec<{ no: number }>("SELECT no FROM thing ORDER BY no")
    .toArray()
    .map(({ no }) => no);
}

export function storageContract(name: string, open: (object: string) => StorageUnderTest): void {
  describe(`object storage: ${name}`, () => {
    it("[SH2] keeps what was synced across a restart", async () => {
      const object = open("synced");
      await object.use(async (storage) => {
        storage.sql.exec(create);
        insert(storage, 1, "kept");
        await storage.sync();
      });
      await object.restart();
      expect(await object.use(numbers)).toEqual([1]);
    });

    it("[SH3] undoes a transaction that throws, and says why", async () => {
      await open("undone").use((storage) => {
        storage.sql.exec(create);
        insert(storage, 1);
        const failing = (): void => {
          insert(storage, 2);
          throw new Error("half way");
        };
        expect(() => {
          storage.transactionSync(failing);
        }).toThrow("half way");
        expect(numbers(storage)).toEqual([1]);
      });
    });

    it("[SH3] undoes a transaction in which a statement fails", async () => {
      await open("constraint").use((storage) => {
        storage.sql.exec(create);
        insert(storage, 1);
        expect(() => {
          storage.transactionSync(() => {
            insert(storage, 2);
            insert(storage, 1);
          });
        }).toThrow(/UNIQUE/);
        expect(numbers(storage)).toEqual([1]);
      });
    });

    it("[SH3] undoes an inner transaction and keeps the outer one", async () => {
      await open("nested").use((storage) => {
        storage.sql.exec(create);
        storage.transactionSync(() => {
          insert(storage, 1);
          expect(() => {
            storage.transactionSync(() => {
              insert(storage, 2);
              throw new Error("inner");
            });
          }).toThrow("inner");
          storage.transactionSync(() => {
            insert(storage, 3);
          });
        });
        expect(numbers(storage)).toEqual([1, 3]);
      });
    });

    it("[SH3] undoes inner transactions with the outer one", async () => {
      await open("outer").use((storage) => {
        storage.sql.exec(create);
        expect(() => {
          storage.transactionSync(() => {
            storage.transactionSync(() => {
              insert(storage, 1);
            });
            throw new Error("outer");
          });
        }).toThrow("outer");
        expect(numbers(storage)).toEqual([]);
      });
    });

    it("[SH9] gives back the value of a transaction", async () => {
      const value = await open("value").use((storage) => storage.transactionSync(() => ({ a: 1 })));
      expect(value).toEqual({ a: 1 });
    });

    it("[SH4] gives blobs back as buffers of exactly their bytes", async () => {
      await open("blobs").use((storage) => {
        storage.sql.exec("CREATE TABLE blob (no INTEGER PRIMARY KEY, bytes BLOB) STRICT");
        const long = new Uint8Array(70_000).map((_, index) => index % 251);
        const blobs = [new Uint8Array(), new Uint8Array([0, 255, 0]), long, long.subarray(3, 9)];
        blobs.forEach((bytes, no) => {
          storage.sql.exec("INSERT INTO blob (no, bytes) VALUES (?, ?)", no, blobOf(bytes));
        });
        const rows = storage.sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM blob ORDER BY no").toArray();
        expect(rows.every(({ bytes }) => bytes instanceof ArrayBuffer)).toBe(true);
        expect(rows.map(({ bytes }) => new Uint8Array(bytes))).toEqual(blobs.map((bytes) => bytes.slice()));
      });
    });

    it("[SH4] gives numbers, texts and nulls back as they were", async () => {
      await open("values").use((storage) => {
        storage.sql.exec("CREATE TABLE thing (a INTEGER, b TEXT, c REAL, d TEXT) STRICT");
        storage.sql.exec(
          "INSERT INTO thing (a, b, c, d) VALUES (?, ?, ?, ?)",
          Number.MAX_SAFE_INTEGER,
          "line\n€ 🦭 'quoted'",
          0.25,
          null,
        );
        expect(storage.sql.exec("SELECT * FROM thing").toArray()).toEqual([
          { a: Number.MAX_SAFE_INTEGER, b: "line\n€ 🦭 'quoted'", c: 0.25, d: null },
        ]);
      });
    });

    it("[SH4] gives rows one by one too, and each once", async () => {
      await open("rows").use((storage) => {
        storage.sql.exec(create);
        for (const no of [1, 2, 3]) insert(storage, no);
        const found: number[] = [];
        for (const { no } of storage.sql.exec<{ no: number }>("SELECT no FROM thing ORDER BY no"))
          found.push(no);
        expect(found).toEqual([1, 2, 3]);
      });
    });

    it("[BU11] is blank before its first migration and after everything was deleted", async () => {
      const object = open("blank");
      const steps = [create, "ALTER TABLE thing ADD COLUMN more TEXT"];
      await object.use(async (storage) => {
        expect(isBlank(storage)).toBe(true);
        migrate(storage, steps);
        expect(isBlank(storage)).toBe(false);
        insert(storage, 1);
        await storage.deleteAll();
      });
      await object.restart();
      await object.use((storage) => {
        expect(isBlank(storage)).toBe(true);
        migrate(storage, steps);
        expect(numbers(storage)).toEqual([]);
      });
    });

    it("[BU7] migrates once, and only by the steps that are new", async () => {
      const object = open("migrations");
      await object.use(async (storage) => {
        migrate(storage, [create]);
        insert(storage, 1);
        await storage.sync();
      });
      await object.restart();
      await object.use((storage) => {
        migrate(storage, [create]);
        migrate(storage, [create, "ALTER TABLE thing ADD COLUMN more TEXT"]);
        expect(storage.sql.exec("SELECT * FROM thing").toArray()).toEqual([
          { no: 1, value: null, more: null },
        ]);
      });
    });

    it("[BU7] leaves nothing of a migration that fails half way", async () => {
      await open("half").use((storage) => {
        expect(() => {
          migrate(storage, [create, "no statement at all"]);
        }).toThrow();
        expect(isBlank(storage)).toBe(true);
        expect(() => {
          migrate(storage, [
            create,
            "CREATE TABLE other (no INTEGER) STRICT; INSERT INTO nowhere VALUES (1)",
          ]);
        }).toThrow();
        migrate(storage, [create, "CREATE TABLE other (no INTEGER) STRICT"]);
        expect(storage.sql.exec("SELECT * FROM other").toArray()).toEqual([]);
      });
    });
  });
}
