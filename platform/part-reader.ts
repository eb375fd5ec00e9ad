/**
 * Reading one part back from R2: its bytes, their digest, and a recount of its rows.
 *
 * Lines are counted and digested while they come, 256 KiB at a time: a part of them is never in memory as a whole. Of columns all
 * bytes are, `partBytesMax` at most, and only those that were sealed are decoded.
 */
import type { Part } from "../domain/manifest.ts";
import { recountColumns } from "../domain/parquet/recount.ts";
import type { PartRecount } from "../domain/recount.ts";
import { type PartReading, mayDecode, notDecoded } from "../domain/reread.ts";
import { Digest } from "./digest.ts";
import { inflated } from "./inflate.ts";
import { type ObjectStore, bytesOf, sha256Hex } from "./objects.ts";
import { pieces } from "./pieces.ts";
import { gunzip } from "./zlib.ts";

type Body = ReadableStream<Uint8Array>;

/** Throws if R2 cannot be read just now: that says nothing of the part. */
export async function readPart(objects: ObjectStore, part: Part, recount: PartRecount): Promise<PartReading> {
  const body = await bodyOf(objects, part);
  if (body === null) return { object: null, recount: null, undecodable: null };
  return part.format === "parquet"
    ? readColumns(body, part, recount)
    : readLines(body, recount, () => bodyOf(objects, part));
}

async function bodyOf(objects: ObjectStore, part: Part): Promise<Body | null> {
  return (await objects.get(part.key))?.body ?? null;
}

async function readColumns(body: Body, part: Part, recount: PartRecount): Promise<PartReading> {
  const bytes = await bytesOf(body);
  const object = { bytes: bytes.length, sha256: await sha256Hex(bytes) };
  if (!mayDecode(part, object.sha256)) return { object, recount: null, undecodable: notDecoded };
  const undecodable = await faultOf(() => recountColumns(bytes, gunzip, recount));
  return { object, recount: undecodable === null ? recount.finish() : null, undecodable };
}

/** `again` begins anew: what cannot be inflated to its end is still told of as the bytes that it is. */
async function readLines(
  body: Body,
  recount: PartRecount,
  again: () => Promise<Body | null>,
): Promise<PartReading> {
  const read = new Passing(body);
  const undecodable = await faultOf(() => recountLines(read, recount));
  // R2's own fault is none of the part's.
  if (read.failed !== null) throw read.failed.error;
  const object = read.ended ? read.object() : await objectOf(await again());
  if (object === null) return { object: null, recount: null, undecodable: null };
  return { object, recount: undecodable === null ? recount.finish() : null, undecodable };
}

async function recountLines(compressed: AsyncIterable<Uint8Array>, recount: PartRecount): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for await (const piece of inflated(compressed))
    recount.addText(decoder.decode(piece, { stream: true }), piece.length);
  recount.addText(decoder.decode(), 0);
}

async function objectOf(body: Body | null): Promise<PartReading["object"]> {
  if (body === null) return null;
  const read = new Passing(body);
  for await (const piece of read) void piece;
  return read.object();
}

/** The bytes of a body as somebody takes them, with what they came to. */
class Passing implements AsyncIterable<Uint8Array> {
  readonly #body: Body;
  readonly #digest = new Digest();
  ended = false;
  failed: { readonly error: unknown } | null = null;

  constructor(body: Body) {
    this.#body = body;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of pieces(this.#body)) {
        this.#digest.update(piece);
        yield piece;
      }
      this.ended = true;
    } catch (error) {
      this.failed = { error };
      throw error;
    }
  }

  /** Once it has ended. */
  object(): { readonly bytes: number; readonly sha256: string } {
    return { bytes: this.#digest.bytes, sha256: this.#digest.sha256() };
  }
}

/** Null: there was none. */
async function faultOf(act: () => Promise<void>): Promise<string | null> {
  try {
    await act();
    return null;
  } catch (error) {
    return String(error);
  }
}
