/**
 * Rows → the bytes of a part, and back to a digest of its rows. Equal rows in equal order, encoded in the same way, give
 * equal bytes. Memory: the part's bytes (domain/growing-bytes.ts), and of its rows one chunk (lines) or one row group (columns).
 */
import { type Format, encodingOf, formatOf } from "../domain/encoding.ts";
import { GrowingBytes } from "../domain/growing-bytes.ts";
import type { Field } from "../domain/parquet/columns.ts";
import type { FileFacts } from "../domain/parquet/facts.ts";
import { contentSha256 } from "../domain/parquet/reader.ts";
import { ParquetRows } from "../domain/parquet/writer.ts";
import { Digest } from "./digest.ts";
import { sha256Hex } from "./objects.ts";
import type { EncodedPart } from "./part-writer.ts";
import { inflated } from "./inflate.ts";
import { pieces } from "./pieces.ts";
import { sleep } from "./timer.ts";
import { gunzip, gzip } from "./zlib.ts";

/** All that decides a part's bytes, beside its rows. */
export interface PartEncoding {
  /** Its number in domain/encoding.ts. */
  readonly encoder: number;
  /** Fields of `data` with a column of their own. Lines have none. */
  readonly typed: readonly Field[];
  /** What a file of columns says of itself. */
  readonly facts: FileFacts;
}

/** Rows as lines; each chunk holds whole ones. */
export type RowChunks = Iterable<Uint8Array<ArrayBuffer>> | AsyncIterable<Uint8Array<ArrayBuffer>>;

/** Encodes parts, and tells whether two hold the same. The simulation brings one that runs to completion at once. */
export interface PartCodec {
  /** Null: it takes more than `bytesMax`. Then it has stopped soon after it passed them. */
  encode(encoding: PartEncoding, chunks: RowChunks, bytesMax: number): Promise<EncodedPart | null>;
  /** A digest of the rows, whatever compressed them; throws if the bytes are none of this format. */
  contentSha256(format: Format, bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
}

export const partCodec: PartCodec = {
  async encode(encoding, chunks, bytesMax) {
    const format = formatOf(encoding.encoder);
    const encoded = format === "parquet" ? columns(encoding, chunks, bytesMax) : lines(chunks, bytesMax);
    const bytes = await encoded;
    return bytes === null ? null : { format, bytes, sha256: await sha256Hex(bytes) };
  },
  contentSha256: (format, bytes) =>
    format === "parquet" ? contentSha256(bytes, gunzip) : plainSha256(bytes),
  sha256: sha256Hex,
};

/**
 * Bytes of lines after which others have a turn, with the chunk that passes them: some 20 to 30 ms, of which the turn takes 1. The
 * runtime compresses within the write and takes the next one at once, so that without turns nothing else runs until the part is
 * whole, neither appends nor who reads what was compressed, and all of its rows stay in memory until then: 55 MiB of 100,000.
 */
const turnBytes = 1024 * 1024;

async function lines(chunks: RowChunks, bytesMax: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const compressed = new GrowingBytes(bytesMax);
  const written = (async () => {
    try {
      let sinceTurn = 0;
      for await (const chunk of chunks) {
        if (compressed.full) break;
        await writer.write(chunk);
        sinceTurn += chunk.length;
        if (sinceTurn < turnBytes) continue;
        sinceTurn = 0;
        await sleep(0);
      }
      await writer.close();
    } catch (error) {
      // Else the reader waits for an end that never comes.
      await writer.abort(error).catch(() => undefined);
      throw error;
    }
  })();
  const read = (async () => {
    for await (const piece of pieces(stream.readable)) compressed.add(piece);
  })();
  // Why rows did not come says more than that the stream broke for it.
  const [source, sink] = await Promise.allSettled([written, read]);
  if (source.status === "rejected") throw source.reason;
  if (sink.status === "rejected") throw sink.reason;
  return compressed.finish();
}

async function columns(
  { encoder, typed, facts }: PartEncoding,
  chunks: RowChunks,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const rows = new ParquetRows(typed, gzip, bytesMax, {
    codec: "GZIP",
    groupBytes: encodingOf(encoder).rowGroupBytes,
  });
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const chunk of chunks) {
    rows.addText(decoder.decode(chunk));
    if (rows.full) return null;
    // Encoding is all computing: appends get their turn in between.
    await sleep(0);
  }
  return rows.finish(facts);
}

async function plainSha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Digest();
  for await (const piece of inflated(bytes)) digest.update(piece);
  return digest.sha256();
}
