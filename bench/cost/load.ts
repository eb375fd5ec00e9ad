/** A closed loop of clients: each sends its next request when the last one is answered. Every event has its own id. */
import { isoOf, type EpochMs } from "../../domain/hour.ts";
import type { Api } from "../../scripts/local/client.ts";

export interface Load {
  readonly type: string;
  readonly requests: number;
  readonly eventsPerRequest: number;
  readonly concurrency: number;
  /** Every event happens then, in virtual time. */
  readonly atMs: EpochMs;
  /** Tells the ids of one load from those of another. */
  readonly name: string;
}

/** Bytes of one event as posted, about. */
export const eventBytes = 500;

/** Sends it all; throws if an event was not accepted as new. Answers the bytes that were sent. */
export async function send(client: Api, load: Load): Promise<number> {
  let next = 0;
  let bytes = 0;
  const lane = async (): Promise<void> => {
    while (next < load.requests) {
      const body = bodyOf(load, next++);
      bytes += body.length;
      await post(client, body, load.eventsPerRequest);
    }
  };
  await Promise.all(Array.from({ length: load.concurrency }, lane));
  return bytes;
}

async function post(client: Api, body: string, events: number): Promise<void> {
  const reply = await fetch(`${client.url}/v1/events`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${client.key}`,
      "Content-Type": "application/cloudevents-batch+json",
    },
    body,
  });
  const text = await reply.text();
  const accepted = /"accepted":(\d+)/.exec(text)?.[1];
  if (reply.status !== 200 || Number(accepted) !== events)
    throw new Error(`${reply.status} ${text.slice(0, 500)}`);
}

function bodyOf({ type, eventsPerRequest, atMs, name }: Load, request: number): string {
  const events = Array.from({ length: eventsPerRequest }, (_, at) =>
    eventOf({
      id: `${name}-${request}-${at}`,
      source: `//clients.example/${request % 97}`,
      type,
      atMs,
      no: request * eventsPerRequest + at,
    }),
  );
  return JSON.stringify(events);
}

/** An event of about `eventBytes`, as the benchmarks send it. */
export function eventOf({
  id,
  source,
  type,
  atMs,
  no,
}: {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly atMs: EpochMs;
  readonly no: number;
}): object {
  const filler = "lorem ipsum dolor sit amet consectetur "
    .repeat(10)
    .slice(0, eventBytes - 200 - type.length);
  return {
    specversion: "1.0",
    id,
    source,
    type,
    time: isoOf(atMs),
    datacontenttype: "application/json",
    data: { no, filler },
  };
}
