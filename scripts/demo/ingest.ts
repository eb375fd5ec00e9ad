/** The demo's clients: they send every event at least once, many twice, and lose some replies. */
import { type EpochMs, epochMs } from "../../domain/hour.ts";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { type Api, putStream } from "../local/client.ts";
import type { ReplayClock } from "../replay/clock.ts";
import { type DemoEvent, startsAt, steps, streams } from "./generate.ts";
import { type Counts, formats, post, requestsOf } from "./post.ts";

export interface Ingested {
  readonly counts: Counts;
  readonly events: number;
  readonly lastMs: EpochMs;
  /** Rows by `<hour>/<type>`: what must be sealed. */
  readonly rows: ReadonlyMap<string, number>;
}

const eventsPerChunk = 25;

export async function ingest(admin: Api, client: Api, clock: ReplayClock): Promise<Ingested> {
  const startMs = parseTimestamp(startsAt) ?? epochMs(0);
  await clock.moveTo(startMs);
  for (const { type, settings } of streams) await putStream(admin, type, settings);
  const counts: Counts = { accepted: 0, duplicates: 0, refused: 0, retries: 0 };
  const rows = new Map<string, number>();
  let events = 0;
  let chunkNo = 0;
  let lastMs = startMs;
  for (const step of steps(startMs)) {
    await clock.moveTo(step.atMs);
    lastMs = step.atMs;
    for (let at = 0; at < step.events.length; at += eventsPerChunk) {
      await sendChunk(client, step.events.slice(at, at + eventsPerChunk), chunkNo++, counts);
    }
    for (const event of step.events) {
      const name = `${event.hour}/${event.attributes.type}`;
      rows.set(name, (rows.get(name) ?? 0) + 1);
    }
    events += step.events.length;
  }
  return { counts, events, lastMs, rows };
}

/** In a format of its own; every fourth chunk with a lost reply, every third once more in another format. */
async function sendChunk(
  client: Api,
  events: readonly DemoEvent[],
  chunkNo: number,
  counts: Counts,
): Promise<void> {
  const format = formats[chunkNo % formats.length] ?? "batch";
  const requests = requestsOf(format, events);
  await Promise.all(requests.map((request) => post(client, request, counts, chunkNo % 4 === 0)));
  if (chunkNo % 3 !== 0) return;
  const other = formats[(chunkNo + 1) % formats.length] ?? "batch";
  await Promise.all(requestsOf(other, events).map((request) => post(client, request, counts)));
}
