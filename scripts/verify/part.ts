/** One part's bytes as verify and pull read them: their digest, and a recount of their rows. */
import type { PartRecount } from "../../domain/recount.ts";
import type { PartReading } from "../../domain/reread.ts";
import { sha256Of } from "./sha256.ts";

/** `bytes` is null if there is no such object. */
export async function readPart(
  bytes: Uint8Array<ArrayBuffer> | null,
  recount: PartRecount,
): Promise<PartReading> {
  if (bytes === null) return { object: null, recount: null, undecodable: null };
  const object = { bytes: bytes.length, sha256: sha256Of(bytes) };
  try {
    const texts = new Blob([bytes])
      .stream()
      .pipeThrough(new DecompressionStream("gzip"))
      .pipeThrough(new TextDecoderStream("utf-8", { fatal: true, ignoreBOM: true }));
    for await (const text of texts) recount.addText(text);
  } catch (error) {
    return { object, recount: null, undecodable: error instanceof Error ? error.message : String(error) };
  }
  return { object, recount: recount.finish(), undecodable: null };
}
