/**
 * Quarantine: an event that its own stream does not take, wrapped into an event of a stream of its own.
 *
 * The wrapping event is routed, counted, sealed and audited as any other. It has the time of the event that it wraps, and
 * an identity made of that event's identity alone: so an invalid event that is sent again is the same row, whatever reason
 * or position it has then. Its data holds the event character by character, so that it can be posted again as itself.
 */
import { bytesToHex } from "@noble/hashes/utils.js";
import * as z from "zod";
import type { AdmissibleEvent } from "./event/index.ts";
import { membersOf } from "./event/scan.ts";
import { utf8Length } from "./event/utf8.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { EventType } from "./ids.ts";
import { encodeSegment } from "./segment.ts";
import type { EventRefusal } from "./refusal.ts";

/** The stream of everything in quarantine. Nobody posts events of this type. */
export const quarantineType = "hourseal.quarantine" as EventType;

/** The event that goes into quarantine in place of this one. `position`: its place in its request, from 0. */
export function quarantineEventOf(
  event: AdmissibleEvent,
  refusal: EventRefusal,
  position: number,
  schemaVersion: number,
): AdmissibleEvent {
  const { type, timeMs, json } = event;
  const source = `/quarantine/${encodeSegment(type)}`;
  const id = bytesToHex(fingerprintOf(event));
  const { code, detail, pointer } = refusal;
  const why = JSON.stringify({ code, detail, pointer, position, schemaVersion });
  const time = timeMs === null ? null : (JSON.parse(json) as { readonly time: string }).time;
  const members = [
    `"specversion":"1.0"`,
    `"type":${JSON.stringify(quarantineType)}`,
    `"source":${JSON.stringify(source)}`,
    `"id":"${id}"`,
    ...(time === null ? [] : [`"time":${JSON.stringify(time)}`]),
    `"subject":${JSON.stringify(type)}`,
    // Of one type, one shard: a stream that floods quarantine fills its own share of it.
    `"partitionkey":${JSON.stringify(type)}`,
    `"data":${why.slice(0, -1)},"event":${json}}`,
  ];
  const wrapped = `{${members.join(",")}}`;
  return {
    type: quarantineType,
    source,
    id,
    timeMs,
    partitionKey: type,
    json: wrapped,
    jsonBytes: utf8Length(wrapped),
  };
}

const Why = z.object({
  code: z.string(),
  detail: z.string(),
  pointer: z.string().optional(),
  position: z.number().int().min(0),
  schemaVersion: z.number().int().min(0),
});

const Line = z.looseObject({
  received_at: z.string(),
  event: z.looseObject({
    id: z.string(),
    subject: z.string(),
    data: z.looseObject({ ...Why.shape, event: z.looseObject({ id: z.string(), source: z.string() }) }),
  }),
});

/** An event in quarantine, as it is listed. */
export interface Quarantined extends z.infer<typeof Why> {
  readonly receivedAt: string;
  /** The type that it was posted as. */
  readonly type: string;
  readonly id: string;
  readonly source: string;
  /** The event as it was posted, character by character. */
  readonly event: string;
}

/** What a row of the quarantine stream holds. Null: it is none, or its stream is another than `type`. */
export function quarantinedOf(line: string, type: string): Quarantined | null {
  // Most rows of another stream are told from this one without parsing them.
  if (!line.includes(JSON.stringify(type))) return null;
  const row = Line.safeParse(JSON.parse(line));
  if (!row.success || row.data.event.subject !== type) return null;
  const { code, detail, pointer, position, schemaVersion, event } = row.data.event.data;
  const posted = memberOf(memberOf(memberOf(line, "event"), "data"), "event");
  return {
    receivedAt: row.data.received_at,
    type,
    id: event.id,
    source: event.source,
    code,
    detail,
    ...(pointer === undefined ? {} : { pointer }),
    position,
    schemaVersion,
    event: posted,
  };
}

function memberOf(json: string, name: string): string {
  return membersOf(json).find((member) => member.name === name)?.raw ?? "{}";
}
