/** A codec that runs to completion at once: a run must not wait for a thread pool. */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { PartCodec } from "../../platform/part-writer.ts";

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
  encode: async (chunks) => {
    const bytes = gzip(concat([...chunks]), 1);
    return { bytes, sha256: sha256Of(bytes) };
  },
  decode: async (bytes) => gunzip(bytes),
  sha256: async (bytes) => sha256Of(bytes),
};

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
