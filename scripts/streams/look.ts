/** `list` and `show`: the streams as they are. */
import * as z from "zod";
import { typeSegment } from "../../domain/segment.ts";
import { StreamDocument, type StreamSettings } from "../../domain/stream.ts";
import { type Api, call } from "../local/client.ts";
import { Decisions, decisionLines } from "./decisions.ts";
import { fileText, typeText } from "./render.ts";

const Drained = z.looseObject({ since: z.string(), author: z.string(), note: z.string() });
const Shown = z.looseObject({
  ...StreamDocument.shape,
  removedAt: z.string().nullable().default(null),
  end: z.string().nullable().default(null),
  drained: Drained.nullable().default(null),
});
const Listed = z.looseObject({ version: z.number(), streams: z.array(Shown) });

export async function list(api: Api): Promise<number> {
  const { version, streams } = Listed.parse(await call(api, "GET", "/v1/streams"));
  for (const { type, priority, owner, firstHour, removedAt, end, drained } of streams) {
    console.log(
      [
        priority.padEnd(6),
        `since ${firstHour}`,
        typeText(type),
        ...(owner === "" ? [] : [`(${owner})`]),
        ...(removedAt === null ? [] : [removedText(removedAt, end)]),
        ...(drained === null ? [] : [drainedText(drained)]),
      ].join("  "),
    );
  }
  console.log(`${streams.length} streams, at version ${version}`);
  return 0;
}

function removedText(removedAt: string, end: string | null): string {
  return `removed ${removedAt}, ${end === null ? "not ended yet" : `ended before ${end}`}`;
}

function drainedText({ since, author, note }: z.infer<typeof Drained>): string {
  const text = `drained ${since} by ${author || "somebody"}${note === "" ? "" : `: ${note}`}`;
  // On one line whatever is in it: in `show` it is a comment.
  return text.replaceAll(/\s+/g, " ");
}

/** Of the planner's decisions, those about the next hours and the last few. */
const decisionsShown = 4;

/** Prints the stream as a file that `apply` takes, what is planned for it as comments; of one that was removed, `apply` would register it again. */
export async function show(api: Api, type: string): Promise<number> {
  const stream = Shown.parse(await call(api, "GET", `/v1/streams/${typeSegment(type)}`));
  if (stream.removedAt !== null) console.log(`# ${removedText(stream.removedAt, stream.end)}`);
  if (stream.drained !== null) console.log(`# ${drainedText(stream.drained)}`);
  if ((stream.shardsMax ?? 0) > stream.shards) {
    const path = `/v1/streams/${typeSegment(type)}/plans?limit=${decisionsShown}`;
    for (const line of decisionLines(Decisions.parse(await call(api, "GET", path)))) console.log(line);
  }
  console.log(fileText([{ type: stream.type, settings: settingsOf(stream) }]).trimEnd());
  return 0;
}

function settingsOf(stream: z.infer<typeof Shown>): StreamSettings {
  const { owner, contact, description, alertUrl, priority, formats, graceMs, windowMs } = stream;
  const {
    retentionMs,
    targetLatenessMs,
    shards,
    shardsMax,
    partitionBy,
    eventsPerSecondMax,
    eventsPerHourMax,
    eventsPerDayMax,
    schema,
    onInvalid,
  } = stream;
  return {
    owner,
    contact,
    description,
    alertUrl,
    priority,
    formats,
    graceMs,
    windowMs,
    retentionMs,
    targetLatenessMs,
    shards,
    shardsMax,
    partitionBy,
    eventsPerSecondMax,
    eventsPerHourMax,
    eventsPerDayMax,
    schema,
    onInvalid,
  };
}
