/** How many rows fill a part, by encoding some of them. Decides nothing by itself: a part that was guessed wrong is split. */
import { type Format, encoderOf } from "../domain/encoding.ts";
import { partPlainBytes } from "../domain/flush.ts";
import { columnsOf } from "../domain/parquet/columns.ts";
import type { FileFacts } from "../domain/parquet/facts.ts";
import type { JsonObject } from "../domain/schema/json.ts";
import type { PartCodec } from "./part-codec.ts";

/** Bytes before compression that fill a part in each of the formats, if all rows compress as these do. */
export async function fillingBytes(
  codec: Pick<PartCodec, "encode">,
  rows: readonly Uint8Array<ArrayBuffer>[],
  formats: readonly Format[],
  schema: JsonObject | null,
  facts: FileFacts,
): Promise<number> {
  const plainBytes = rows.reduce((bytes, { length }) => bytes + length, 0);
  const filling = formats.map(async (format) => {
    const encoding = { encoder: encoderOf(format), typed: columnsOf(schema), facts };
    const encoded = await codec.encode(encoding, rows, Number.POSITIVE_INFINITY);
    return partPlainBytes({ plainBytes, encodedBytes: encoded?.bytes.length ?? plainBytes });
  });
  return Math.min(...(await Promise.all(filling)));
}
