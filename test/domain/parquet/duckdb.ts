/** DuckDB in this process: somebody else's reader. Its packages bring it prebuilt; nothing is loaded from elsewhere. */
import { DuckDBInstance } from "@duckdb/node-api";

export interface Database {
  /** The rows of a query; integers as text, times and JSON as DuckDB prints them. */
  rows(query: string): Promise<Record<string, unknown>[]>;
  close(): void;
}

export async function openDuckDb(): Promise<Database> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run("SET threads = 2");
  return {
    async rows(query) {
      const result = await connection.runAndReadAll(query);
      return result.getRowObjectsJson();
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
