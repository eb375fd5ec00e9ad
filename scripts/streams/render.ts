/** What `npm run streams` prints: a change as a diff, a stream as a piece of the file, the history as a log. */
import { stringify } from "yaml";
import * as z from "zod";
import { durationText } from "../../domain/duration.ts";
import { EventType } from "../../domain/ids.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { type Setting, fieldChanges } from "../../domain/stream-change.ts";
import { entryOfSettings, fileNames, fileValue } from "../../domain/streams-file.ts";

export const Change = z.looseObject({
  change: z.enum(["add", "change", "remove", "restore"]),
  type: EventType,
  before: StreamSettings.nullable(),
  after: StreamSettings.nullable(),
});
export type Change = z.infer<typeof Change>;

const marks = { add: "+", change: "~", remove: "-", restore: "+" } as const;

/** One change: a line for the stream, and one for every setting that is given or differs. */
export function changeLines({ change, type, before, after }: Change): string[] {
  const head = `${marks[change]} ${typeText(type)}${change === "restore" ? (before === null ? " (from R2)" : " (was removed)") : ""}`;
  if (after === null) return [head, `    ${removalText(before?.retentionMs ?? null)}`];
  if (before === null) {
    const given = fieldChanges(StreamSettings.parse({}), after);
    return [head, ...given.map(({ setting, to }) => `    ${fileNames[setting]}: ${valueText(setting, to)}`)];
  }
  return [
    head,
    ...fieldChanges(before, after).map(
      ({ setting, from, to }) =>
        `    ${fileNames[setting]}: ${valueText(setting, from)} -> ${valueText(setting, to)}`,
    ),
  ];
}

function removalText(retentionMs: number | null): string {
  const kept = retentionMs === null ? "for ever" : `for ${durationText(retentionMs)}`;
  return `its events are refused; what is open is sealed and audited; sealed hours are kept ${kept}`;
}

export function countsLine(changes: readonly Change[]): string {
  const count = (...kinds: Change["change"][]): number =>
    changes.filter(({ change }) => kinds.includes(change)).length;
  return `${count("add", "restore")} to add, ${count("change")} to change, ${count("remove")} to remove`;
}

/** On one line whatever is in it: a type with a line break must not look like two. */
export function typeText(type: string): string {
  return /^[\w.:/-]+$/.test(type) ? type : JSON.stringify(type);
}

/** A stream as it stands in streams.yaml. */
export function fileText(
  streams: readonly { readonly type: string; readonly settings: StreamSettings }[],
): string {
  const entries = new Map(streams.map(({ type, settings }) => [type, entryOfSettings(settings)]));
  return stringify({ streams: entries });
}

function valueText(setting: Setting, value: unknown): string {
  if (setting === "schema" && value !== null) return `(${JSON.stringify(value).length} characters)`;
  const written = fileValue(setting, value);
  return written === undefined ? "default" : JSON.stringify(written).replace(/^"([\w.]+)"$/, "$1");
}
