/** Rows, and the Parquet files that they become. */
import { gunzipSync, gzipSync } from "node:zlib";
import { isoOf, startOf } from "../../../domain/hour.ts";
import type { Field } from "../../../domain/parquet/columns.ts";
import { type ReadRow, readRowGroups } from "../../../domain/parquet/reader.ts";
import { broken } from "../../../domain/invariant.ts";
import { partBytesMax, rowGroupBytes } from "../../../domain/limits.ts";
import { type Grouping, ParquetRows } from "../../../domain/parquet/writer.ts";
import { rowLine, unguardedLine } from "../../../domain/row-line.ts";

import { hour, type } from "../make.ts";

/** The line of an event; `data` as its text. */
export function lineOf(members: object, data?: string, unguarded = false): string {
  const event = JSON.stringify({ specversion: "1.0", source: "/test", type, ...members });
  const json = data === undefined ? event : `${event.slice(0, -1)},"data":${data}}`;
  const line = rowLine(json, isoOf(startOf(hour)), hour).slice(0, -1);
  return unguarded ? unguardedLine(line) : line;
}

/** As the encoder of today has it. */
export const grouping: Grouping = { codec: "GZIP", groupBytes: rowGroupBytes };

export function parquetOf(
  lines: Iterable<string>,
  typed: readonly Field[] = [],
  facts: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const rows = new ParquetRows(typed, (bytes) => gzipSync(bytes), partBytesMax, grouping);
  for (const line of lines) rows.addLine(line);
  return rows.finish(facts) ?? broken("these rows do not fit a part");
}

export async function rowsIn(
  bytes: Uint8Array<ArrayBuffer>,
  columns?: readonly string[],
): Promise<ReadRow[]> {
  const rows: ReadRow[] = [];
  for await (const group of readRowGroups(bytes, (zipped) => gunzipSync(zipped), columns))
    rows.push(...group);
  return rows;
}
