/** The runtime's compression streams, read in large pieces. */
import { describe, expect, it } from "vitest";
import { pieceBytes, pieces } from "../../platform/pieces.ts";

const plain = Uint8Array.from({ length: 3 * pieceBytes + 17 }, (_, at) => (at * 7 + (at >> 9)) & 0xff);

function gunzipped(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

async function allOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of source) all.push(piece);
  return all;
}

describe("pieces", () => {
  it("[AU5] are all bytes in order, of one size but for the last", async () => {
    const read = await allOf(pieces(gunzipped(await gzipped(plain))));
    expect(read.map(({ length }) => length)).toEqual([pieceBytes, pieceBytes, pieceBytes, 17]);
    expect(await new Blob(read as Uint8Array<ArrayBuffer>[]).bytes()).toEqual(plain);
  });

  it("[AU5] of a stream that ends with a piece, or has none, are no more", async () => {
    const whole = plain.slice(0, pieceBytes);
    expect((await allOf(pieces(gunzipped(await gzipped(whole))))).map(({ length }) => length)).toEqual([
      pieceBytes,
    ]);
    expect(await allOf(pieces(gunzipped(await gzipped(new Uint8Array()))))).toEqual([]);
  });

  it("[AU5] that are small keep no large buffer", async () => {
    const [piece] = await allOf(pieces(gunzipped(await gzipped(plain.slice(0, 100)))));
    expect(piece?.buffer.byteLength).toBe(100);
  });

  it("[AU5] of bytes that are cut off end in an error, and those of a stream of JavaScript come as they are", async () => {
    const cut = (await gzipped(plain)).slice(0, 2_000);
    await expect(allOf(pieces(gunzipped(cut)))).rejects.toThrow();
    const chunks = [plain.slice(0, 3), plain.slice(3, 9)];
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    expect(await allOf(pieces(stream))).toEqual(chunks);
  });

  it("[AU5] may be left before their end", async () => {
    for await (const piece of pieces(gunzipped(await gzipped(plain)))) {
      expect(piece.length).toBe(pieceBytes);
      break;
    }
  });
});
