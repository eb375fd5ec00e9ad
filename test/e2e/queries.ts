/** SQL of the docs, as an analyst copies it, and the folders that it is run in. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Database, openDuckDb } from "../domain/parquet/duckdb.ts";

const root = resolve(import.meta.dirname, "../..");

/** The code blocks of a page in this language that stand under the heading, up to the next one of its level or above. */
export function blocksOf(page: string, heading: string, language: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  const from = text.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`${page} has no heading ${heading}`);
  const level = heading.indexOf(" ");
  const rest = text.slice(from + heading.length + 2);
  const next = new RegExp(`^#{1,${level}} `, "m").exec(rest);
  const section = rest.slice(0, next?.index);
  const blocks = section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"));
  return [...blocks].map((block) => block[1] ?? "");
}

/** DuckDB as if it were started in this folder. */
export async function duckDbIn(folder: string): Promise<Database> {
  const database = await openDuckDb();
  await database.rows(`SET file_search_path = '${folder}'`);
  return database;
}
