/** Reading a Parquet part back, row group by row group, from bytes that are in memory. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { rowGroupReadBytesMax } from "../limits.ts";

export type Gunzip = (bytes: Uint8Array, plainBytes: number) => Uint8Array;

export type ReadRow = Readonly<Record<string, unknown>>;

/** The rows, a row group at a time; of the columns named, or of all. Times are bigint microseconds. */
export async function* readRowGroups(
  bytes: Uint8Array<ArrayBuffer>,
  gunzip: Gunzip,
  columns?: readonly string[],
): AsyncGenerator<readonly ReadRow[]> {
  const file = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  const metadata = parquetMetadata(file);
  let from = 0;
  for (const group of metadata.row_groups) {
    if (group.total_byte_size > rowGroupReadBytesMax) {
      throw new Error(`a row group of ${group.total_byte_size} bytes is none of ours`);
    }
    const to = from + Number(group.num_rows);
    const rows: unknown = await parquetReadObjects({
      file,
      metadata,
      rowStart: from,
      rowEnd: to,
      compressors: { GZIP: gunzip },
      parsers: {
        timestampFromMicroseconds: (micros: bigint) => micros,
        // As it was written: a document that cannot be parsed is still a value.
        jsonFromBytes: (json: Uint8Array) => new Uint8Array(json),
      },
      utf8: false,
      ...(columns === undefined ? {} : { columns: [...columns] }),
    });
    yield rows as readonly ReadRow[];
    from = to;
  }
}

/** The file's key-value metadata. */
export function fileFacts(bytes: Uint8Array<ArrayBuffer>): Readonly<Record<string, string>> {
  const file = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  const facts = parquetMetadata(file).key_value_metadata ?? [];
  return Object.fromEntries(facts.map(({ key, value }) => [key, value ?? ""]));
}

/** A digest of all rows in their order, whatever encoded and compressed them. Throws if the bytes are no Parquet. */
export async function contentSha256(bytes: Uint8Array<ArrayBuffer>, gunzip: Gunzip): Promise<string> {
  const digest = sha256.create();
  for await (const rows of readRowGroups(bytes, gunzip)) {
    for (const row of rows) digest.update(utf8ToBytes(`${JSON.stringify(row, written)}\n`));
  }
  return bytesToHex(digest.digest());
}

function written(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  return value instanceof Uint8Array ? bytesToHex(value) : value;
}
