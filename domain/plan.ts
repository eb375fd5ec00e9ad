/**
 * A plan: what a bucket fixes once, when it opens. Every append carries the plan it assumed; a shard refuses another
 * one and names the right one, so that an edge with old settings is corrected instead of splitting an identity's home.
 */
import * as z from "zod";
import { Formats, defaultFormats } from "./encoding.ts";
import { type EventType, type ShardIndex } from "./ids.ts";
import { type EpochMs, type Hour, endOf } from "./hour.ts";
import { graceMsMax, sealJitterMsMax, shardsMax } from "./limits.ts";
import { plannedShards } from "./planned.ts";
import { PartitionBy, type Stream, type StreamSettings } from "./stream.ts";

/** The wire protocol between edge, shard and bucket. The current and the previous version are accepted. */
export const protocolVersion = 1;

/** Which function `partitionHash` is. A later version must get a new number and keep this one. */
export const hashVersion = 1;

export const Plan = z.strictObject({
  shards: z.number().int().min(1).max(shardsMax),
  partitionBy: PartitionBy,
  hashVersion: z.literal(hashVersion),
  graceMs: z.number().int().min(0).max(graceMsMax),
  windowMs: z.number().int().min(0),
  /** The formats of the bucket's parts. */
  formats: Formats.default([...defaultFormats]),
});
export type Plan = z.infer<typeof Plan>;

/** The plan a stream's settings ask for, with the fewest shards; a bucket that is not open yet will fix it. */
export function planOf(settings: StreamSettings): Plan {
  const { shards, partitionBy, graceMs, windowMs, formats } = settings;
  return { shards, partitionBy, hashVersion, graceMs, windowMs, formats };
}

/** The same with the shards that are planned for this hour. */
export function planFor(stream: Stream, hour: Hour): Plan {
  return { ...planOf(stream), shards: plannedShards(stream, hour) };
}

/**
 * True if two plans send every identity to the same home and close at the same time. Formats do not count: they are the
 * bucket's own affair, whatever the one who appends believes.
 */
export function samePlan(a: Plan, b: Plan): boolean {
  return (
    a.shards === b.shards &&
    a.partitionBy === b.partitionBy &&
    a.hashVersion === b.hashVersion &&
    a.graceMs === b.graceMs &&
    a.windowMs === b.windowMs
  );
}

/** An identity's hashes by each key that a plan can choose; the `partitionkey` extension, if it has one, is both. */
export type PartitionHashes = Readonly<Record<PartitionBy, number>>;

export function partitionHashes(event: {
  readonly partitionKey: string | null;
  readonly source: string;
  readonly id: string;
}): PartitionHashes {
  const { partitionKey, source, id } = event;
  if (partitionKey === null) return { source: partitionHash(source), id: partitionHash(id) };
  const hash = partitionHash(partitionKey);
  return { source: hash, id: hash };
}

/**
 * Hash version 1: FNV-1a over UTF-16 code units, then murmur3's finaliser so that the low bits, which the modulus
 * uses, depend on all of the text. Spreads load; guards nothing.
 */
export function partitionHash(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function homeIndex(hash: number, plan: Plan): ShardIndex {
  return (hash % plan.shards) as ShardIndex;
}

/** When a bucket with this grace is due: from then on it takes no further enrolment and seals. */
export function dueAt(hour: Hour, graceMs: number): EpochMs {
  return (endOf(hour) + graceMs) as EpochMs;
}

/** When a bucket's own alarm seals it: a little after it is due, spread by stream. */
export function sealAlarmAt(type: EventType, hour: Hour, graceMs: number): EpochMs {
  return (dueAt(hour, graceMs) + (partitionHash(type) % sealJitterMsMax)) as EpochMs;
}
