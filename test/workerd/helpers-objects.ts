/** Rows, appends and a look into objects, for tests of the object classes on the real runtime. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { EventShard, HourBucket } from "../../workers/index.ts";
import type { AppendOutcome } from "../../domain/commit.ts";
import { fingerprintOf } from "../../domain/fingerprint.ts";
import { encoderOf } from "../../domain/encoding.ts";
import { type EpochMs, endOf, epochMs, isoOf, startOf } from "../../domain/hour.ts";
import {
  AppendNo,
  type BucketAddress,
  EdgeId,
  type ShardAddress,
  ShardIndex,
  bucketName,
  shardName,
} from "../../domain/ids.ts";
import { Manifest, bucketPrefix, manifestKey } from "../../domain/manifest.ts";
import type { AppendMessage, AppendReply, CloseReply, SealReply } from "../../domain/messages.ts";
import { type Row, packRows } from "../../domain/packed-rows.ts";
import { type Plan, planOf, protocolVersion } from "../../domain/plan.ts";
import type { Receipt } from "../../domain/receipt.ts";
import { rowLine } from "../../domain/row-line.ts";
import { partCodec } from "../../platform/part-codec.ts";
import { broken } from "../../domain/invariant.ts";
import { carryAloneBytesMax, partBytesMax } from "../../domain/limits.ts";
import { settings } from "./helpers.ts";

export const plan: Plan = planOf(settings());

/** The hour of these tests lies in the future of every real clock: the runtime runs no alarm by itself. */
export const hourText = "2031-11-23T10";

/** Sets the clock of tests and objects; timers and the runtime's own alarms keep the real one. */
export function setClock(now: number): EpochMs {
  vi.useFakeTimers({ now, toFake: ["Date"] });
  return epochMs(now);
}

/** Inside the bucket's hour. */
export function during({ hour }: BucketAddress): EpochMs {
  return epochMs(startOf(hour) + 60_000);
}

/** When the bucket may seal. */
export function due({ hour }: BucketAddress, { graceMs }: Plan = plan): EpochMs {
  return epochMs(endOf(hour) + graceMs);
}

export function shardOf(address: BucketAddress, index = 0): DurableObjectStub<EventShard> {
  return env.EVENT_SHARD.getByName(shardName(shardAddress(address, index)));
}

export function bucketOf(address: BucketAddress): DurableObjectStub<HourBucket> {
  return env.HOUR_BUCKET.getByName(bucketName(address));
}

export function shardAddress(address: BucketAddress, index = 0): ShardAddress {
  return { ...address, index: ShardIndex.parse(index) };
}

/** The row of the test's event with this id; `data` makes it long. */
export function rowOf(address: BucketAddress, id: number | string, data = "", partitionHash = 0): Row {
  const event = { specversion: "1.0", id: String(id), source: "test", type: address.type, data };
  return {
    fingerprint: fingerprintOf(event),
    hashes: { source: partitionHash, id: partitionHash },
    homeHour: address.hour,
    timeMs: null,
    claims: 0,
    line: rowLine(JSON.stringify(event), isoOf(during(address)), address.hour),
  };
}

export function rowsOf(address: BucketAddress, ids: Iterable<number | string>, data = ""): Row[] {
  return Array.from(ids, (id) => rowOf(address, id, data));
}

/** Some megabyte of text that shrinks by a quarter and no more. */
export function incompressible(): string {
  const piece = (): string => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(49_152))));
  return Array.from({ length: 15 }, piece).join("");
}

