/**
 * The lines of NDJSON files, plain or gzip, one at a time: memory is bounded by the longest line.
 * Lines end at LF alone (CR before it is dropped); other Unicode line separators belong to JSON strings.
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";

export interface Line {
  /** The file's name without its folder: ids made from it stay the same wherever the file lies. */
  readonly file: string;
  /** From 1; empty lines count. */
  readonly no: number;
  readonly text: string;
}

export class UnreadableFile extends Error {
  override readonly name = "UnreadableFile";
}

const lineBytesMax = 16 * 1024 * 1024;
const LF = 10;

export async function* linesOf(path: string): AsyncGenerator<Line> {
  const file = basename(path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let no = 0;
  try {
    for await (const bytes of byteLinesOf(await chunksOf(path))) {
      no++;
      const text = decoder.decode(bytes).trim();
      if (text !== "") yield { file, no, text };
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UnreadableFile(`${path}, after line ${no}: ${why}`, { cause: error });
  }
}

/** The file's bytes, decompressed if they begin as gzip does, whatever the file is called. */
async function chunksOf(path: string): Promise<AsyncIterable<Buffer>> {
  const handle = await open(path, "r");
  const magic = Buffer.alloc(2);
  await handle.read(magic, 0, 2, 0);
  await handle.close();
  const stream = createReadStream(path);
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) return stream as AsyncIterable<Buffer>;
  const gunzip = createGunzip();
  stream.on("error", (error) => gunzip.destroy(error));
  return stream.pipe(gunzip) as AsyncIterable<Buffer>;
}

async function* byteLinesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]);
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > lineBytesMax) throw new Error(`a line is over ${lineBytesMax} bytes; is this NDJSON?`);
  }
  if (restBytes > 0) yield Buffer.concat(rest);
}
