/** `list` and `show`: the streams as they are. */
import * as z from "zod";
import { typeSegment } from "../../domain/segment.ts";
import { StreamDocument, type StreamSettings } from "../../domain/stream.ts";
import { type Api, call } from "../local/client.ts";
import { fileText, typeText } from "./render.ts";

const Shown = z.looseObject(StreamDocument.shape);
const Listed = z.looseObject({ version: z.number(), streams: z.array(Shown) });

export async function list(api: Api): Promise<number> {
  const { version, streams } = Listed.parse(await call(api, "GET", "/v1/streams"));
  for (const { type, priority, owner, firstHour } of streams) {
    console.log(
      [priority.padEnd(6), `since ${firstHour}`, typeText(type), owner === "" ? "" : `(${owner})`]
        .join("  ")
        .trimEnd(),
    );
  }
  console.log(`${streams.length} streams, at version ${version}`);
  return 0;
}

/** Prints the stream as a file that `apply` takes. */
export async function show(api: Api, type: string): Promise<number> {
  const stream = Shown.parse(await call(api, "GET", `/v1/streams/${typeSegment(type)}`));
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
    schema,
    onInvalid,
  };
}
