/** One part by the product's encoder, with row groups and a compression of one's choice, timed. */
import { gzipSync } from "node:zlib";
import { broken } from "../../domain/invariant.ts";
import { type Grouping, ParquetRows } from "../../domain/parquet/writer.ts";
import type { Rows } from "./rows.ts";

/** What both the library and the runtime of a Worker can do. Its zstd fails on pages as large as ours. */
export const compressions: Readonly<Record<string, Compression>> = {
  "gzip 1": { codec: "GZIP", level: 1 },
  "gzip 6": { codec: "GZIP", level: 6 },
  "gzip 9": { codec: "GZIP", level: 9 },
  snappy: { codec: "SNAPPY", level: 0 },
  none: { codec: "UNCOMPRESSED", level: 0 },
};

/** More than any file that is measured takes: how large one gets is what is looked for. */
const fileBytesMax = 1_024 * 1_024 * 1_024;

interface Compression {
  readonly codec: Grouping["codec"];
  /** Of gzip. */
  readonly level: number;
}

export interface EncodedFile {
  readonly bytes: Uint8Array;
  /** CPU of this process. */
  readonly encodeMs: number;
}

export function encodeFile(rows: Rows, { codec, level }: Compression, groupBytes: number): EncodedFile {
  const before = process.cpuUsage();
  const encoder = new ParquetRows([], (bytes) => gzipSync(bytes, { level }), fileBytesMax, {
    codec,
    groupBytes,
  });
  for (const line of rows.lines) encoder.addLine(line);
  const bytes = encoder.finish({}) ?? broken("a file past its bound");
  const { user, system } = process.cpuUsage(before);
  return { bytes, encodeMs: (user + system) / 1_000 };
}
