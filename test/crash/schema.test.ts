/** The tables of new objects are those that older ones have come to, step by step. */
import { describe, expect, it } from "vitest";
import * as bucket from "../../durable-objects/hour-bucket/schema.ts";
import * as shard from "../../durable-objects/event-shard/schema.ts";
import { type ObjectStorage, migrate } from "../../platform/storage.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";

function tablesOf(storage: ObjectStorage): Map<string, unknown> {
  const tables = storage.sql.exec<{ name: string; wr: number; strict: number }>(
    "SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' ORDER BY name",
  );
  return new Map(
    tables.toArray().map((table) => {
      const columns = storage.sql.exec("SELECT * FROM pragma_table_xinfo(?)", table.name).toArray();
      return [table.name, [table, columns.map(({ cid: _cid, ...column }) => column).toSorted(byName)]];
    }),
  );
}

function byName(a: Record<string, unknown>, b: Record<string, unknown>): number {
  return String(a["name"]) < String(b["name"]) ? -1 : 1;
}

describe.each([
  ["a bucket", bucket],
  ["a shard", shard],
])("the schema of %s", (_name, { migrations, whole }) => {
  it("is the same for a new object as for one that has come all the way", () => {
    const [old, fresh] = [SqliteStorage.blank(), SqliteStorage.blank()];
    for (let steps = 1; steps <= migrations.length; steps++) migrate(old, migrations.slice(0, steps));
    migrate(fresh, migrations, whole);
    expect(tablesOf(fresh)).toEqual(tablesOf(old));
    expect(tablesOf(fresh).size).toBeGreaterThan(4);
    // The newest version: nothing is missing.
    migrate(fresh, [...migrations], whole);
    expect(tablesOf(fresh)).toEqual(tablesOf(old));
  });
});
