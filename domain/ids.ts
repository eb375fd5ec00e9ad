/** Branded ids, so that a type is not passed where a source belongs. Names of objects are made here and nowhere else. */
import * as z from "zod";
import { type Hour, hourNumber, parseHour } from "./hour.ts";

/** A stream's name: the CloudEvents `type`, any string of 1 to `typeBytesMax` UTF-8 bytes. */
export const EventType = z.string().min(1).brand<"EventType">();
export type EventType = z.infer<typeof EventType>;

/** The number of a shard within its bucket. Below the plan's N: a home shard; from N on: an overflow shard. */
export const ShardIndex = z.number().int().min(0).brand<"ShardIndex">();
export type ShardIndex = z.infer<typeof ShardIndex>;

/** One life of one edge isolate: 16 lower-case hex characters, drawn at random when the life starts. */
export const EdgeId = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .brand<"EdgeId">();
export type EdgeId = z.infer<typeof EdgeId>;

/** The number of an append within its edge's life: 1, 2, 3, … Together with the edge id it is the append id. */
export const AppendNo = z.number().int().min(1).max(0xffff_ffff).brand<"AppendNo">();
export type AppendNo = z.infer<typeof AppendNo>;

/** 16 lower-case hex characters: a sum of fingerprints modulo 2^64. */
export const IdentitySumHex = z
  .string()
  .regex(/^[0-9a-f]{16}$/)
  .brand<"IdentitySum">();
export type IdentitySumHex = z.infer<typeof IdentitySumHex>;

/** One stream × one hour. */
export interface BucketAddress {
  readonly type: EventType;
  readonly hour: Hour;
}

/** One shard of one bucket. */
export interface ShardAddress extends BucketAddress {
  readonly index: ShardIndex;
}

/**
 * Object names carry the type last and raw, so that any string is a type and no two addresses share a name.
 * At most 13 + 1 + 3 + 1 + 255 bytes: far below the 1,024 bytes up to which an object knows its own name.
 */
export function bucketName({ type, hour }: BucketAddress): string {
  return `${hour}/${type}`;
}

export function shardName({ type, hour, index }: ShardAddress): string {
  return `${hour}/${index}/${type}`;
}

/** The ledger object number `slot` of an hour. */
export function ledgerName(hour: Hour, slot: number): string {
  return `${hour}/${slot}`;
}

/** The inverse of `bucketName`; `null` if the name was made by nobody here. */
export function bucketOfName(name: string): BucketAddress | null {
  const hour = parseHour(name.slice(0, 13));
  return hour !== null && name[13] === "/" && name.length > 14
    ? { hour, type: name.slice(14) as EventType }
    : null;
}

/** The inverse of `shardName`. */
export function shardOfName(name: string): ShardAddress | null {
  const parts = /^(.{13})\/(0|[1-9]\d{0,5})\/([\s\S]+)$/.exec(name);
  const hour = parts === null ? null : parseHour(parts[1] ?? "");
  if (parts === null || hour === null) return null;
  return { hour, index: Number(parts[2]) as ShardIndex, type: (parts[3] ?? "") as EventType };
}

/** The inverse of `ledgerName`. */
export function ledgerOfName(name: string): { hour: Hour; slot: number } | null {
  const parts = /^(.{13})\/(0|[1-9]\d{0,5})$/.exec(name);
  const hour = parts === null ? null : parseHour(parts[1] ?? "");
  return parts === null || hour === null ? null : { hour, slot: Number(parts[2]) };
}

/**
 * The one who holds a row and asks for its identity: a shard, by its own hour and index. It stays the same when the row
 * moves to a later bucket, so that asking again is asking as the same.
 */
export interface Holder {
  readonly hour: Hour;
  readonly index: ShardIndex;
}

/** By hour, then index: the order in which tails are merged. */
export function compareHolders(a: Holder, b: Holder): number {
  return hourNumber(a.hour) - hourNumber(b.hour) || a.index - b.index;
}

export function sameHolder(a: Holder, b: Holder): boolean {
  return a.hour === b.hour && a.index === b.index;
}

/** `2026-11-23T10/3`: a holder's name within its stream. */
export const HolderName = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}\/\d{1,6}$/)
  .brand<"HolderName">();
export type HolderName = z.infer<typeof HolderName>;

export function holderName({ hour, index }: Holder): HolderName {
  return HolderName.parse(`${hour}/${index}`);
}

/** The long-lived home number `index` of a stream's undated identities. */
export function undatedHomeName(type: EventType, index: number): string {
  return `${index}/${type}`;
}

/** Of the inverse of `undatedHomeName`, the stream. */
export function typeOfUndatedHome(name: string): EventType | null {
  return (/^\d+\/([\s\S]+)$/.exec(name)?.[1] as EventType | undefined) ?? null;
}

/** Total order of addresses by hour, then type: the order in which work is listed. */
export function compareBuckets(a: BucketAddress, b: BucketAddress): number {
  return hourNumber(a.hour) - hourNumber(b.hour) || (a.type < b.type ? -1 : a.type > b.type ? 1 : 0);
}
