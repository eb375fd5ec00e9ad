/** Groups events into requests: bounded in events and bytes, and never with a later hour than the events before it. */
import { epochMs, hourNumberOf } from "../../domain/hour.ts";
import type { MappedEvent } from "./event.ts";

export interface Batch {
  readonly events: readonly MappedEvent[];
  /** The latest hour number and time of its events; null if all are undated. */
  readonly latest: { readonly hourNumber: number; readonly timeMs: number } | null;
  /** False if an event of an earlier hour came out of order. */
  readonly oneHour: boolean;
}

/** Half of what the edge takes in one body. */
const bodyBytesMax = 4 * 1024 * 1024;

export async function* batchesOf(
  events: AsyncIterable<MappedEvent>,
  eventsMax: number,
): AsyncGenerator<Batch> {
  let pending: MappedEvent[] = [];
  let bytes = 0;
  let hour: number | null = null;
  for await (const event of events) {
    const own: number | null = event.timeMs === null ? hour : hourNumberOf(event.timeMs);
    const crosses = own !== null && hour !== null && own > hour;
    const size = Buffer.byteLength(event.json) + 1;
    if (pending.length > 0 && (crosses || pending.length >= eventsMax || bytes + size > bodyBytesMax)) {
      yield batchOf(pending);
      pending = [];
      bytes = 0;
    }
    if (own !== null && (hour === null || own > hour)) hour = own;
    pending.push(event);
    bytes += size;
  }
  if (pending.length > 0) yield batchOf(pending);
}

function batchOf(events: readonly MappedEvent[]): Batch {
  const times = events.flatMap((event) => (event.timeMs === null ? [] : [event.timeMs]));
  if (times.length === 0) return { events, latest: null, oneHour: true };
  const latestMs = epochMs(Math.max(...times));
  const hourNumber = hourNumberOf(latestMs);
  const oneHour = times.every((time) => hourNumberOf(time) === hourNumber);
  return { events, latest: { hourNumber, timeMs: latestMs }, oneHour };
}
