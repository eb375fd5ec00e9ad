/**
 * What lies in R2, read the plain way: manifests, the parts they list, lines of JSON. It shares no code with the system
 * that wrote it but the manifest's own two field names.
 */
import { gunzipSync } from "node:zlib";
import * as z from "zod";
import type { ObjectSource } from "../verify/objects.ts";
import { nameOf } from "./record.ts";

const Manifest = z.looseObject({ parts: z.array(z.looseObject({ key: z.string() })) });
const Row = z.looseObject({
  event: z.looseObject({
    type: z.string(),
    source: z.string(),
    id: z.string(),
    time: z.string().optional(),
    data: z.strictObject({ no: z.number(), text: z.string() }),
  }),
});
export type DeliveredEvent = z.infer<typeof Row>["event"];

export interface Delivered {
  readonly buckets: number;
  readonly rows: number;
  /** By identity; more than one row of an identity is a fault. */
  readonly events: ReadonlyMap<string, readonly DeliveredEvent[]>;
}

export async function deliveredIn(source: ObjectSource): Promise<Delivered> {
  const events = new Map<string, DeliveredEvent[]>();
  let buckets = 0;
  let rows = 0;
  for await (const key of source.list("events/")) {
    if (!key.endsWith("/_manifest.json")) continue;
    buckets++;
    for (const part of Manifest.parse(JSON.parse(await textOf(source, key))).parts) {
      for (const event of rowsOf(await bytesOf(source, part.key))) {
        rows++;
        const name = nameOf(event);
        const others = events.get(name);
        if (others === undefined) events.set(name, [event]);
        else others.push(event);
      }
    }
  }
  return { buckets, rows, events };
}

function* rowsOf(bytes: Uint8Array): Generator<DeliveredEvent> {
  const lines = gunzipSync(bytes).toString("utf8").split("\n");
  for (const line of lines) if (line !== "") yield Row.parse(JSON.parse(line)).event;
}

async function textOf(source: ObjectSource, key: string): Promise<string> {
  return new TextDecoder().decode(await bytesOf(source, key));
}

async function bytesOf(source: ObjectSource, key: string): Promise<Uint8Array> {
  const bytes = await source.get(key);
  if (bytes === null) throw new Error(`${key} is listed, and is not there`);
  return bytes;
}
