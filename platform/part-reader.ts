/** Reading one part back from R2: its bytes, their digest, and a recount of its rows. At most `partBytesMax` in memory. */
import type { Format } from "../domain/encoding.ts";
import type { Part } from "../domain/manifest.ts";
import { recountColumns } from "../domain/parquet/recount.ts";
import type { PartRecount } from "../domain/recount.ts";
import { type PartReading, mayDecode, notDecoded } from "../domain/reread.ts";
import { type ObjectStore, bytesOf, sha256Hex } from "./objects.ts";
import { inflated } from "./inflate.ts";
import { gunzip } from "./zlib.ts";

/** Throws if R2 cannot be read just now: that says nothing of the part. */
export async function readPart(objects: ObjectStore, part: Part, recount: PartRecount): Promise<PartReading> {
  const found = await objects.get(part.key);
  if (found === null) return { object: null, recount: null, undecodable: null };
  const bytes = await bytesOf(found.body);
  const object = { bytes: bytes.length, sha256: await sha256Hex(bytes) };
  if (!mayDecode(part, object.sha256)) return { object, recount: null, undecodable: notDecoded };
  try {
    await rereadRows(part.format, bytes, recount);
  } catch (error) {
    return { object, recount: null, undecodable: String(error) };
  }
  return { object, recount: recount.finish(), undecodable: null };
}

async function rereadRows(
  format: Format,
  bytes: Uint8Array<ArrayBuffer>,
  recount: PartRecount,
): Promise<void> {
  if (format === "parquet") return recountColumns(bytes, gunzip, recount);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const piece of inflated(bytes))
    recount.addText(decoder.decode(piece, { stream: true }), piece.length);
  recount.addText(decoder.decode(), 0);
}
