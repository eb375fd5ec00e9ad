/**
 * Readers of other people, each as one function: the rows of Parquet files, told alike. Integers and times (microseconds
 * since 1970) are text, bytes are hex, the map of extensions is an object; all else is as the reader has it.
 */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import {
  DuckDBBlobValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
} from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import * as z from "zod";

export type ReadRow = Readonly<Record<string, unknown>>;

export interface Reader {
  readonly name: string;
  /** Why it cannot be used here; null if it can. */
  readonly absent: string | null;
  /** The rows of each file, in the order of the file; of these columns, or of all. */
  readonly rowsOf: (paths: readonly string[], columns?: readonly string[]) => Promise<ReadRow[][]>;
}

/** The Python to ask for pyarrow and Polars. */
export const python = process.env["HOURSEAL_PYTHON"] ?? "python3";

export const readers: readonly Reader[] = [
  { name: "DuckDB", absent: null, rowsOf: byDuckDb },
  {
    name: "hyparquet",
    absent: null,
    rowsOf: (paths, columns) => Promise.all(paths.map((path) => byHyparquet(path, columns))),
  },
  ...["pyarrow", "polars"].map((library) => ({
    name: library,
    absent: importable(library)
      ? null
      : `${library} is not there: \`pip install ${library}\`, and HOURSEAL_PYTHON if the Python is not ${python}`,
    rowsOf: (paths: readonly string[], columns?: readonly string[]) => byPython(library, paths, columns),
  })),
];

async function byDuckDb(paths: readonly string[], columns: readonly string[] = ["*"]): Promise<ReadRow[][]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  try {
    const files: ReadRow[][] = [];
    for (const path of paths) {
      const result = await connection.runAndReadAll(
        `SELECT ${columns.join(", ")} FROM read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false)`,
      );
      files.push(result.getRowObjects().map(rowOf));
    }
    return files;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function byHyparquet(path: string, columns?: readonly string[]): Promise<ReadRow[]> {
  const rows = await parquetReadObjects({
    file: new Uint8Array(readFileSync(path)).buffer,
    compressors: { GZIP: (bytes: Uint8Array) => new Uint8Array(gunzipSync(bytes)) },
    parsers: {
      timestampFromMicroseconds: (micros: bigint) => micros,
      jsonFromBytes: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
    },
    utf8: false,
    ...(columns === undefined ? {} : { columns: [...columns] }),
  });
  return rows.map(rowOf);
}

async function byPython(
  library: string,
  paths: readonly string[],
  columns: readonly string[] = [],
): Promise<ReadRow[][]> {
  const script = join(import.meta.dirname, "read.py");
  const { stdout } = await promisify(execFile)(python, [script, library, columns.join(), ...paths], {
    maxBuffer: 2 ** 30,
  });
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((file) => z.array(z.record(z.string(), z.unknown())).parse(JSON.parse(file)));
}

function importable(library: string): boolean {
  try {
    execFileSync(python, ["-c", `import ${library}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** The one column of 32-bit integers; all others are bigint to these readers. */
function rowOf(row: ReadRow): ReadRow {
  const version = row["schema_version"];
  const all = objectOf(Object.entries(row));
  return typeof version === "number" ? { ...all, schema_version: String(version) } : all;
}

function shown(value: unknown): unknown {
  // What is null is undefined to hyparquet in some nested columns.
  if (value === undefined) return null;
  if (typeof value === "bigint") return String(value);
  if (value instanceof DuckDBTimestampTZValue) return String(value.micros);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("hex");
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof DuckDBListValue) return value.items.map(shown);
  if (value instanceof DuckDBStructValue) return objectOf(Object.entries(value.entries));
  if (value instanceof DuckDBMapValue) {
    return objectOf(value.entries.map(({ key, value: text }) => [String(key), text]));
  }
  if (Array.isArray(value)) return value.map(shown);
  return typeof value === "object" && value !== null ? objectOf(Object.entries(value)) : value;
}

function objectOf(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries.map(([name, value]) => [name, shown(value)]));
}
