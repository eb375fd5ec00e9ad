/** Events posted as fast as they are taken: eight requests at a time, each answered before its lane goes on. */
import * as z from "zod";
import type { EpochMs } from "../../domain/hour.ts";
import type { Api } from "../../scripts/local/client.ts";
import { bodyOf } from "./bodies.ts";

const eventsPerRequest = 500;
const requestsAtATime = 8;

export interface Posted {
  readonly type: string;
  /** The number of the first one, from which ids come. */
  readonly first: number;
  readonly events: number;
  readonly atMs: EpochMs;
}

const Reply = z.looseObject({ accepted: z.number() });

/** Throws if one of them is not accepted as new. */
export async function postEvents(client: Api, { type, first, events, atMs }: Posted): Promise<void> {
  let next = first;
  const end = first + events;
  const lane = async (): Promise<void> => {
    while (next < end) {
      const from = next;
      const count = Math.min(eventsPerRequest, end - from);
      next += count;
      const reply = await fetch(`${client.url}/v1/events`, {
        method: "POST",
        headers: { Authorization: `Bearer ${client.key}`, "Content-Type": "application/x-ndjson" },
        body: bodyOf({ type, first: from, events: count, atMs }),
      });
      const { accepted } = Reply.parse(await reply.json());
      if (accepted !== count) throw new Error(`accepted: ${accepted} of ${count}`);
    }
  };
  await Promise.all(Array.from({ length: requestsAtATime }, lane));
}
