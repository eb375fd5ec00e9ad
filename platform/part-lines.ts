/** The rows of a gzipped part, line by line, as they arrive: a part is never held as a whole. */
import { inflated } from "./inflate.ts";
import { pieces } from "./pieces.ts";

/** The lines without their line breaks. Throws if the bytes are no gzip of UTF-8. Stopping early lets go of the stream. */
export async function* linesOf(gzipped: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest = "";
  for await (const piece of inflated(pieces(gzipped))) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