/** 0, 1, … count − 1, from `from` on. */
export function upTo(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** For rows of two shards. */
export const two: Plan = { ...plan, shards: 2 };

let lastAppend = 0;

export function messageOf(rows: readonly Row[], more: Partial<AppendMessage> = {}): AppendMessage {
  return {
    protocol: protocolVersion,
    edge: EdgeId.parse("00000000000000ed"),
    no: AppendNo.parse(++lastAppend),
    plan,
    rows: packRows(rows),
    ...more,
  };
}

export async function append(
  address: BucketAddress,
  rows: readonly Row[],
  more: Partial<AppendMessage> & { readonly index?: number } = {},
): Promise<AppendReply> {
  const { index = 0, ...message } = more;
  return shardOf(address, index).append(messageOf(rows, message));
}

/** Of an append that was taken: one character a row, `a` accepted, `d` duplicate. */
export function fatesOf(reply: AppendReply): string {
  return Array.from(outcomeOf(reply).acceptedRows, (accepted) => (accepted === 1 ? "a" : "d")).join("");
}

export function outcomeOf(reply: AppendReply): AppendOutcome {
  if ("refused" in reply) throw new Error(`refused: ${reply.refused}`);
  return reply;
}

/** As the bucket of an hour without other shards does it, unless the receipt may carry something else. */
export async function close(
  address: BucketAddress,
  index = 0,
  carryBytes = carryAloneBytesMax,
): Promise<Receipt> {
  const nowMs = due(address);
  const reply: CloseReply = await shardOf(address, index).close({
    protocol: protocolVersion,
    hour: address.hour,
    nowMs,
    formats: ["ndjson.gz"],
    carryBytes,
  });
  if (!reply.closed) throw new Error(`not closed: protocol ${reply.protocol}`);
  return reply.receipt;
}

/** With a receipt that carries no row: all of them are in parts. */
export function closeIntoParts(address: BucketAddress, index = 0): Promise<Receipt> {
  return close(address, index, 0);
}

/** Rows that a statement answers in the object's own database. */
export function sql<Answer extends Record<string, SqlStorageValue>>(
  stub: DurableObjectStub,
  query: string,
  ...values: SqlStorageValue[]
): Promise<Answer[]> {
  return runInDurableObject(stub, (_object, state) =>
    state.storage.sql.exec<Answer>(query, ...values).toArray(),
  );
}

/**
 * Makes the object's own database fail at a statement, until `restore` is called. `stub` makes a new one each time:
 * one that was used on an object that has been aborted is of no more use.
 */
export async function failing(
  stub: () => DurableObjectStub,
  when:
    | "INSERT ON batch"
    | "INSERT ON claim"
    | "INSERT ON enrolment"
    | "INSERT ON report"
    | "UPDATE ON delivery"
    | "UPDATE ON shard",
  condition = "true",
): Promise<{ readonly restore: () => Promise<unknown> }> {
  await sql(
    stub(),
    `CREATE TRIGGER failing BEFORE ${when} WHEN ${condition} BEGIN SELECT raise(ABORT, 'the disk is broken'); END`,
  );
  return { restore: () => sql(stub(), "DROP TRIGGER IF EXISTS failing") };
}

/** Tables that the object has made: none, if it is blank. */
export async function tablesOf(stub: DurableObjectStub): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    stub,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'",
  );
  return rows.map(({ name }) => name);
}

export function seal(
  address: BucketAddress,
  given: { readonly nowMs?: EpochMs; readonly plan?: Plan | null } = {},
): Promise<SealReply> {
  const { nowMs = due(address), plan: emptyPlan = null } = given;
  return bucketOf(address).seal({ nowMs, plan: emptyPlan });
}

export async function manifestAt(address: BucketAddress): Promise<Manifest> {
  const object = await env.EVENTS.get(manifestKey(address));
  if (object === null) throw new Error("there is no manifest");
  return Manifest.parse(await object.json());
}

/** When the object's alarm goes off; null: it has none. */
export function alarmOf(stub: DurableObjectStub): Promise<number | null> {
  return runInDurableObject(stub, (_object, { storage }) => storage.getAlarm());
}

/** Names of the objects under the bucket's prefix. */
export async function objectsOf(address: BucketAddress): Promise<string[]> {
  const prefix = bucketPrefix(address);
  const { objects } = await env.EVENTS.list({ prefix });
  return objects.map(({ key }) => key.slice(prefix.length));
}

/** The lines of a part, as they lie in R2. */
export async function linesOf(key: string): Promise<string[]> {
  const object = await env.EVENTS.get(key);
  if (object === null) throw new Error(`${key} is not there`);
  const text = await new Response(object.body.pipeThrough(new DecompressionStream("gzip"))).text();
  return text.split("\n").slice(0, -1);
}

export async function gzipOf(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const lines = [new Uint8Array(new TextEncoder().encode(text))];
  const part = await partCodec.encode(
    { encoder: encoderOf("ndjson.gz"), typed: [], facts: {} },
    lines,
    partBytesMax,
  );
  return part?.bytes ?? broken("more than a put takes");
}

/** For a text within an expected object. */
export function containing(text: string | RegExp): unknown {
  return expect.stringMatching(
    typeof text === "string" ? text.replaceAll(/[.()[\]{}*+?^$|\\]/g, "\\$&") : text,
  );
}
