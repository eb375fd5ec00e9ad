/**
 * How one object or Worker reaches another: by address, typed, and with what the runtime says of a failure.
 * A call that throws has an unknown outcome; the callers' protocols are built to repeat it or to look.
 */
import {
  type BucketAddress,
  type EventType,
  type ShardAddress,
  bucketName,
  ledgerName,
  shardName,
  undatedHomeName,
} from "../domain/ids.ts";
import type { Hour } from "../domain/hour.ts";
import { ledgersPerHour } from "../domain/limits.ts";
import type {
  BucketRpc,
  HomeAddress,
  LedgerAddress,
  LedgerRpc,
  ShardRpc,
  UndatedHomeRpc,
} from "../domain/messages.ts";
import type { BucketRepairRpc, ShardRepairRpc } from "../domain/repair.ts";

export type ShardNamespace = DurableObjectNamespace<ShardRpc & ShardRepairRpc & Rpc.DurableObjectBranded>;
export type BucketNamespace = DurableObjectNamespace<BucketRpc & BucketRepairRpc & Rpc.DurableObjectBranded>;
export type LedgerNamespace = DurableObjectNamespace<LedgerRpc & Rpc.DurableObjectBranded>;

export function shardStub(namespace: ShardNamespace, address: ShardAddress): ShardRpc {
  return namespace.getByName(shardName(address));
}

export function bucketStub(namespace: BucketNamespace, address: BucketAddress): BucketRpc {
  return namespace.getByName(bucketName(address));
}

/** What an operator asks of a shard. */
export function shardKeeper(namespace: ShardNamespace, address: ShardAddress): ShardRepairRpc {
  return namespace.getByName(shardName(address));
}

/** What an operator asks of a bucket. */
export function bucketKeeper(namespace: BucketNamespace, address: BucketAddress): BucketRepairRpc {
  return namespace.getByName(bucketName(address));
}

export type UndatedHomeNamespace = DurableObjectNamespace<UndatedHomeRpc & Rpc.DurableObjectBranded>;

/** What it takes to reach any home. */
export interface HomesEnv {
  readonly EVENT_SHARD: ShardNamespace;
  readonly UNDATED_HOME: UndatedHomeNamespace;
}

/** A home, by its address within a stream. */
export function homeStub(env: HomesEnv, type: EventType, home: HomeAddress): UndatedHomeRpc {
  return home.kind === "dated"
    ? shardStub(env.EVENT_SHARD, { type, hour: home.hour, index: home.index })
    : env.UNDATED_HOME.getByName(undatedHomeName(type, home.index));
}

export function ledgerStub(namespace: LedgerNamespace, { hour, slot }: LedgerAddress): LedgerRpc {
  return namespace.getByName(ledgerName(hour, slot));
}

/** All ledgers of an hour: edges report to any of them. */
export function ledgerStubs(namespace: LedgerNamespace, hour: Hour): readonly LedgerRpc[] {
  return Array.from({ length: ledgersPerHour }, (_, slot) => ledgerStub(namespace, { hour, slot }));
}

/** What the runtime marks on a failed call: `overloaded` ones must not be repeated at once. */
export function isOverloaded(error: unknown): boolean {
  return error instanceof Error && "overloaded" in error && error.overloaded === true;
}
