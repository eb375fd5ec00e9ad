/** The files in which local mode keeps the shards, for tests that damage one while nothing runs. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The database of every shard that there is. */
export function shardFiles(dataDir: string): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: "utf8" })
    .filter((path) => path.includes("EventShard") && path.endsWith(".sqlite") && !path.includes("metadata"))
    .map((path) => join(dataDir, path));
}

/** From now on nobody can read it. */
export function ruin(file: string): void {
  for (const ending of ["-wal", "-shm"]) rmSync(`${file}${ending}`, { force: true });
  writeFileSync(file, "broken ".repeat(1_000));
}

/** From now on it has no room for one row more; what it holds it keeps, and gives away. */
export function fill(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(
    "CREATE TRIGGER no_room BEFORE INSERT ON batch BEGIN SELECT raise(ABORT, 'there is no room'); END",
  );
  database.close();
}
