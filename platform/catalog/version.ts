/** The version that counts every change of streams and keys; edges compare snapshots by it. */
import * as z from "zod";
import { rowsOf } from "./border.ts";

const VersionRow = z.object({ version: z.number().int().min(0) });

export function selectVersion(db: D1Database): D1PreparedStatement {
  return db.prepare("SELECT version FROM config WHERE id = 1");
}

/** Put this into the batch that changes a stream or a key, so that no change is without a version. */
export function bumpVersion(db: D1Database): D1PreparedStatement {
  return db.prepare("UPDATE config SET version = version + 1 WHERE id = 1");
}

export function versionOf(answer: D1Result | undefined): number {
  const [row] = rowsOf(VersionRow, answer);
  if (row === undefined) throw new Error("broken invariant: the catalog has no configuration version");
  return row.version;
}

export async function configVersion(db: D1Database): Promise<number> {
  return versionOf(await selectVersion(db).all());
}
