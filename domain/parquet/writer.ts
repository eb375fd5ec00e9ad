/**
 * Rows → the bytes of a Parquet part, row group by row group. Equal rows in equal order give equal bytes, from the same
 * version of this encoder and of the compressor; domain/encoding.ts numbers the former.
 *
 * Memory: the rows of one row group, and what is written. Nothing is awaited here; the caller yields between rows.
 */
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { GrowingBytes } from "../growing-bytes.ts";
import { statisticsBytesMax } from "../limits.ts";
import type { Field } from "./columns.ts";
import type { FileFacts } from "./facts.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { type RowValues, rowValues } from "./row.ts";

export type Gzip = (bytes: Uint8Array) => Uint8Array;

/** What parts have was chosen by `npm run bench:row-groups`, which tries others: docs/performance.md. */
export interface Grouping {
  readonly codec: "GZIP" | "SNAPPY" | "UNCOMPRESSED";
  /** Bytes of rows as lines, about, in one row group. */
  readonly groupBytes: number;
}

/** Takes what is written out of the writer after each row group, so that its buffer does not grow with the file. */
class FlushedWriter extends ByteWriter {
  readonly #written: GrowingBytes;

  constructor(written: GrowingBytes) {
    super();
    this.#written = written;
  }

  flush(): void {
    this.#written.add(new Uint8Array(this.buffer, 0, this.index));
    this.index = 0;
  }
}

export class ParquetRows {
  readonly #layout: Layout;
  readonly #typed: readonly Field[];
  readonly #written: GrowingBytes;
  readonly #sink: FlushedWriter;
  readonly #writer: ParquetWriter;
  #group: RowValues[] = [];
  #groupBytes = 0;
  readonly #groupBytesMax: number;

  constructor(typed: readonly Field[], gzip: Gzip, bytesMax: number, { codec, groupBytes }: Grouping) {
    this.#typed = typed;
    this.#written = new GrowingBytes(bytesMax);
    this.#sink = new FlushedWriter(this.#written);
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

  /** True once the row groups that are written take more than `bytesMax`: there will be no file. */
  get full(): boolean {
    return this.#written.full;
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

  /** The file; null if it takes more than `bytesMax`. */
  finish(facts: FileFacts): Uint8Array<ArrayBuffer> | null {
    this.#writeGroup();
    this.#writer.kvMetadata = Object.entries(facts).map(([key, value]) => ({ key, value }));
    this.#writer.schema = [...this.#layout.fileSchema];
    void this.#writer.finish();
    this.#sink.flush();
    return this.#written.finish();
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
