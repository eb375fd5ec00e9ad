/**
 * A change of streams: what it would do, field by field, and what in it is refused because it would break a promise.
 *
 * A change is applied as a whole or not at all. What it may do to a stream that is there:
 *  - `shards`, `shardsMax`, `partitionBy`, `graceMs` hold for hours that are not open yet: an open bucket keeps the plan that it
 *    fixed, so no identity gets a second home.
 *  - `windowMs` only grows: identities that were promised to be remembered would be forgotten.
 *  - `schema` is only loosened, and stays: what clients send, and what readers read, goes on to fit.
 *  - its `type` never changes: it is in every identity, key and manifest.
 *
 * A stream is removed only if it is named to be. One that is registered again is the stream that it was: what may not be
 * changed in a stream that is there may not be changed over its removal either.
 */
import { durationText } from "./duration.ts";
import type { EventType } from "./ids.ts";
import { utf8Length } from "./event/utf8.ts";
import { overdueMs, retentionAfterWindowMsMin, schemasBytesMax, streamsMax } from "./limits.ts";
import { quarantineType } from "./quarantine.ts";
import { schemaFaults } from "./schema/check.ts";
import { evolutionFaults } from "./schema/evolution.ts";
import type { SchemaFault } from "./schema/json.ts";
import { StreamSettings } from "./stream.ts";

export interface NamedSettings {
  readonly type: EventType;
  readonly settings: StreamSettings;
}

