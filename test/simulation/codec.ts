/** A codec that runs to completion at once: a run must not wait for a thread pool. */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { encodingOf } from "../../domain/encoding.ts";
import type { Field } from "../../domain/parquet/columns.ts";
import type { FileFacts } from "../../domain/parquet/facts.ts";
import { contentSha256 } from "../../domain/parquet/reader.ts";
import { ParquetRows } from "../../domain/parquet/writer.ts";
import type { PartCodec } from "../../platform/part-codec.ts";

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function gzip(bytes: Uint8Array, level: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(bytes, { level, memLevel: 1 }));
}

export function gunzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gunzipSync(bytes));
}

export const syncCodec: PartCodec = {
  encode: async ({ encoder, typed, facts }, chunks, bytesMax) => {
    const { format, rowGroupBytes } = encodingOf(encoder);
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk);
    const plain = concat(all);
    const bytes =
      format === "ndjson.gz" ? gzip(plain, 1) : columns(plain, typed, facts, bytesMax, rowGroupBytes);
    return bytes === null || bytes.length > bytesMax ? null : { format, bytes, sha256: sha256Of(bytes) };
  },
  contentSha256: async (format, bytes) =>
    format === "parquet" ? contentSha256(bytes, gunzip) : sha256Of(gunzip(bytes)),
  sha256: async (bytes) => sha256Of(bytes),
};

function columns(
  plain: Uint8Array,
  typed: readonly Field[],
  facts: FileFacts,
  bytesMax: number,
  groupBytes: number,
): Uint8Array<ArrayBuffer> | null {
  const rows = new ParquetRows(typed, (bytes) => gzip(bytes, 1), bytesMax, { codec: "GZIP", groupBytes });
  rows.addText(new TextDecoder().decode(plain));
  return rows.finish(facts);
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
