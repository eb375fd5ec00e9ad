/**
 * A quota: so many events an hour, and a day, of a stream or by a key, wherever in the world they come in. Hours and days are
 * those of UTC.
 *
 * Promises: what is used is counted once, over all edges; a quota that is used up is so until its window ends, and no
 * longer, whatever becomes of whoever says so. Does not: stop at the event. What is used is counted by the minute, and edges
 * hear of it with the snapshot; what they take until then is above the quota (docs/adr/0022).
 * Never: takes back what was accepted.
 */
import * as z from "zod";
import { type EpochMs, type Hour, endOf, epochMs, hourOf, plusHours, startOf } from "./hour.ts";
import { quotaEventsLimit, quotaSettleMs } from "./limits.ts";
import type { Limit } from "./rate.ts";

export const QuotaEvents = z.number().int().min(1).max(quotaEventsLimit).nullable();

/** Null: as many as come. */
export interface Quota {
  readonly eventsPerHourMax: number | null;
  readonly eventsPerDayMax: number | null;
}

export function hasQuota({ eventsPerHourMax, eventsPerDayMax }: Quota): boolean {
  return eventsPerHourMax !== null || eventsPerDayMax !== null;
}

/** Whose a quota is: a stream's, by its type, or a key's, by its id. */
export const QuotaKind = z.enum(["stream", "key"]);
export type QuotaKind = z.infer<typeof QuotaKind>;

export interface QuotaOwner {
  readonly kind: QuotaKind;
  readonly name: string;
}

/** Names an owner among those of both kinds. */
export function quotaName({ kind, name }: QuotaOwner): string {
  return `${kind} ${name}`;
}

export const QuotaWindow = z.enum(["hour", "day"]);
export type QuotaWindow = z.infer<typeof QuotaWindow>;

/** A quota that is used up, as the snapshot tells the edges. */
export const SpentQuota = z.strictObject({
  kind: QuotaKind,
  name: z.string().min(1),
  window: QuotaWindow,
  eventsMax: z.number().int().min(1),
  /** The end of the window: from then on it is not used up any more. */
  until: z.number().int().min(0).transform(epochMs),
});
export type SpentQuota = z.infer<typeof SpentQuota>;

/** Events that were accepted within the hour, and the day, of now. */
export interface QuotaUse {
  readonly hour: number;
  readonly day: number;
}

/** The day's window if it is used up, as its end is not before the hour's; null: neither is. */
export function spentQuota(owner: QuotaOwner, quota: Quota, use: QuotaUse, now: EpochMs): SpentQuota | null {
  const { eventsPerHourMax, eventsPerDayMax } = quota;
  if (eventsPerDayMax !== null && use.day >= eventsPerDayMax) {
    return { ...owner, window: "day", eventsMax: eventsPerDayMax, until: dayEnd(now) };
  }
  if (eventsPerHourMax !== null && use.hour >= eventsPerHourMax) {
    return { ...owner, window: "hour", eventsMax: eventsPerHourMax, until: endOf(hourOf(now)) };
  }
  return null;
}

/** Hours whose ledgers are asked now: this one, and the one before while its edges may still report. */
export function hoursToCount(now: EpochMs): readonly Hour[] {
  const hour = hourOf(now);
  return now - startOf(hour) < quotaSettleMs ? [plusHours(hour, -1), hour] : [hour];
}

/** The hours of now's day, up to now: an hour's name begins with its day's. */
export function firstHourOfDay(now: EpochMs): Hour {
  return hourOf(epochMs(now - (now % dayMs)));
}

/** What was used before is forgotten: the day before is still counted for some minutes. */
export function firstHourKept(now: EpochMs): Hour {
  return firstHourOfDay(epochMs(now - dayMs));
}

const dayMs = 86_400_000;

function dayEnd(now: EpochMs): EpochMs {
  return epochMs(now - (now % dayMs) + dayMs);
}

/** What a header field says of it: nothing remains until the window ends. `label`: printable ASCII without quotes. */
export function limitOfSpent({ window, eventsMax, until }: SpentQuota, label: string, now: EpochMs): Limit {
  return {
    name: `${label} ${window}`,
    events: eventsMax,
    windowSeconds: (window === "hour" ? dayMs / 24 : dayMs) / 1_000,
    remaining: 0,
    resetSeconds: Math.max(1, Math.ceil((until - now) / 1_000)),
  };
}
