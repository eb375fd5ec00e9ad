/** What the ops routes share: the environment, bodies in and out, and refusals as values. */
import * as z from "zod";
import { opsBodyBytesMax } from "../../../domain/limits.ts";
import { type EpochMs, type Hour, HourText, parseHour } from "../../../domain/hour.ts";
import type { EventType } from "../../../domain/ids.ts";
import { type RequestRefusal, type Result, no, ok } from "../../../domain/refusal.ts";
import { TypeName } from "../../../domain/stream.ts";
import type { AuthEnv } from "../../../platform/auth.ts";
import type { BucketNamespace, LedgerNamespace, ShardNamespace } from "../../../platform/stubs.ts";

export interface OpsEnv extends AuthEnv {
  readonly CATALOG: D1Database;
  readonly EVENTS: R2Bucket;
  readonly HOUR_BUCKET: BucketNamespace;
  readonly EVENT_SHARD: ShardNamespace;
  readonly EDGE_LEDGER: LedgerNamespace;
}

/** One request that may do what it asks for. */
export interface OpsCall {
  readonly request: Request;
  readonly env: OpsEnv;
  readonly now: EpochMs;
  /** Names the key that asks; `admin` is the secret. */
  readonly keyId: string;
  readonly scopes: readonly string[];
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Keeps work going that must not end with the client's connection. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

export type OpsReply = Result<Response, RequestRefusal>;

/** Nothing here may be kept by a cache: every answer depends on the key. */
export function json(value: unknown, status = 200): Response {
  return new Response(`${JSON.stringify(value, null, 2)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

/** The request's JSON by this schema; an empty body is `{}`. */
export async function readBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  bytesMax = opsBodyBytesMax,
): Promise<Result<z.output<Schema>, RequestRefusal>> {
  const text = await readText(request, bytesMax);
  if (!text.ok) return text;
  let value: unknown;
  try {
    value = text.value.trim() === "" ? {} : JSON.parse(text.value);
  } catch {
    return no({ code: "unreadable_body", detail: "The body is not JSON; send one JSON object." });
  }
  return checked(schema, value);
}

/** A value by its schema, or `invalid_request` with what is wrong, by field. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Result<z.output<Schema>, RequestRefusal> {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? ok(parsed.data)
    : no({ code: "invalid_request", detail: z.prettifyError(parsed.error) });
}

export function typeParam(call: OpsCall): Result<EventType, RequestRefusal> {
  return checked(TypeName, call.params["type"]);
}

export function addressParams(
  call: OpsCall,
): Result<{ readonly type: EventType; readonly hour: Hour }, RequestRefusal> {
  const given = call.params["hour"] ?? "";
  if (parseHour(given) === null) return no({ code: "malformed_hour", where: "the path", given });
  return checked(z.object({ type: TypeName, hour: HourText }), call.params);
}

/** The query by its schema. Its hours are refused as the path's is; a number over its bound is told the bound. */
export function checkedQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: URLSearchParams,
): Result<z.output<Schema>, RequestRefusal> {
  const given: Readonly<Record<string, string>> = Object.fromEntries(query);
  for (const where of ["from", "to"]) {
    const text = given[where];
    if (text !== undefined && parseHour(text) === null) {
      return no({ code: "malformed_hour", where, given: text });
    }
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return ok(parsed.data);
  for (const issue of parsed.error.issues) {
    if (issue.code === "too_big" && issue.origin === "number")
      return no({ code: "too_much", what: issue.path.join("."), limit: Number(issue.maximum) });
  }
  return no({ code: "invalid_request", detail: z.prettifyError(parsed.error) });
}

async function readText(request: Request, bytesMax: number): Promise<Result<string, RequestRefusal>> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of chunksOf(request)) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      return no({ code: "body_too_large", limitBytes: bytesMax, inflated: false });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return ok(text + decoder.decode());
}

async function* chunksOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  for await (const chunk of body) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
