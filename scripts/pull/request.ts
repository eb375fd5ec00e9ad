/**
 * One GET of the HTTP API, repeated while the answer is overload, unavailable or none at all; bounded and jittered.
 * What the server refuses for good becomes `Refused`, what stays away `Unreachable`; any other answer is the caller's.
 */
import * as z from "zod";
import type { Api } from "../local/client.ts";
import { causeOf } from "../local/client.ts";
import { retryAfterMs, triesMax, waitAfter } from "../local/backoff.ts";
import { Refused, Unreachable } from "./failures.ts";

/** A problem document, as far as a pull goes by it. */
export const Problem = z.looseObject({
  type: z.string().default(""),
  detail: z.string().default(""),
  dueAt: z.string().optional(),
  now: z.string().optional(),
  overdue: z.boolean().optional(),
  firstHour: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;

/** The headers of an answer must come within this time; bodies have their own watch. */
const answerMsMax = 30_000;

/** Addresses that have answered this run. One that never did is not on its way back: it is wrong, or was not started. */
const answered = new Set<string>();

export async function get(
  api: Api,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Response> {
  for (let tries = 1; ; tries++) {
    let failure: string;
    let atLeastMs = 0;
    try {
      const reply = await getOnce(api, path, headers, signal);
      answered.add(api.url);
      if (reply.status === 401 || reply.status === 403) {
        throw new Refused(`${api.url} does not take the key: ${(await problemOf(reply)).detail}`);
      }
      if (reply.status !== 429 && reply.status < 500) return reply;
      failure = `answered ${reply.status}: ${(await problemOf(reply)).detail}`;
      atLeastMs = retryAfterMs(reply.headers.get("retry-after"));
    } catch (error) {
      if (error instanceof Refused || signal?.aborted === true) throw error;
      failure = `cannot be reached (${causeOf(error)})`;
      if (!answered.has(api.url)) throw new Unreachable(`${api.url} ${failure}; is it running?`);
    }
    if (tries === triesMax) throw new Unreachable(`${api.url} ${failure}, after ${tries} tries`);
    await waitAfter(tries, atLeastMs);
  }
}

async function getOnce(
  api: Api,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new Error(`no answer within ${answerMsMax} ms`));
  }, answerMsMax);
  try {
    return await fetch(`${api.url}${path}`, {
      headers: { Authorization: `Bearer ${api.key}`, ...headers },
      signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
    });
  } finally {
    clearTimeout(timer);
  }
}

/** What a refusal says of itself; its text, if it is no problem document. */
export async function problemOf(reply: Response): Promise<Problem> {
  const text = await reply.text();
  try {
    return Problem.parse(JSON.parse(text));
  } catch {
    return Problem.parse({ detail: text.slice(0, 300) });
  }
}

/** The last word of a problem's type: its code. */
export function codeOf({ type }: Problem): string {
  return type.slice(type.lastIndexOf(":") + 1);
}
