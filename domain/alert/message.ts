/**
 * What an alert says, how often it is tried, and how it is signed: as Standard Webhooks 1.0 do, so that their libraries
 * verify it. `webhook-id` is the same in every attempt; a receiver that has seen it drops the message.
 */
import * as z from "zod";
import { type EpochMs, HourText, epochMs, isoOf } from "../hour.ts";
import { EventType } from "../ids.ts";
import { alertRetryMsMax, alertRetryMsMin, alertTriesMax } from "../limits.ts";

/** One bucket, as it was when the message was made. */
export const BucketAlert = z.strictObject({
  type: EventType,
  hour: HourText,
  owner: z.string(),
  contact: z.string(),
  /** What it is: overdue, missing, surplus, corrupt, unaudited; or recovered: it is balanced now. */
  condition: z.string(),
  /** What was told before; null: this is the first time. */
  before: z.string().nullable(),
  changedAtMs: z.number(),
  dueAtMs: z.number(),
  sealedAtMs: z.number().nullable(),
  rows: z.number().nullable(),
  /** Of the worst findings: what is missing, where, and why; for an overdue bucket how its last attempt failed. */
  missingRows: z.number(),
  hop: z.string().nullable(),
  why: z.string().nullable(),
});
export type BucketAlert = z.infer<typeof BucketAlert>;

/** The body: equal input gives equal bytes, in every attempt. */
export function messageText(alerts: readonly BucketAlert[], createdAtMs: EpochMs): string {
  return JSON.stringify({
    type: "hourseal.buckets",
    timestamp: isoOf(createdAtMs),
    data: { alerts: alerts.map(alertJson) },
  });
}

function alertJson({ changedAtMs, dueAtMs, sealedAtMs, ...alert }: BucketAlert): object {
  return {
    ...alert,
    since: isoOf(epochMs(changedAtMs)),
    dueAt: isoOf(epochMs(dueAtMs)),
    sealedAt: sealedAtMs === null ? null : isoOf(epochMs(sealedAtMs)),
  };
}

/** What is signed. */
export function signedText(id: string, timestampSeconds: number, body: string): string {
  return `${id}.${timestampSeconds}.${body}`;
}

/** The bytes of a secret: what follows `whsec_` in base64; null if it is none, or too short to guard anything. */
export function secretBytes(text: string): string | null {
  return /^whsec_([A-Za-z0-9+/]{32,}={0,2})$/.exec(text)?.[1] ?? null;
}

/** When to try again after `attempts` failures; null: it is given up. Spread by `jitter` in [0, 1). */
export function alertRetryAt(attempts: number, jitter: number, now: EpochMs): EpochMs | null {
  if (attempts >= alertTriesMax) return null;
  const base = Math.min(alertRetryMsMax, alertRetryMsMin * 2 ** Math.min(attempts - 1, 20));
  return epochMs(now + Math.round(base * (0.75 + jitter / 2)));
}
