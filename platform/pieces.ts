/**
 * A stream's bytes in large pieces. The runtime's compression streams hand 4 KiB at a time to whoever just reads, and each
 * hand-over takes some 50 µs: reading 55 MB back from gzip took 0.82 s that way, and takes 0.20 s with a buffer to fill.
 */

/** Bytes of one piece, but for the last one. */
export const pieceBytes = 256 * 1024;

/** The bytes of the stream, in order. Stopping early lets go of it. */
export async function* pieces(
  stream: ReadableStream<Uint8Array>,
  bytesAtATime = pieceBytes,
): AsyncGenerator<Uint8Array> {
  const reader = byteReader(stream);
  if (reader === null) {
    yield* stream;
    return;
  }
  try {
    for (;;) {
      const { done, value } = await reader.readAtLeast(bytesAtATime, new Uint8Array(bytesAtATime));
      // A piece that is kept must not keep a buffer that is mostly empty.
      if (value !== undefined && value.length > 0)
        yield value.length * 2 < bytesAtATime ? value.slice() : value;
      if (done) return;
    }
  } finally {
    // What the source makes of it changes nothing: all of it was read, or nobody wants the rest.
    await reader.cancel().catch(() => undefined);
  }
}

/** Null: the stream is not one of bytes, as those of JavaScript are unless they say so, and as all are outside of workerd. */
function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    const reader = stream.getReader({ mode: "byob" });
    if (typeof Reflect.get(reader, "readAtLeast") === "function") return reader;
    reader.releaseLock();
    return null;
  } catch {
    return null;
  }
}
