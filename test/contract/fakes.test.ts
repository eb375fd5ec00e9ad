import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../platform/objects.ts";
import { FakeD1 } from "../fakes/d1.ts";
import { MemoryObjects, failingObjects } from "../fakes/object-store.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";
import { d1Contract } from "./d1.contract.ts";
import { objectStoreContract } from "./object-store.contract.ts";
import { storageContract } from "./storage.contract.ts";

const objects = new MemoryObjects();
objectStoreContract("fake", "contract/", () => objects);

d1Contract("fake", () => new FakeD1().binding(async (_what, effect) => effect()));

storageContract("fake", () => {
  let storage = SqliteStorage.blank();
  return {
    use: async (act) => act(storage),
    restart: async () => {
      storage = storage.crash();
    },
  };
});

describe("the fake storage's crashes", () => {
  const table = "CREATE TABLE thing (no INTEGER PRIMARY KEY) STRICT";
  const insert = (storage: SqliteStorage, no: number): void => {
    storage.sql.exec("INSERT INTO thing (no) VALUES (?)", no);
  };
  const numbers = (storage: SqliteStorage): unknown[] =>
    storage.sql.exec("SELECT no FROM thing ORDER BY no").toArray();

  it("[SH6] lose what was written after the last sync", async () => {
    const storage = SqliteStorage.blank();
    storage.sql.exec(table);
    insert(storage, 1);
    await storage.sync();
    insert(storage, 2);
    expect(numbers(storage.crash())).toEqual([{ no: 1 }]);
  });

  it("[SH6] lose what was written while a sync was under way", async () => {
    const storage = SqliteStorage.blank();
    storage.sql.exec(table);
    const synced = storage.sync();
    insert(storage, 1);
    await synced;
    expect(numbers(storage.crash())).toEqual([]);
  });

  it("[SH6] lose everything if no sync came to its end", async () => {
    const storage = SqliteStorage.blank();
    storage.sql.exec(table);
    const synced = storage.sync();
    expect(storage.crash().sql.exec("SELECT * FROM sqlite_master").toArray()).toEqual([]);
    await expect(synced).rejects.toThrow("crashed");
  });

  it("[SH6] end the life that they hit", () => {
    const storage = SqliteStorage.blank();
    storage.crash();
    expect(() => storage.sql.exec("SELECT 1 AS one")).toThrow("crashed");
    expect(() => storage.transactionSync(() => 1)).toThrow("crashed");
  });

  it("[SH12] keep the alarm with the writes around it", async () => {
    let storage = SqliteStorage.blank();
    storage.transactionSync(() => {
      storage.sql.exec(table);
      void storage.setAlarm(10);
    });
    await storage.sync();
    const undone = (): void => {
      void storage.setAlarm(20);
      throw new Error("undone");
    };
    expect(() => {
      storage.transactionSync(undone);
    }).toThrow("undone");
    expect(await storage.getAlarm()).toBe(10);
    await storage.setAlarm(30);
    storage = storage.crash();
    expect(await storage.getAlarm()).toBe(10);
    await storage.deleteAll();
    expect(await storage.crash().getAlarm()).toBeNull();
  });

  it("[SH4] allow no row to be read after the next write", () => {
    const storage = SqliteStorage.blank();
    storage.sql.exec(table);
    insert(storage, 1);
    const rows = storage.sql.exec("SELECT no FROM thing");
    insert(storage, 2);
    expect(() => rows.toArray()).toThrow("after the next write");
  });
});

describe("the fake store's failures", () => {
  const bytes = new Uint8Array([1]);

  it("[PA3] come before the effect, or after it with the reply lost", async () => {
    const store = new MemoryObjects();
    const sha256 = await sha256Hex(bytes);
    const before = failingObjects(store, () => "before");
    const after = failingObjects(store, (operation) => (operation === "create" ? "after" : null));
    await expect(before.create("a", bytes, sha256)).rejects.toThrow("failed");
    expect(await after.head("a")).toBeNull();
    await expect(after.create("a", bytes, sha256)).rejects.toThrow("lost");
    expect(await after.head("a")).toEqual({ key: "a", bytes: 1, sha256 });
  });
});
