/**
 * Posts batches and sends them again until they are answered for good. Safe to repeat: an event keeps its identity,
 * so one that was stored by a try whose reply was lost comes back as a duplicate.
 * Bounded: a batch that is not answered after `triesMax` tries ends the replay.
 */
import * as z from "zod";
import { type Api, causeOf } from "../local/client.ts";

export const BatchReply = z.looseObject({
  accepted: z.number().int().min(0),
  duplicates: z.number().int().min(0),
  late: z.number().int().min(0).default(0),
  quarantined: z.number().int().min(0).default(0),
  refused: z
    .array(z.looseObject({ index: z.number(), code: z.string(), detail: z.string().default("") }))
    .default([]),
});
export type BatchReply = z.infer<typeof BatchReply>;

export interface Sent {
  readonly reply: BatchReply;
  readonly tries: number;
}

export class SendFailed extends Error {
  override readonly name = "SendFailed";
}

/** About a minute and a half of waiting: a runtime that was killed has time to come back. */
const triesMax = 14;
const waitFirstMs = 100;
const waitMaxMs = 10_000;
const timeoutMs = 60_000;

export async function sendBatch(
  api: Api,
  events: readonly string[],
  onRetry: (why: string) => void,
): Promise<Sent> {
  let why = "";
  for (let tries = 1; tries <= triesMax; tries++) {
    const attempt = await post(api, `[${events.join(",")}]`);
    if (attempt.reply !== null) return { reply: attempt.reply, tries };
    why = attempt.why;
    if (attempt.waitMs === null) break;
    onRetry(why);
    const backoffMs = Math.min(waitMaxMs, waitFirstMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, Math.max(backoffMs, attempt.waitMs)));
  }
  throw new SendFailed(`a batch of ${events.length} events was not taken: ${why}`);
}

type Attempt =
  | { readonly reply: BatchReply }
  /** `waitMs`: at least how long to wait before the next try; null if trying again cannot help. */
  | { readonly reply: null; readonly why: string; readonly waitMs: number | null };

async function post(api: Api, body: string): Promise<Attempt> {
  let status: number;
  let text: string;
  let retryAfter: string | null;
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
    status = reply.status;
    retryAfter = reply.headers.get("Retry-After");
    text = await reply.text();
  } catch (error) {
    return { reply: null, why: `no answer: ${causeOf(error)}`, waitMs: 0 };
  }
  if (status === 200) {
    return { reply: BatchReply.parse(JSON.parse(text)) };
  }
  const retry = status === 429 || status === 503;
  const waitMs = retry ? Math.min(waitMaxMs, Math.max(0, Number(retryAfter ?? 0)) * 1000 || 0) : null;
  return { reply: null, why: `${status} ${text.slice(0, 300)}`, waitMs };
}
