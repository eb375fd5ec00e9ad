/**
 * gzip back to its bytes, no faster than they are taken. The platform's stream inflates within a write, takes the next one
 * whether or not anybody reads, and keeps what comes of it: a part of 128 MiB of rows took all of them at once, in an isolate
 * that has 128 MB. That of Node's interface waits, and is faster: 32 MiB took 95 ms instead of 139.
 */
import { sleep } from "./timer.ts";
import { drained, gunzipStream } from "./zlib.ts";

/** Compressed bytes that are handed over at a time. */
const sliceBytes = 64 * 1024;

/** Plain bytes after which others have a turn: whoever reads them computes, and a turn takes 1 ms of some 30. */
const turnBytes = 4 * 1024 * 1024;

/**
 * What the bytes, or a stream of them, inflate to, in order. Throws if they are no gzip. May be left early: then a source is
 * let go of once its next slice has come, and nobody waits for that.
 */
export async function* inflated(gzipped: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = gunzipStream();
  void (async () => {
    try {
      for await (const slice of gzipped instanceof Uint8Array ? slices(gzipped) : gzipped) {
        if (stream.destroyed) return;
        if (!stream.write(slice)) await drained(stream);
      }
      stream.end();
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  let sinceTurn = 0;
  try {
    for await (const piece of stream) {
      yield piece;
      sinceTurn += piece.length;
      if (sinceTurn < turnBytes) continue;
      sinceTurn = 0;
      await sleep(0);
    }
  } finally {
    stream.destroy();
  }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}
