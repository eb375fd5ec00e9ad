/** D1 goes away, and comes back with what it held: every query fails while every table has another name. */
import type { LocalRuntime } from "../../../scripts/local/runtime.ts";
import { readProjectConfig } from "../../../scripts/local/config.ts";

export async function takeCatalogAway(runtime: LocalRuntime): Promise<void> {
  await rename(runtime, "", "away_");
}

export async function bringCatalogBack(runtime: LocalRuntime): Promise<void> {
  await rename(runtime, "away_", "");
}

async function rename({ miniflare }: LocalRuntime, from: string, to: string): Promise<void> {
  const database = await miniflare.getD1Database("CATALOG", readProjectConfig("local").name);
  const tables = await database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    .all<{ name: string }>();
  const renamed = tables.results.filter(({ name }) => name.startsWith(from));
  if (renamed.length < 6) throw new Error(`there are ${renamed.length} tables to rename`);
  await database.batch(
    renamed.map(({ name }) =>
      database.prepare(`ALTER TABLE "${name}" RENAME TO "${to}${name.slice(from.length)}"`),
    ),
  );
}