/** A stream as it stands; one that was removed has the settings that it had then. */
export interface CurrentSettings extends NamedSettings {
  readonly removed?: boolean;
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
      readonly change: "remove";
      readonly type: EventType;
      readonly before: StreamSettings;
      readonly after: null;
    }
  | {
      /** `restore`: it was removed, and is registered again. */
      readonly change: "change" | "restore";
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

/** Why a stream keeps its name. */
export const neverRenamed =
  "a stream's type is in every identity, key and manifest; register the new one, and send its events there";

export type ChangePlan =
  | { readonly ok: true; readonly changes: readonly StreamChange[] }
  | { readonly ok: false; readonly refused: readonly ChangeRefusal[] };

type Known = ReadonlyMap<EventType, CurrentSettings>;

/** What setting and removing these streams does to those that are there. Streams that are not named stay as they are. */
export function planChange(
  current: readonly CurrentSettings[],
  wanted: readonly NamedSettings[],
  removed: readonly EventType[] = [],
): ChangePlan {
  const known: Known = new Map(current.map((stream) => [stream.type, stream]));
  const changes: StreamChange[] = [];
  const refused: ChangeRefusal[] = [];
  const seen = new Set<EventType>();
  const removing = new Set(removed);
  for (const { type, settings } of wanted) {
    if (seen.has(type)) refused.push({ type, setting: null, reason: "it is named twice" });
    seen.add(type);
    if (removing.has(type))
      refused.push({ type, setting: null, reason: "it is set and removed at once; take it out of the file" });
    const stream = known.get(type);
    const before = stream?.settings;
    refused.push(
      ...settingsFaults(type, settings),
      ...(before === undefined ? [] : broken(type, before, settings)),
    );
    if (before === undefined) changes.push({ change: "add", type, after: settings });
    else {
      const fields = fieldChanges(before, settings);
      if (stream?.removed === true)
        changes.push({ change: "restore", type, before, after: settings, fields });
      else if (fields.length > 0) changes.push({ change: "change", type, before, after: settings, fields });
    }
  }
  for (const type of removing) {
    const stream = known.get(type);
    if (stream === undefined)
      refused.push({ type, setting: null, reason: "no stream of this type was ever there" });
    else if (stream.removed !== true)
      changes.push({ change: "remove", type, before: stream.settings, after: null });
  }
  if (removing.has(quarantineType)) refused.push(...quarantineNeeded(known, changes));
  else if (needsQuarantine(changes) && !seen.has(quarantineType)) changes.push(...withQuarantine(known));
  const added = changes.filter(({ change }) => change === "add");
  const [first] = added;
  if (first !== undefined && current.length + added.length > streamsMax) {
    refused.push({
      type: first.type,
      setting: null,
      reason: `there can be ${streamsMax} streams at most, those that were removed among them`,
    });
  }
  const someSchema = changes.find(({ after }) => after !== null && after.schema !== null);
  if (someSchema !== undefined && schemaBytes(known, changes) > schemasBytesMax) {
    const reason = `all schemas together have ${schemasBytesMax} bytes at most; shorten some`;
    refused.push({ type: someSchema.type, setting: "schema", reason });
  }
  return refused.length === 0 ? { ok: true, changes } : { ok: false, refused };
}

function needsQuarantine(changes: readonly StreamChange[]): boolean {
  return changes.some(({ after }) => after?.onInvalid === "quarantine");
}

/** The quarantine stream, if it is not there. */
function withQuarantine(known: Known): StreamChange[] {
  const stream = known.get(quarantineType);
  if (stream === undefined) return [{ change: "add", type: quarantineType, after: quarantineSettings }];
  const { settings, removed } = stream;
  return removed === true
    ? [{ change: "restore", type: quarantineType, before: settings, after: settings, fields: [] }]
    : [];
}

/** Why the quarantine stream cannot be removed: a stream would still send there what it does not take. */
function quarantineNeeded(known: Known, changes: readonly StreamChange[]): ChangeRefusal[] {
  const after = new Map<EventType, StreamSettings | null>();
  for (const { type, settings, removed } of known.values())
    after.set(type, removed === true ? null : settings);
  for (const change of changes) after.set(change.type, change.after);
  for (const [type, settings] of after) {
    if (type === quarantineType || settings?.onInvalid !== "quarantine") continue;
    const reason = `${type} keeps there what it does not take; let it refuse that first`;
    return [{ type: quarantineType, setting: null, reason }];
  }
  return [];
}

/** As it is added with the first stream that needs it; its settings can be changed as those of any other. */
const quarantineSettings: StreamSettings = StreamSettings.parse({
  description: "Events that their own stream did not take, each with the reason.",
  formats: ["ndjson.gz"],
});

/** Of all streams as they would be; removed ones keep theirs, for their hours name them. */
function schemaBytes(known: Known, changes: readonly StreamChange[]): number {
  const after = new Map([...known.values()].map(({ type, settings }) => [type, settings]));
  for (const change of changes) if (change.after !== null) after.set(change.type, change.after);
  let bytes = 0;
  for (const { schema } of after.values()) if (schema !== null) bytes += utf8Length(JSON.stringify(schema));
  return bytes;
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
  if (type === quarantineType && settings.schema !== null) {
    const reason = "what is in quarantine is taken as it is; leave the schema out";
    faults.push({ type, setting: "schema", reason });
  }
  if (type === quarantineType && !settings.formats.includes("ndjson.gz")) {
    const reason = "what is in quarantine is replayed from ndjson.gz; add it";
    faults.push({ type, setting: "formats", reason });
  }
  if (settings.schema !== null) faults.push(...schemaRefusals(type, schemaFaults(settings.schema)));
  return faults;
}

function schemaRefusals(type: EventType, faults: readonly SchemaFault[]): ChangeRefusal[] {
  return faults.map(({ path, reason }) => ({ type, setting: "schema", reason: `${path}: ${reason}` }));
}

/** Promises that a change of settings would break. */
function broken(type: EventType, before: StreamSettings, after: StreamSettings): ChangeRefusal[] {
  return [...brokenWindow(type, before, after), ...brokenSchema(type, before, after)];
}

function brokenSchema(type: EventType, before: StreamSettings, after: StreamSettings): ChangeRefusal[] {
  if (before.schema === null) return [];
  if (after.schema === null) {
    const reason = "a schema stays, for it names the columns of what was delivered; loosen it instead";
    return [{ type, setting: "schema", reason }];
  }
  // One that is not sound is refused for that.
  if (schemaFaults(after.schema).length > 0) return [];
  return schemaRefusals(type, evolutionFaults(before.schema, after.schema));
}

function brokenWindow(type: EventType, before: StreamSettings, after: StreamSettings): ChangeRefusal[] {
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
