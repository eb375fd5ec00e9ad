/** A client of the admin and local routes, for scripts. A problem reply becomes an error that says what it said. */
import * as z from "zod";
import { typeSegment } from "../../domain/segment.ts";
import { triesMax, waitAfter } from "./backoff.ts";

const Problem = z.looseObject({ title: z.string().optional(), detail: z.string().optional() });

export class ApiFailed extends Error {
  override readonly name = "ApiFailed";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Addresses that have answered this process. */
const answered = new Set<string>();

export interface Api {
  readonly url: string;
  readonly key: string;
}

/** Calls a route once and answers its JSON, null if it has none. Anything but 2xx throws `ApiFailed`. */
export async function callOnce(api: Api, method: string, path: string, body?: unknown): Promise<unknown> {
  return parsed((await textOnce(api, method, path, body)).text) ?? null;
}

interface Text {
  readonly text: string;
  readonly headers: Headers;
}

async function textOnce(api: Api, method: string, path: string, body?: unknown): Promise<Text> {
  let reply: Response;
  let text: string;
  try {
    reply = await fetch(`${api.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${api.key}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await reply.text();
  } catch (error) {
    throw new ApiFailed(0, `${api.url} cannot be reached (${causeOf(error)}); is it running?`);
  }
  answered.add(api.url);
  if (reply.ok) return { text, headers: reply.headers };
  const problem = Problem.safeParse(parsed(text));
  const said = problem.success ? (problem.data.detail ?? problem.data.title ?? text) : text;
  throw new ApiFailed(reply.status, `${method} ${path} answered ${reply.status}: ${said.slice(0, 500)}`);
}

/** The same, again and again while the answer is overload or none at all. Only for calls that may be repeated. */
export async function call(api: Api, method: string, path: string, body?: unknown): Promise<unknown> {
  return parsed((await callText(api, method, path, body)).text) ?? null;
}

/** The same, with the answer's characters and headers as they came. */
export async function callText(api: Api, method: string, path: string, body?: unknown): Promise<Text> {
  for (let tries = 1; ; tries++) {
    try {
      return await textOnce(api, method, path, body);
    } catch (error) {
      const again = error instanceof ApiFailed && [0, 429, 503].includes(error.status);
      // One that has never answered is not on its way back: the address is wrong, or nothing was started.
      if (!again || !answered.has(api.url) || tries === triesMax) throw error;
      await waitAfter(tries, 0);
    }
  }
}

/** Undici hides the reason of a network failure in `cause`. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}

const Clock = z.looseObject({ now: z.string(), failures: z.array(z.string()).default([]) });
export type Clock = z.infer<typeof Clock>;

export async function readClock(api: Api): Promise<Clock> {
  return Clock.parse(await call(api, "GET", "/v1/local/clock"));
}

/** Moves the virtual clock; what fell due has run when it resolves. */
export async function moveClock(api: Api, now: string): Promise<Clock> {
  return Clock.parse(await call(api, "POST", "/v1/local/clock", { now }));
}

/** Runs the cron once, by the virtual clock. */
export async function runCron(api: Api): Promise<void> {
  await call(api, "POST", "/v1/local/cron");
}

/** Registers a stream, or sets its settings. */
export async function putStream(api: Api, type: string, settings: object = {}): Promise<void> {
  await call(api, "PUT", `/v1/streams/${typeSegment(type)}`, settings);
}

const CreatedKey = z.looseObject({ key: z.string().min(1) });

/** Creates a key with these scopes; its text is in this answer and never again. */
export async function createKey(api: Api, scopes: readonly string[], note: string): Promise<string> {
  return CreatedKey.parse(await callOnce(api, "POST", "/v1/keys", { scopes, note })).key;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
