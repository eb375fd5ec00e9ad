/** A stream: all events of one type, with what its owner chose for it. The border for what is stored and posted. */
import * as z from "zod";
import { AlertUrl } from "./alert/url.ts";
import { Drain } from "./drain.ts";
import { Formats, defaultFormats } from "./encoding.ts";
import { type EventType } from "./ids.ts";
import { EpochMs, type Hour, HourText, epochMs, hourOf, plusHours } from "./hour.ts";
import { OnInvalid } from "./on-invalid.ts";
import { type PlanStep, PlanSteps } from "./planned.ts";
import { QuotaEvents } from "./quota.ts";
import {
  contactCharsMax,
  descriptionCharsMax,
  eventsPerSecondLimit,
  graceMsDefault,
  graceMsMax,
  keyOutageMsMax,
  ownerCharsMax,
  retentionMsMax,
  retentionMsMin,
  shardsMax as shardsLimit,
  targetLatenessMsMax,
  typeBytesMax,
  windowMsDefault,
  windowMsMax,
  windowMsMin,
} from "./limits.ts";

/** Which attribute spreads a stream's events over its shards. */
export const PartitionBy = z.enum(["source", "id"]);
export type PartitionBy = z.infer<typeof PartitionBy>;

export const Priority = z.enum(["high", "normal", "low"]);
export type Priority = z.infer<typeof Priority>;

/** What an owner can say of a stream; every field has a default, so `{}` registers one. */
export const StreamSettings = z.strictObject({
  owner: z.string().max(ownerCharsMax).default(""),
  /** Where the owner is reached. */
  contact: z.string().max(contactCharsMax).default(""),
  description: z.string().max(descriptionCharsMax).default(""),
  /** Where alerts of its buckets are sent; empty: where those of the deployment are. */
  alertUrl: AlertUrl.default(""),
  priority: Priority.default("normal"),
  formats: Formats.default([...defaultFormats]),
  graceMs: z.number().int().min(0).max(graceMsMax).default(graceMsDefault),
  windowMs: z.number().int().min(windowMsMin).max(windowMsMax).default(windowMsDefault),
  /** How long after its end a sealed hour is kept; null: for ever. */
  retentionMs: z.number().int().min(retentionMsMin).max(retentionMsMax).nullable().default(null),
  /** How long after its end an hour should be sealed at the latest; null: its grace and `overdueMs`. */
  targetLatenessMs: z.number().int().min(0).max(targetLatenessMsMax).nullable().default(null),
  /** Home shards of an hour; the least of them, if there is a `shardsMax`. */
  shards: z.number().int().min(1).max(shardsLimit).default(1),
  /** Up to so many the planner gives an hour that needs them; null: `shards`, always. */
  shardsMax: z.number().int().min(1).max(shardsLimit).nullable().default(null),
  partitionBy: PartitionBy.default("source"),
  /** Events a second that an edge isolate takes for it; null: as many as come. */
  eventsPerSecondMax: z.number().int().min(1).max(eventsPerSecondLimit).nullable().default(null),
  /** Events that are taken for it in an hour, and a day, of UTC, over all edges (quota.ts); null: as many as come. */
  eventsPerHourMax: QuotaEvents.default(null),
  eventsPerDayMax: QuotaEvents.default(null),
  /** JSON Schema of its events' `data`; null: any data. Which ones are taken: schema/check.ts. */
  schema: z.record(z.string(), z.unknown()).nullable().default(null),
  /** What becomes of an event that breaks the schema; at the quarantine stream, of one that no stream is registered for. */
  onInvalid: OnInvalid.default("refuse"),
});
export type StreamSettings = z.infer<typeof StreamSettings>;

/** A stream as edges and the flusher see it. */
export interface Stream extends StreamSettings {
  readonly type: EventType;
  /** The hour in which the stream was registered: its first bucket. */
  readonly firstHour: Hour;
  /** Its first hour ever, if it had been removed and had ended before it was registered again. */
  readonly earliestHour?: Hour | undefined;
  /** What the planner chose for its hours. */
  readonly planned: readonly PlanStep[];
  /** Counts the schemas that it has had; 0: none. */
  readonly schemaVersion: number;
  /** Absent: it takes events. */
  readonly drain?: Drain | undefined;
}

/** True if the text can name a stream: 1 to `typeBytesMax` UTF-8 bytes, no lone surrogates. */
export function isTypeName(text: string): text is EventType {
  if (text.length === 0 || text.length > typeBytesMax || !text.isWellFormed()) return false;
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes <= typeBytesMax;
}

export const TypeName = z.string().transform((text, ctx): EventType => {
  if (isTypeName(text)) return text;
  ctx.addIssue({ code: "custom", message: `a type is 1 to ${typeBytesMax} bytes of UTF-8` });
  return z.NEVER;
});

export const StreamDocument = StreamSettings.extend({
  type: TypeName,
  firstHour: HourText,
  earliestHour: HourText.optional(),
  planned: PlanSteps.default([]),
  schemaVersion: z.number().int().min(0).default(0),
  drain: Drain.optional(),
});

/** A stream that was removed, as the snapshot keeps it for a catalog that is lost. Edges do not know it any more. */
export const RemovedStream = StreamDocument.extend({
  removedAt: EpochMs,
  /** Up to this hour some edge may not have heard of the removal. */
  lastHour: HourText,
});
export type RemovedStream = z.infer<typeof RemovedStream>;

/**
 * The last hour in which an edge may still take events of a stream that is removed now: while it cannot read the snapshot,
 * it goes by the one it has for `keyOutageMsMax`; an hour more for requests on their way, and for clocks that are fast.
 */
export function lastHourOf(removedAt: EpochMs): Hour {
  return plusHours(hourOf(epochMs(removedAt + keyOutageMsMax)), 1);
}
