/** One part's bytes as verify and pull read them: their digest, and a recount of their rows. */
import { gunzipSync } from "node:zlib";
import type { Format } from "../../domain/encoding.ts";
import type { Part } from "../../domain/manifest.ts";
import { recountColumns } from "../../domain/parquet/recount.ts";
import type { PartRecount } from "../../domain/recount.ts";
import { type PartReading, mayDecode, notDecoded } from "../../domain/reread.ts";
import { sha256Of } from "./sha256.ts";

/** `bytes` is null if there is no such object. */
export async function readPart(
  part: Pick<Part, "format" | "sha256">,
  bytes: Uint8Array<ArrayBuffer> | null,
  recount: PartRecount,
): Promise<PartReading> {
  if (bytes === null) return { object: null, recount: null, undecodable: null };
  const object = { bytes: bytes.length, sha256: sha256Of(bytes) };
  if (!mayDecode(part, object.sha256)) return { object, recount: null, undecodable: notDecoded };
  try {
    await recountRows(part.format, bytes, recount);
  } catch (error) {
    return { object, recount: null, undecodable: error instanceof Error ? error.message : String(error) };
  }
  return { object, recount: recount.finish(), undecodable: null };
}

async function recountRows(
  format: Format,
  bytes: Uint8Array<ArrayBuffer>,
  recount: PartRecount,
): Promise<void> {
  if (format === "parquet") return recountColumns(bytes, gunzip, recount);
  const plain: ReadableStream<Uint8Array> = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const piece of plain) recount.addText(decoder.decode(piece, { stream: true }), piece.length);
  recount.addText(decoder.decode(), 0);
}

function gunzip(bytes: Uint8Array, plainBytes: number): Uint8Array {
  return gunzipSync(bytes, { maxOutputLength: Math.max(plainBytes, 1) });
}
