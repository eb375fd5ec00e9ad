/**
 * A part of this shard, encoded again from its rows as it was frozen: for an operator who puts it back.
 * Reads only; payloads that are dropped meanwhile make it `dropped`, and never a shorter part.
 */
import { columnsOf } from "../../domain/parquet/columns.ts";
import { factsOf } from "../../domain/parquet/facts.ts";
import type { Hour } from "../../domain/hour.ts";
import type { ShardAddress } from "../../domain/ids.ts";
import { partBytesMax } from "../../domain/limits.ts";
import type { StoredPart } from "../../domain/repair.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import type { ShardStore } from "./store.ts";

export async function storedPart(
  { type }: ShardAddress,
  store: ShardStore,
  codec: Pick<PartCodec, "encode">,
  hour: Hour,
  key: string,
): Promise<StoredPart> {
  if (store.delivery(hour) === null) return { stored: false, why: "unknown" };
  const part = store.parts(hour).find(({ put }) => put?.key === key);
  if (part === undefined) return { stored: false, why: "unknown" };
  const { firstSeq, lastSeq, encoder, schema, content } = part;
  const encoding = { encoder, typed: columnsOf(schema), facts: factsOf({ type, hour }, content) };
  try {
    const payloads = store.payloads(hour, firstSeq, lastSeq);
    const encoded = await codec.encode(encoding, payloads, partBytesMax);
    if (encoded === null) return { stored: false, why: "outgrown" };
    const { bytes, sha256 } = encoded;
    return { stored: true, bytes, sha256 };
  } catch (error) {
    if (!store.keepsPayloads(hour, firstSeq, lastSeq)) return { stored: false, why: "dropped" };
    throw error;
  }
}
