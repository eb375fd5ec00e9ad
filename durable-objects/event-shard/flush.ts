/**
 * Flush: a shard's rows become immutable parts in R2.
 *
 *  1. sample   a few rows are encoded: so many of their kind fill a part
 *  2. freeze   the part's rows, its encoder, its schema and its key number are written down, for each format at once
 *  3. encode   from the stored payloads, batch by batch
 *  4. put      create-only, see platform/part-writer.ts; a stray moves the part to the next key number
 *  5. record   key, bytes and sha256 of what R2 holds
 *
 * Safe to stop after each: a frozen part is encoded again from the same rows, and its put finds its own object. One whose
 * bytes turn out to be more than a put takes is split instead: no put of it was ever tried, as every try encodes first.
 * A sample decides nothing by itself: what it says is used in the turn of the freeze, on the rows that are then there.
 * One flush runs at a time; what arrives meanwhile belongs to a later part.
 */
import { broken } from "../../domain/invariant.ts";
import { decideFreeze } from "../../domain/flush.ts";
import type { Format } from "../../domain/encoding.ts";
import type { Hour } from "../../domain/hour.ts";
import type { ShardAddress } from "../../domain/ids.ts";
import { flushBytes, partBytesMax, partSampleBytes } from "../../domain/limits.ts";
import { type PartOrigin, partKey } from "../../domain/manifest.ts";
import { columnsOf } from "../../domain/parquet/columns.ts";
import { factsOf } from "../../domain/parquet/facts.ts";
import type { JsonObject } from "../../domain/schema/json.ts";
import type { ObjectStore } from "../../platform/objects.ts";
import type { PartCodec } from "../../platform/part-codec.ts";
import { fillingBytes } from "../../platform/part-sample.ts";
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

/** What of a delivery is put, and how. */
export interface FlushOrder {
  readonly hour: Hour;
  readonly formats: readonly Format[];
  /** No row is added any more: what a receipt does not carry is put, too. */
  readonly closing: boolean;
  /** Of a closing delivery: bytes that the receipt may carry instead. */
  readonly carryBytes: number;
}

/**
 * Puts every frozen part of a delivery, and freezes and puts what has become due. Throws if R2 does not take them.
 * Answers at how many unflushed bytes there is something to do again, unless the delivery closes before.
 */
export async function flush(
  address: ShardAddress,
  store: ShardStore,
  deps: FlushDeps,
  { hour, formats, closing, carryBytes }: FlushOrder,
): Promise<number> {
  // Asked before anything is decided: a decision is applied in the turn in which it is made.
  const schema = formats.includes("parquet") ? await deps.schema() : null;
  const enough = closing ? carryBytes + 1 : flushBytes;
  for (;;) {
    const part = store.nextUnputPart(hour);
    if (part !== null) {
      await putFrozen(address, hour, store, deps, part);
      continue;
    }
    if (store.unfrozenBytes(hour) < enough) return flushBytes;
    const bounds = {
      partPlainBytes: await sampled(address, hour, store, deps, formats, schema),
      carryBytes,
    };
    const lastSeq = decideFreeze(store.unfrozenBatches(hour), closing, bounds);
    if (lastSeq === null) return Math.max(flushBytes, bounds.partPlainBytes);
    store.freeze(hour, lastSeq, formats, schema);
  }
}

/** Bytes before compression that fill a part in each of the formats, by the first rows that no part holds. */
async function sampled(
  address: ShardAddress,
  hour: Hour,
  store: ShardStore,
  deps: FlushDeps,
  formats: readonly Format[],
  schema: JsonObject | null,
): Promise<number> {
  const tail = store.tail(hour) ?? broken("a sample of no rows");
  const rows: Uint8Array<ArrayBuffer>[] = [];
  let plainBytes = 0;
  for (const payload of store.payloads(hour, tail.firstSeq, tail.lastSeq)) {
    rows.push(payload);
    plainBytes += payload.length;
    if (plainBytes >= partSampleBytes) break;
  }
  const facts = factsOf({ type: address.type, hour }, tail.content);
  return fillingBytes(deps.codec, rows, formats, schema, facts);
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
  const { encoder, format, content } = frozen;
  const bucket = { type: address.type, hour };
  const encoding = { encoder, typed: columnsOf(frozen.schema), facts: factsOf(bucket, content) };
  const payloads = store.payloads(hour, frozen.firstSeq, frozen.lastSeq);
  const encoded = await deps.codec.encode(encoding, payloads, partBytesMax);
  if (encoded === null) {
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
