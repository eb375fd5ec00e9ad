/** Asks an ops route as a client does, at a fixed time. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as z from "zod";
import type { EpochMs } from "../../../domain/hour.ts";
import { handleOps } from "../../../workers/flusher/ops/index.ts";
import { at } from "../helpers.ts";

export const noon = at("2026-11-23T12:00:00Z");

interface Asked {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly now?: EpochMs;
  readonly env?: Partial<Parameters<typeof handleOps>[1]>;
}

/** One request to the ops routes, with the admin key unless another one (or null: none) is given. */
export async function ask(line: string, asked: Asked = {}): Promise<Response> {
  const [method = "", path = ""] = line.split(" ");
  const { key = env.HOURSEAL_ADMIN_KEY, body, headers = {}, now = noon } = asked;
  const request = new Request(`https://hourseal.test${path}`, {
    method,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const ctx = createExecutionContext();
  const response = await handleOps(request, { ...env, ...asked.env }, ctx, now);
  await waitOnExecutionContext(ctx);
  return response;
}

const Created = z.looseObject({ id: z.string(), key: z.string() });

export async function newKey(...scopes: string[]): Promise<{ readonly id: string; readonly key: string }> {
  return Created.parse(await (await ask("POST /v1/keys", { body: { scopes } })).json());
}
