/** The recount of a Parquet part, from the columns that are counted. */
import { countedColumns } from "../part-row.ts";
import type { PartRecount } from "../recount.ts";
import { type Gunzip, readRowGroups } from "./reader.ts";

/** Throws if the bytes are no Parquet. */
export async function recountColumns(
  bytes: Uint8Array<ArrayBuffer>,
  gunzip: Gunzip,
  recount: PartRecount,
): Promise<void> {
  for await (const rows of readRowGroups(bytes, gunzip, countedColumns)) {
    for (const row of rows) recount.addColumns(row);
  }
}
