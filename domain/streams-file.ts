/**
 * The form of `streams.yaml`: streams by type, with durations as people write them. What it means to the system is
 * `StreamSettings`; this is the border between the two, and the source of `streams.schema.json` for editors.
 */
import * as z from "zod";
import { AlertUrl } from "./alert/url.ts";
import { durationMs, durationPattern, durationText } from "./duration.ts";
import { Formats } from "./encoding.ts";
import {
  contactCharsMax,
  descriptionCharsMax,
  eventsPerSecondLimit,
  graceMsDefault,
  graceMsMax,
  ownerCharsMax,
  quotaEventsLimit,
  retentionMsMax,
  retentionMsMin,
  shardsMax as shardsLimit,
  targetLatenessMsMax,
  typeBytesMax,
  windowMsDefault,
  windowMsMax,
  windowMsMin,
} from "./limits.ts";
import { OnInvalid } from "./on-invalid.ts";
import { PartitionBy, Priority, StreamSettings } from "./stream.ts";

/** A duration in words of the file, as milliseconds. */
function duration(minMs: number, maxMs: number, means: string) {
  const range = `from ${durationText(minMs)} to ${durationText(maxMs)}`;
  const allowed = `takes a duration ${range}: a whole number and ms, s, m, h or d, for example ${durationText(maxMs)}`;
  return z
    .string({ error: allowed })
    .regex(durationPattern, { error: allowed, abort: true })
    .transform((text, ctx): number => {
      const ms = durationMs(text);
      if (ms !== null && ms >= minMs && ms <= maxMs) return ms;
      ctx.addIssue({ code: "custom", message: allowed });
      return z.NEVER;
    })
    .describe(`${means} A duration ${range}.`);
}

function quota(window: "hour" | "day") {
  return z
    .int()
    .min(1)
    .max(quotaEventsLimit)
    .optional()
    .describe(
      `Events that are taken for it in ${window === "hour" ? "an hour" : "a day"} of UTC, over all edges, and a few minutes' more; default: as many as come.`,
    );
}

const forever = "forever";

/** One stream of the file. What it leaves out has its default. */
export const StreamEntry = z.strictObject({
  owner: z
    .string()
    .max(ownerCharsMax)
    .optional()
    .describe("The service or team that answers for the stream."),
  contact: z.string().max(contactCharsMax).optional().describe("Where its owner is reached."),
  description: z.string().max(descriptionCharsMax).optional().describe("What its events say."),
  alertUrl: AlertUrl.optional().describe(
    "Where alerts of its buckets are sent, as signed webhooks; default the address of the deployment.",
  ),
  priority: Priority.optional().describe("The order in which work is taken up; default normal."),
  formats: Formats.optional().describe(
    "The formats of its parts in R2; default ndjson.gz. Each format holds every event; holds for hours that are not open yet.",
  ),
  grace: duration(
    0,
    graceMsMax,
    `How long after its hour's end a bucket stays open; default ${durationText(graceMsDefault)}.`,
  ).optional(),
  window: duration(
    windowMsMin,
    windowMsMax,
    `How long identities are remembered; default ${durationText(windowMsDefault)}. It can only grow.`,
  ).optional(),
  retention: z
    .union(
      [
        z.literal(forever).transform(() => null),
        duration(retentionMsMin, retentionMsMax, "How long sealed hours are kept."),
      ],
      {
        error: `takes ${forever}, or a duration from ${durationText(retentionMsMin)} to ${durationText(retentionMsMax)}, for example 400d`,
      },
    )
    .optional()
    .describe("How long sealed hours are kept before they expire; default forever."),
  targetLateness: duration(
    0,
    targetLatenessMsMax,
    "How long after its hour's end a bucket should be sealed at the latest; default the grace and five minutes.",
  ).optional(),
  shards: z
    .int()
    .min(1)
    .max(shardsLimit)
    .optional()
    .describe(
      "Objects that take a bucket's events; default 1. The least of them, if there is a shardsMax. Holds for hours that are not open yet.",
    ),
  shardsMax: z
    .int()
    .min(1)
    .max(shardsLimit)
    .optional()
    .describe("Up to so many objects are planned for hours that need them; default: no more than shards."),
  eventsPerSecondMax: z
    .int()
    .min(1)
    .max(eventsPerSecondLimit)
    .optional()
    .describe("Events a second that an edge isolate takes for it; default: as many as come."),
  eventsPerHourMax: quota("hour"),
  eventsPerDayMax: quota("day"),
  partitionBy: PartitionBy.optional().describe(
    "What spreads events over shards; default source. Holds for hours that are not open yet.",
  ),
  schema: z
    .union([z.string().min(1), z.record(z.string(), z.unknown())], {
      error: "takes a JSON Schema, or the path of a file that holds one, from where this file is",
    })
    .optional()
    .describe(
      "JSON Schema (a part of draft 2020-12) of the events' data, or the path of a file that holds it. It can only be loosened.",
    ),
  onInvalid: OnInvalid.optional().describe(
    "What becomes of an event that breaks the schema: refuse (default), or quarantine, from where it can be replayed. " +
      "For hourseal.quarantine itself: of events that no stream is registered for.",
  ),
});
export type StreamEntry = z.infer<typeof StreamEntry>;

/** The whole file, for its JSON Schema. Names are checked by `TypeName`, entry by entry. */
export const StreamsFile = z
  .strictObject({
    streams: z
      .record(z.string().min(1).max(typeBytesMax), StreamEntry.nullable())
      .describe(
        "Streams by the type of their events. A type can be any string; quote it where YAML needs it.",
      ),
  })
  .describe("The streams of a Hourseal: what `npm run streams -- apply` sets.");

/** The JSON Schema that editors check the file by. */
export function streamsFileSchema(): object {
  return z.toJSONSchema(StreamsFile, { io: "input" });
}

/** A setting's name in the file. Durations carry their unit there and not in their name. */
export const fileNames: Readonly<Record<keyof StreamSettings, keyof StreamEntry>> = {
  owner: "owner",
  contact: "contact",
  description: "description",
  alertUrl: "alertUrl",
  priority: "priority",
  formats: "formats",
  graceMs: "grace",
  windowMs: "window",
  retentionMs: "retention",
  targetLatenessMs: "targetLateness",
  shards: "shards",
  shardsMax: "shardsMax",
  partitionBy: "partitionBy",
  eventsPerSecondMax: "eventsPerSecondMax",
  eventsPerHourMax: "eventsPerHourMax",
  eventsPerDayMax: "eventsPerDayMax",
  schema: "schema",
  onInvalid: "onInvalid",
};

/** A schema that is named by its path must have been read. */
export function settingsOfEntry(entry: StreamEntry): StreamSettings {
  return StreamSettings.parse(
    Object.fromEntries(Object.entries(fileNames).map(([setting, name]) => [setting, entry[name]])),
  );
}

/** A setting's value as the file writes it. */
export function fileValue(setting: keyof StreamSettings, value: unknown): unknown {
  if (setting === "retentionMs" && value === null) return forever;
  if (value === null) return undefined;
  return setting.endsWith("Ms") && typeof value === "number" ? durationText(value) : value;
}

/** The entry that means these settings: the inverse of `settingsOfEntry`. */
export function entryOfSettings(settings: StreamSettings): Readonly<Record<string, unknown>> {
  const pairs = Object.entries(fileNames) as [keyof StreamSettings, keyof StreamEntry][];
  return Object.fromEntries(
    pairs
      .map(([setting, name]) => [name, fileValue(setting, settings[setting])] as const)
      .filter(([, value]) => value !== undefined && value !== ""),
  );
}
