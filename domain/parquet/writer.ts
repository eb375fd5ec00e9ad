/**
 * Rows → the bytes of a Parquet part, row group by row group. Equal rows in equal order give equal bytes, from the same
 * version of this encoder and of the compressor; domain/encoding.ts numbers the former.
 *
 * Memory: the rows of one row group, and what is written. Nothing is awaited here; the caller yields between rows.
 */
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { rowGroupBytes, statisticsBytesMax } from "../limits.ts";
import type { Field } from "./columns.ts";
import type { FileFacts } from "./facts.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { type RowValues, rowValues } from "./row.ts";

export type Gzip = (bytes: Uint8Array) => Uint8Array;

/** What parts have by default was chosen by `npm run bench:row-groups`, which tries others: docs/performance.md. */
export interface Grouping {
  readonly codec: "GZIP" | "SNAPPY" | "UNCOMPRESSED";
  /** Bytes of rows as lines, about, in one row group. */
  readonly groupBytes: number;
}

const grouping: Grouping = { codec: "GZIP", groupBytes: rowGroupBytes };

/** Takes what is written out of the writer after each row group, so that its buffer does not grow with the file. */
class ChunkWriter extends ByteWriter {
  readonly chunks: Uint8Array[] = [];

  flush(): void {
    if (this.index > 0) this.chunks.push(new Uint8Array(this.buffer.slice(0, this.index)));
    this.index = 0;
  }
}

export class ParquetRows {
  readonly #layout: Layout;
  readonly #typed: readonly Field[];
  readonly #sink = new ChunkWriter();
  readonly #writer: ParquetWriter;
  #group: RowValues[] = [];
  #groupBytes = 0;
  readonly #groupBytesMax: number;

  constructor(typed: readonly Field[], gzip: Gzip, { codec, groupBytes } = grouping) {
    this.#typed = typed;
    this.#groupBytesMax = groupBytes;
    this.#layout = layoutOf(typed);
    this.#writer = new ParquetWriter({
      writer: this.#sink,
      schema: [...this.#layout.schema],
      codec,
      compressors: { GZIP: gzip },
      statisticsTruncateLength: statisticsBytesMax,
      createdBy: "hourseal",
    });
  }

  /** What stands in the file so far; after `finish`, all of it. */
  get writtenBytes(): number {
    return this.#sink.offset;
  }

  /** Whole rows, each with its line break. */
  addText(text: string): void {
    for (const line of linesOf(text)) this.addLine(line);
  }

  addLine(line: string): void {
    const row = rowValues(line, this.#typed);
    this.#group.push(row);
    // Characters stand for bytes; a typed value is seldom longer than its text.
    this.#groupBytes += line.length + (row.rest?.length ?? 0) + (this.#typed.length > 0 ? line.length : 0);
    if (row.data !== null) this.#groupBytes += row.binary?.length ?? 0;
    if (this.#groupBytes >= this.#groupBytesMax) this.#writeGroup();
  }

  finish(facts: FileFacts): readonly Uint8Array[] {
    this.#writeGroup();
    this.#writer.kvMetadata = Object.entries(facts).map(([key, value]) => ({ key, value }));
    this.#writer.schema = [...this.#layout.fileSchema];
    void this.#writer.finish();
    this.#sink.flush();
    return this.#sink.chunks;
  }

  /** Equal sources stand together: that compresses better, and rows of a group are all of about one time anyway. */
  #writeGroup(): void {
    if (this.#group.length === 0) return;
    const rows = this.#group
      .sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : 0))
      .map((row) => this.#layout.valuesOf(row));
    this.#group = [];
    this.#groupBytes = 0;
    // Everything is written and flushed when this returns: the sink's flush gives no promise.
    void this.#writer.write({
      columnData: this.#layout.columns.map(({ name, statistics, dictionary }, column) => ({
        name,
        data: rows.map((row) => row[column]),
        statistics,
        ...(dictionary ? {} : { encoding: "PLAIN" as const }),
      })),
      rowGroupSize: rows.length,
    });
  }
}

/** The lines of whole rows, without their line breaks. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  lines.pop();
  return lines;
}

/** One run of bytes; each chunk is let go as it is copied. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
