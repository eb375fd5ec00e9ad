/**
 * Posts batches and sends them again until they are answered for good. Safe to repeat: an event keeps its identity,
 * so one that was stored by a try whose reply was lost comes back as a duplicate.
 * Bounded: a batch that is not answered after `triesMax` tries ends the replay.
 */
import * as z from "zod";
import { retryAfterMs, triesMax, waitAfter } from "../local/backoff.ts";
import { type Api, causeOf } from "../local/client.ts";

/** The counts of one answer; a 503 has them too, and says which events failed. */
export const BatchReply = z.looseObject({
  accepted: z.number().int().min(0),
  duplicates: z.number().int().min(0),
  late: z.number().int().min(0).default(0),
  quarantined: z.number().int().min(0).default(0),
  refused: z.array(z.looseObject({ code: z.string(), detail: z.string().default("") })).default([]),
  failed: z.array(z.number().int().min(0)).default([]),
});
export type BatchReply = z.infer<typeof BatchReply>;

export interface Sent {
  readonly replies: readonly BatchReply[];
  /** A reply was lost, so some duplicates may be events that an earlier try stored. */
  readonly replyLost: boolean;
}

export class SendFailed extends Error {
  override readonly name = "SendFailed";
}

const timeoutMs = 60_000;

export async function sendBatch(
  api: Api,
  events: readonly string[],
  onRetry: (why: string) => void,
): Promise<Sent> {
  const replies: BatchReply[] = [];
  let left = events;
  let replyLost = false;
  let why = "";
  for (let tries = 1; tries <= triesMax; tries++) {
    const answer = await post(api, `[${left.join(",")}]`);
    if (answer.reply !== null) {
      replies.push(answer.reply);
      left = answer.reply.failed.flatMap((index) => left[index] ?? []);
      if (left.length === 0) return { replies, replyLost };
    }
    replyLost ||= answer.lost;
    why = answer.why;
    if (answer.waitMs === null) break;
    onRetry(why);
    await waitAfter(tries, answer.waitMs);
  }
  throw new SendFailed(`${left.length} of a batch of ${events.length} events were not taken: ${why}`);
}

interface Answer {
  /** Null: the answer settles nothing. */
  readonly reply: BatchReply | null;
  /** The request may have been carried out without an answer. */
  readonly lost: boolean;
  readonly why: string;
  /** At least how long to wait before the next try; null if trying again cannot help. */
  readonly waitMs: number | null;
}

async function post(api: Api, body: string): Promise<Answer> {
  try {
    const reply = await fetch(`${api.url}/v1/events`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${api.key}`,
        "Content-Type": "application/cloudevents-batch+json",
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return answerOf(reply.status, reply.headers.get("Retry-After"), await reply.text());
  } catch (error) {
    return { reply: null, lost: true, why: `no answer: ${causeOf(error)}`, waitMs: 0 };
  }
}

/** 200 and 422 settle every event; 503 with counts settles all but the failed ones; 429 and other 503 none. */
export function answerOf(status: number, retryAfter: string | null, text: string): Answer {
  const why = `${status} ${text.slice(0, 300)}`;
  const counts = BatchReply.safeParse(jsonOf(text));
  const settles = counts.success && (status !== 503 || counts.data.failed.length > 0) && status !== 429;
  const again = status === 429 || status === 503;
  return {
    reply: settles && (again || status === 200 || status === 422) ? counts.data : null,
    lost: false,
    why,
    waitMs: again ? retryAfterMs(retryAfter) : null,
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
