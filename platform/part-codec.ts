/**
 * Rows → the bytes of a part, and back to a digest of its rows. Equal rows in equal order, encoded in the same way, give
 * equal bytes. Memory: the part's bytes, and of its rows one chunk (lines) or one row group (columns).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Format } from "../domain/encoding.ts";
import type { Field } from "../domain/parquet/columns.ts";
import type { FileFacts } from "../domain/parquet/facts.ts";
import { contentSha256 } from "../domain/parquet/reader.ts";
import { ParquetRows, joined } from "../domain/parquet/writer.ts";
import { bytesOf, sha256Hex } from "./objects.ts";
import type { EncodedPart } from "./part-writer.ts";
import { sleep } from "./timer.ts";
import { gunzip, gzip } from "./zlib.ts";

/** All that decides a part's bytes, beside its rows. */
export interface PartEncoding {
  readonly format: Format;
  /** Fields of `data` with a column of their own. Lines have none. */
  readonly typed: readonly Field[];
  /** What a file of columns says of itself. */
  readonly facts: FileFacts;
}

/** Encodes parts, and tells whether two hold the same. The simulation brings one that runs to completion at once. */
export interface PartCodec {
  /** Each chunk holds whole rows, as lines. */
  encode(encoding: PartEncoding, chunks: Iterable<Uint8Array<ArrayBuffer>>): Promise<EncodedPart>;
  /** A digest of the rows, whatever compressed them; throws if the bytes are none of this format. */
  contentSha256(format: Format, bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
}

export const partCodec: PartCodec = {
  async encode(encoding, chunks) {
    const { format } = encoding;
    const bytes = await (format === "parquet" ? columns(encoding, chunks) : lines(chunks));
    return { format, bytes, sha256: await sha256Hex(bytes) };
  },
  contentSha256: (format, bytes) =>
    format === "parquet" ? contentSha256(bytes, gunzip) : plainSha256(bytes),
  sha256: sha256Hex,
};

async function lines(chunks: Iterable<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  })();
  const [bytes] = await Promise.all([bytesOf(stream.readable), written]);
  return bytes;
}

async function columns(
  { typed, facts }: PartEncoding,
  chunks: Iterable<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const rows = new ParquetRows(typed, gzip);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (const chunk of chunks) {
    rows.addText(decoder.decode(chunk));
    // Encoding is all computing: appends get their turn in between.
    await sleep(0);
  }
  return joined(rows.finish(facts));
}

async function plainSha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = sha256.create();
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  for await (const chunk of plain) digest.update(chunk);
  return bytesToHex(digest.digest());
}
