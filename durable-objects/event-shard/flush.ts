/**
 * Flush: a shard's rows become immutable parts in R2.
 *
 *  1. freeze   the part's rows, its encoder, its schema and its key number are written down, for each format at once
 *  2. encode   from the stored payloads, batch by batch
 *  3. put      create-only, see platform/part-writer.ts; a stray moves the part to the next key number
 *  4. record   key, bytes and sha256 of what R2 holds
 *
 * Safe to stop after each: a frozen part is encoded again from the same rows, and its put finds its own object. One whose
 * bytes turn out to be more than a put takes is split instead: no put of it was ever tried, as every try encodes first.
 * One flush runs at a time; what arrives meanwhile belongs to a later part.
 */
import { broken } from "../../domain/invariant.ts";
import { decideFreeze } from "../../domain/flush.ts";
import type { Format } from "../../domain/encoding.ts";
import type { Hour } from "../../domain/hour.ts";
import type { ShardAddress } from "../../domain/ids.ts";
import { partBytesMax } from "../../domain/limits.ts";
import { type PartOrigin, partKey } from "../../domain/manifest.ts";
import { columnsOf } from "../../domain/parquet/columns.ts";
import { factsOf } from "../../domain/parquet/facts.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import type { ObjectStore } from "../../platform/objects.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import { putPart } from "../../platform/part-writer.ts";
import type { FrozenPart, ShardStore } from "./store.ts";

/** Key numbers tried for one part. More strays than this are a broken invariant, not bad luck. */
const strayTriesMax = 8;

export interface FlushDeps {
  readonly objects: ObjectStore;
  readonly codec: PartCodec;
  /** The stream's schema of today, for columns; null: it has none, or nobody can say. Never throws. */
  schema(): Promise<JsonObject | null>;
  /** Resolves when everything written so far is durable. */
  sync(): Promise<void>;
}

/** Puts every frozen part of a delivery, and freezes and puts what has become due. Throws if R2 does not take them. */
export async function flush(
  address: ShardAddress,
  hour: Hour,
  store: ShardStore,
  deps: FlushDeps,
  formats: readonly Format[],
  closing: boolean,
): Promise<void> {
  // Asked before anything is decided: a decision is applied in the turn in which it is made.
  const schema = formats.includes("parquet") ? await deps.schema() : null;
  for (;;) {
    const part = store.nextUnputPart(hour);
    if (part !== null) {
      await putFrozen(address, hour, store, deps, part);
      continue;
    }
    const lastSeq = decideFreeze(store.unfrozenBatches(hour), closing);
    if (lastSeq === null) return;
    store.freeze(hour, lastSeq, formats, schema);
  }
}

async function putFrozen(
  address: ShardAddress,
  hour: Hour,
  store: ShardStore,
  deps: FlushDeps,
  frozen: FrozenPart,
): Promise<void> {
  // Frozen means durable: a part that R2 has and the shard forgot would be frozen again with other rows.
  await deps.sync();
  const { format, content } = frozen;
  const bucket = { type: address.type, hour };
  const encoding = { format, typed: columnsOf(frozen.schema), facts: factsOf(bucket, content) };
  const encoded = await deps.codec.encode(encoding, store.payloads(hour, frozen.firstSeq, frozen.lastSeq));
  if (encoded.bytes.length > partBytesMax) {
    store.split(hour, frozen);
    return;
  }
  let part = frozen;
  for (let tries = 0; tries < strayTriesMax; tries++) {
    const key = partKey(bucket, originOf(address, hour), part.keyNo, format);
    const outcome = await putPart(deps.objects, deps.codec, key, encoded);
    if (outcome.put === "stored") {
      store.recordPut(part.no, { key, bytes: outcome.bytes, sha256: outcome.sha256 });
      return;
    }
    store.recordStray(hour, part.no, key);
    part = store.nextUnputPart(hour) ?? part;
  }
  broken(`${strayTriesMax} keys of part ${frozen.no} hold other content`);
}

/** A shard that brought its rows from another hour says so in its parts' names. */
export function originOf(address: ShardAddress, hour: Hour): PartOrigin {
  return hour === address.hour ? address.index : `${address.hour}.${address.index}`;
}
