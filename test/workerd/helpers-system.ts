/**
 * The whole Worker from outside: requests through its own `fetch`, time moved by hand, cron run by hand.
 *
 * The handler is called from the test, and not through `exports`: the test runner turns off what lets a request wake
 * another one (the compatibility flag `handle_cross_request_promise_resolution`), on which the edge's reports rest.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import * as z from "zod";
import type { Hour } from "../../domain/hour.ts";
import { ledgerName } from "../../domain/ids.ts";
import { ledgersPerHour } from "../../domain/limits.ts";
import { Finding } from "../../domain/verdict.ts";
import worker, { type EdgeLedger } from "../../workers/index.ts";

interface Call {
  readonly key?: string | null;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  readonly headers?: Readonly<Record<string, string>>;
}

const IncomingRequest = Request<unknown, IncomingRequestCfProperties>;
const contexts: ExecutionContext[] = [];

/** One request, with the admin key unless another one (or null: none) is given. */
export function call(
  line: string,
  { key = env.HOURSEAL_ADMIN_KEY, body, headers = {} }: Call = {},
): Promise<Response> {
  const [method = "", path = ""] = line.split(" ");
  const request = new IncomingRequest(`https://hourseal.test${path}`, {
    method,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const ctx = createExecutionContext();
  contexts.push(ctx);
  return worker.fetch(request, env, ctx);
}

/** Resolves when all that requests left to be done after their answers is done: edges report a moment later. */
export async function settled(): Promise<void> {
  await Promise.all(contexts.splice(0).map((ctx) => waitOnExecutionContext(ctx)));
}

const KeyReply = z.looseObject({ key: z.string() });

export async function newKey(...scopes: string[]): Promise<string> {
  return KeyReply.parse(await (await call("POST /v1/keys", { body: JSON.stringify({ scopes }) })).json()).key;
}

export async function register(type: string, settings: object = {}): Promise<void> {
  const response = await call(`PUT /v1/streams/${encodeURIComponent(type)}`, {
    body: JSON.stringify(settings),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
}

export interface TestEvent {
  readonly [attribute: string]: unknown;
  readonly type: string;
  readonly id: string;
}

export function eventOf(
  type: string,
  id: number | string,
  more: Readonly<Record<string, unknown>> = {},
): TestEvent {
  return { specversion: "1.0", source: "test", type, id: String(id), ...more };
}

/** Posts events as JSON. */
export function post(
  key: string,
  events: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = typeof events === "string" ? events : JSON.stringify(events);
  return call("POST /v1/events", { key, body, headers: { "content-type": "application/json", ...headers } });
}

/** What a post came to: its status, and its body whatever that is. */
export async function answer(
  response: Response | Promise<Response>,
): Promise<{ status: number; body: unknown }> {
  const { status } = await response;
  return { status, body: await (await response).json() };
}

export function ledgersOf(hour: Hour): (() => DurableObjectStub<EdgeLedger>)[] {
  return Array.from(
    { length: ledgersPerHour },
    (_, slot) => () => env.EDGE_LEDGER.getByName(ledgerName(hour, slot)),
  );
}

const Fault = z.looseObject({
  type: z.string(),
  hour: z.string(),
  verdict: z.string(),
  why: z.string(),
  findings: z.array(Finding),
});
const Report = z.looseObject({
  totals: z.record(z.string(), z.number()),
  rows: z.number(),
  notBalanced: z.array(Fault),
});

export async function report(type: string): Promise<z.infer<typeof Report>> {
  return Report.parse(await (await call(`GET /v1/audit/report?type=${encodeURIComponent(type)}`)).json());
}

/** Calls of one method of the objects of a namespace go through `instead`, until mocks are restored. */
export function intercept(
  namespace: { getByName(name: string): object },
  method: string,
  instead: (act: () => Promise<unknown>, name: string) => Promise<unknown>,
): void {
  const getByName = namespace.getByName.bind(namespace);
  vi.spyOn(namespace, "getByName").mockImplementation((name) => {
    const stub = getByName(name);
    return new Proxy(stub, {
      get: (target, member): unknown => {
        const value: unknown = Reflect.get(target, member);
        if (member !== method || typeof value !== "function") return value;
        return (...given: unknown[]) =>
          instead(() => Reflect.apply(value, target, given) as Promise<unknown>, name);
      },
    });
  });
}
