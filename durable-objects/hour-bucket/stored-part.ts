/**
 * A merged part of this bucket, encoded again from the pages that its shards keep: for an operator who puts it back.
 * Reads only. Pages that do not add up any more were dropped: then it is `dropped`, and never a shorter part.
 */
import type { BucketAddress, Holder } from "../../domain/ids.ts";
import { partBytesMax } from "../../domain/limits.ts";
import type { ShardRpc } from "../../domain/messages.ts";
import { columnsOf } from "../../domain/parquet/columns.ts";
import { factsOf } from "../../domain/parquet/facts.ts";
import type { StoredPart } from "../../domain/repair.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import type { BucketStore } from "./store.ts";

export interface StoredPartDeps {
  readonly codec: Pick<PartCodec, "encode">;
  shard(holder: Holder): Pick<ShardRpc, "tailPayload">;
}

export async function storedPart(
  address: BucketAddress,
  store: BucketStore,
  deps: StoredPartDeps,
  key: string,
): Promise<StoredPart> {
  if (store.record() === null) return { stored: false, why: "unknown" };
  const merged = store.merged().find(({ part }) => part?.key === key);
  if (merged === undefined || merged.part === null) return { stored: false, why: "unknown" };
  const { encoder, schema, part } = merged;
  const pages = store.pagesOf(merged);
  let pageBytes = 0;
  async function* payloads(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const { holder, range } of pages) {
      const payload = await deps.shard(holder).tailPayload(address.hour, range);
      pageBytes += payload.length;
      yield payload;
    }
  }
  const encoding = { encoder, typed: columnsOf(schema), facts: factsOf(address, part) };
  const encoded = await deps.codec.encode(encoding, payloads(), partBytesMax);
  if (encoded === null) return { stored: false, why: "outgrown" };
  // A shard that has dropped its rows answers none.
  if (pageBytes !== part.plainBytes) return { stored: false, why: "dropped" };
  const { bytes, sha256 } = encoded;
  return { stored: true, bytes, sha256 };
}
