/**
 * Reads a body's bytes and inflates them, each within a bound that is kept while reading: what is past it is neither
 * read nor buffered. One chunk of the platform's streams is the most that is held beyond it.
 */
import { bodyBytesMax, inflatedBytesMax } from "../../domain/limits.ts";
import { pieceBytes, pieces } from "../../platform/pieces.ts";
import { type RequestRefusal, type Result, no, ok } from "../../domain/refusal.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * How much compressed input one write hands to the inflater, which inflates a write as a whole. Deflate expands at
 * most 1,032 times, so this also bounds what is inflated before the bound is looked at.
 */
const inflateSliceBytes = 4 * 1024;

/** Bytes that most bodies hold for each compressed one: one piece is then enough for a small body. */
const inflatedPerByte = 8;

const tooLarge: Result<never, RequestRefusal> = no({
  code: "body_too_large",
  limitBytes: bodyBytesMax,
  inflated: false,
});

/** The body as it was sent; empty if there is none. */
export async function readBody(request: Request): Promise<Result<Bytes, RequestRefusal>> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared > bodyBytesMax) return tooLarge;
  try {
    // A declared length is enforced by HTTP itself, so one call reads it all, faster than a loop. Others are chunked.
    if (declared >= 0) {
      const bytes = new Uint8Array(await request.arrayBuffer());
      return bytes.length > bodyBytesMax ? tooLarge : ok(bytes);
    }
    const body = request.body as ReadableStream<Uint8Array> | null;
    if (body === null) return ok(new Uint8Array());
    const bytes = await readBounded(body, bodyBytesMax);
    return bytes === null ? tooLarge : ok(bytes);
  } catch {
    return no({ code: "unreadable_body", detail: "The body ended before it was complete; send it again." });
  }
}

/** True if the bytes begin as every gzip member does (RFC 1952 section 2.3.1: ID1, ID2, CM = deflate). */
export function looksGzipped(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

const incomplete: Result<never, RequestRefusal> = no({
  code: "unreadable_body",
  detail: "The body is not one complete gzip member; compress it again, or send it plain.",
});

export async function inflate(bytes: Bytes): Promise<Result<Bytes, RequestRefusal>> {
  try {
    if (bytes.length === 0) return incomplete;
    const plain = slices(bytes).pipeThrough(new DecompressionStream("gzip"));
    const inflated = await readBounded(
      pieces(plain, Math.min(pieceBytes, inflatedPerByte * bytes.length)),
      inflatedBytesMax,
    );
    if (inflated !== null) return ok(inflated);
    return no({ code: "body_too_large", limitBytes: inflatedBytesMax, inflated: true });
  } catch {
    return incomplete;
  }
}

function slices(bytes: Bytes): ReadableStream<Bytes> {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.subarray(at, at + inflateSliceBytes));
      at += inflateSliceBytes;
    },
  });
}

/** All bytes, or `null` as soon as they are more than `bytesMax`; their source is then let go. */
async function readBounded(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Bytes | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > bytesMax) return null;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
