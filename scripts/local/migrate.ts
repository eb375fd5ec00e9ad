/**
 * Applies the files of migrations/ to the local D1 database, in the order of their names, once each.
 * Uses the table that `wrangler d1 migrations` uses, so both agree on what is applied. A file that fails is applied
 * not at all: its statements and its mark are one batch, which D1 runs as a transaction.
 */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { unstable_splitSqlQuery } from "wrangler";

/** What it needs of D1. */
export interface MigratedDatabase<Statement> {
  prepare(sql: string): Statement & {
    bind(...values: unknown[]): Statement;
    all(): Promise<{ results: Record<string, unknown>[] }>;
    run(): Promise<unknown>;
  };
  batch(statements: Statement[]): Promise<unknown>;
}

const table = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/** The names of the files that were applied now. */
export async function applyMigrations<Statement>(
  database: MigratedDatabase<Statement>,
  directory: string,
): Promise<string[]> {
  await database.prepare(table).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all();
  const done = new Set(results.map((row) => row["name"]));
  const names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).toSorted();
  const due = names.filter((name) => !done.has(name));
  for (const name of due) {
    const sql = await readFile(join(directory, name), "utf8");
    const statements = unstable_splitSqlQuery(sql).map((statement) => database.prepare(statement));
    const mark = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
    await database.batch([...statements, mark]);
  }
  return due;
}
