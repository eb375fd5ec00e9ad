/**
 * The clients: loops that post events in every format, send some again, and repeat whatever was not answered, regrouped
 * and in another format, until each event has its answer. They know nothing of kills.
 */
import * as z from "zod";
import { type Format, formats, requestsOf } from "../demo/post.ts";
import type { Api } from "../local/client.ts";
import { type Horizon, eventOf } from "./events.ts";
import type { Gate } from "./gate.ts";
import type { Random } from "./random.ts";
import type { ClientRecord, Entry } from "./record.ts";

const Reply = z.looseObject({
  accepted: z.number().int().min(0),
  duplicates: z.number().int().min(0),
  refused: z.array(z.looseObject({ index: z.number().int(), code: z.string() })),
  failed: z.array(z.number().int()).default([]),
});

const eventsPerRequestMax = 60;
const repeatShare = 0.15;
const timeoutMs = 15_000;

export interface ClientContext {
  /** Its url changes when the runtime is started again. */
  readonly api: Api;
  readonly record: ClientRecord;
  readonly gate: Gate;
  readonly horizon: Horizon;
  /** Numbers the events, over all clients. */
  readonly nextNo: () => number;
  /** Aborted when the run has failed: clients then give up what they have in hand. */
  readonly signal: AbortSignal;
}

export interface Clients {
  /** Lets every client finish what it has in hand, and then end. */
  readonly stop: () => void;
  /** Resolves when all clients have ended; rejects with what one of them could not go on from. */
  readonly ended: Promise<void>;
  /** What ended a client; null while all are well. */
  readonly failure: () => Error | null;
}

export function startClients(count: number, random: Random, context: ClientContext): Clients {
  const wanted = { stop: false };
  let failure: Error | null = null;
  const loop = async (): Promise<void> => {
    const own = random.fork();
    try {
      while (!wanted.stop) {
        await context.gate.pass(() => deliver(draw(context, own), context, own));
        await pause(own.between(1, 20));
      }
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
    }
  };
  const loops = Promise.all(Array.from({ length: count }, loop));
  return {
    stop: () => {
      wanted.stop = true;
    },
    ended: loops.then(() => {
      if (failure !== null) throw failure;
    }),
    failure: () => failure,
  };
}

/** New events, some sent before, some twice in the same request. */
function draw({ record, horizon, nextNo }: ClientContext, random: Random): Entry[] {
  const size = random.chance(0.2) ? 1 : random.between(1, eventsPerRequestMax);
  const entries: Entry[] = [];
  for (let at = 0; at < size; at++) {
    const again = random.chance(repeatShare);
    const earlier = again ? (random.chance(0.3) ? entries.at(-1) : record.earlier(random)) : null;
    entries.push(earlier ?? record.add(eventOf(nextNo(), horizon, random)));
  }
  return entries;
}

async function deliver(entries: Entry[], context: ClientContext, random: Random): Promise<void> {
  let left = entries;
  for (let tries = 1; left.length > 0; tries++) {
    context.signal.throwIfAborted();
    const format: Format = random.pick(formats);
    if (tries > 1) {
      context.record.retries++;
      await pause(Math.min(1_000, 20 * 2 ** tries) * random.fraction());
    }
    // Formats of one event per request take a few at a time; the rest comes with the next try, in another format.
    const size = format === "binary" || format === "structured" ? 6 : left.length;
    const [now, later] = [left.slice(0, size), left.slice(size)];
    const unanswered = await post(format, now, context);
    left = [...later, ...unanswered].toSorted(() => random.fraction() - 0.5);
    // Parts of the batch that were held back are no retries.
    if (unanswered.length === 0) tries = 0;
  }
}

/** Posts them and settles those that are answered; the others are returned. */
async function post(format: Format, entries: readonly Entry[], context: ClientContext): Promise<Entry[]> {
  const requests = requestsOf(
    format,
    entries.map(({ event }) => event),
  );
  const perRequest = requests.length === 1 ? entries.length : 1;
  const left = await Promise.all(
    requests.map((request, no) => {
      const carried = entries.slice(no * perRequest, (no + 1) * perRequest);
      return postOne(request, carried, context);
    }),
  );
  return left.flat();
}

async function postOne(
  { headers, body }: ReturnType<typeof requestsOf>[number],
  entries: readonly Entry[],
  { api, record }: ClientContext,
): Promise<readonly Entry[]> {
  record.requests++;
  record.sent += entries.length;
  let status: number;
  let text: string;
  try {
    const reply = await fetch(`${api.url}/v1/events`, {
      method: "POST",
      headers: { Authorization: `Bearer ${api.key}`, ...headers },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = reply.status;
    text = await reply.text();
  } catch {
    for (const entry of entries) entry.replyLost = true;
    return entries;
  }
  return settle(status, text, entries, record);
}

/** 200 and 422 answer every event; 503 with counts all but the failed ones; 429 and any other 503 none. */
function settle(
  status: number,
  text: string,
  entries: readonly Entry[],
  record: ClientRecord,
): readonly Entry[] {
  const reply = Reply.safeParse(jsonOf(text));
  if (status === 429 || (status === 503 && !reply.success)) return entries;
  if (!reply.success || ![200, 422, 503].includes(status)) {
    throw new Error(`the edge answered ${status} ${text.slice(0, 300)}`);
  }
  const failed = new Set(reply.data.failed);
  const refused = new Map(reply.data.refused.map(({ index, code }) => [index, code]));
  const counted = reply.data.accepted + reply.data.duplicates + refused.size + failed.size;
  if (counted !== entries.length) {
    throw new Error(`an answer accounts for ${counted} of ${entries.length} events: ${text.slice(0, 300)}`);
  }
  record.accepted += reply.data.accepted;
  record.duplicates += reply.data.duplicates;
  for (const [index, entry] of entries.entries()) {
    if (failed.has(index)) {
      entry.replyLost = true;
      continue;
    }
    const code = refused.get(index);
    record.settle(entry, code === undefined ? "acknowledged" : { refused: code });
  }
  return entries.filter((_, index) => failed.has(index));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
