/**
 * A change of streams: what it would do, field by field, and what in it is refused because it would break a promise.
 *
 * A change is applied as a whole or not at all. What it may do to a stream that is there:
 *  - `shards`, `shardsMax`, `partitionBy`, `graceMs` hold for hours that are not open yet: an open bucket keeps the plan that it
 *    fixed, so no identity gets a second home.
 *  - `windowMs` only grows: identities that were promised to be remembered would be forgotten.
 *  - its `type` never changes: it is in every identity, key and manifest.
 */
import { durationText } from "./duration.ts";
import type { EventType } from "./ids.ts";
import { overdueMs, retentionAfterWindowMsMin, streamsMax } from "./limits.ts";
import type { StreamSettings } from "./stream.ts";

export interface NamedSettings {
  readonly type: EventType;
  readonly settings: StreamSettings;
}

export type Setting = keyof StreamSettings;

export interface FieldChange {
  readonly setting: Setting;
  readonly from: unknown;
  readonly to: unknown;
}

export type StreamChange =
  | { readonly change: "add"; readonly type: EventType; readonly after: StreamSettings }
  | {
      readonly change: "change";
      readonly type: EventType;
      readonly before: StreamSettings;
      readonly after: StreamSettings;
      readonly fields: readonly FieldChange[];
    };

export interface ChangeRefusal {
  readonly type: EventType;
  /** Null: it is about the stream as a whole. */
  readonly setting: Setting | null;
  readonly reason: string;
}

export type ChangePlan =
  | { readonly ok: true; readonly changes: readonly StreamChange[] }
  | { readonly ok: false; readonly refused: readonly ChangeRefusal[] };

/** What setting these streams does to those that are there. Streams that are not named stay as they are. */
export function planChange(current: readonly NamedSettings[], wanted: readonly NamedSettings[]): ChangePlan {
  const known = new Map(current.map(({ type, settings }) => [type, settings]));
  const changes: StreamChange[] = [];
  const refused: ChangeRefusal[] = [];
  const seen = new Set<EventType>();
  for (const { type, settings } of wanted) {
    if (seen.has(type)) refused.push({ type, setting: null, reason: "it is named twice" });
    seen.add(type);
    const before = known.get(type);
    refused.push(
      ...settingsFaults(type, settings),
      ...(before === undefined ? [] : broken(type, before, settings)),
    );
    if (before === undefined) changes.push({ change: "add", type, after: settings });
    else {
      const fields = fieldChanges(before, settings);
      if (fields.length > 0) changes.push({ change: "change", type, before, after: settings, fields });
    }
  }
  const added = changes.filter(({ change }) => change === "add");
  const [first] = added;
  if (first !== undefined && current.length + added.length > streamsMax) {
    refused.push({ type: first.type, setting: null, reason: `there can be ${streamsMax} streams at most` });
  }
  return refused.length === 0 ? { ok: true, changes } : { ok: false, refused };
}

/** Settings that contradict each other. */
function settingsFaults(type: EventType, settings: StreamSettings): ChangeRefusal[] {
  const { graceMs, windowMs, retentionMs, targetLatenessMs, shards, shardsMax } = settings;
  const faults: ChangeRefusal[] = [];
  if (shardsMax !== null && shardsMax < shards) {
    const reason = `it is below shards, which is ${shards}: no number lies between; set it to ${shards} or more`;
    faults.push({ type, setting: "shardsMax", reason });
  }
  if (targetLatenessMs !== null && targetLatenessMs < graceMs) {
    const reason = `a bucket is open for its grace of ${durationText(graceMs)}, so it cannot be sealed within ${durationText(targetLatenessMs)}`;
    faults.push({ type, setting: "targetLatenessMs", reason });
  }
  const keptMsMin = windowMs + retentionAfterWindowMsMin;
  if (retentionMs !== null && retentionMs < keptMsMin) {
    const reason = `hours are asked for until their window is over: with a window of ${durationText(windowMs)} it is ${durationText(keptMsMin)} at least`;
    faults.push({ type, setting: "retentionMs", reason });
  }
  return faults;
}

/** Promises that a change of settings would break. */
function broken(type: EventType, before: StreamSettings, after: StreamSettings): ChangeRefusal[] {
  if (after.windowMs >= before.windowMs) return [];
  const reason =
    `the window shrinks from ${durationText(before.windowMs)} to ${durationText(after.windowMs)}: ` +
    "an event that was promised to be a duplicate could be delivered twice; it can only grow";
  return [{ type, setting: "windowMs", reason }];
}

/** The settings that differ, in the order of their names in the form. */
export function fieldChanges(before: StreamSettings, after: StreamSettings): FieldChange[] {
  return (Object.keys(after) as Setting[])
    .filter((setting) => JSON.stringify(before[setting]) !== JSON.stringify(after[setting]))
    .map((setting) => ({ setting, from: before[setting], to: after[setting] }));
}

/** When a bucket of this stream is later than its owner wants, counted from its hour's end. */
export function targetLatenessOf({ graceMs, targetLatenessMs }: StreamSettings): number {
  return targetLatenessMs ?? graceMs + overdueMs;
}
