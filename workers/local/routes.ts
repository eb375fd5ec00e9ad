/**
 * The routes that only local mode has, all for the admin key:
 *
 *     GET  /v1/local/clock                      the virtual time
 *     POST /v1/local/clock {"now":"<RFC 3339>"} moves it; answered when everything that fell due has run
 *     POST /v1/local/cron                       runs the cron once, now; answered when it is done
 */
import * as z from "zod";
import type { LocalClockEnv, LocalClock } from "../../durable-objects/local-clock/local-clock.ts";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { epochMs, isoOf } from "../../domain/hour.ts";
import { readClock } from "../../platform/clock.ts";
import { unreachable } from "../../domain/refusal.ts";

export type LocalEnv = Env &
  LocalClockEnv & {
    readonly LOCAL_CLOCK: DurableObjectNamespace<LocalClock>;
    readonly HOURSEAL_ADMIN_KEY: string;
  };

const Move = z.strictObject({ now: z.string() });

export function isLocalRoute(request: Request): boolean {
  return new URL(request.url).pathname.startsWith("/v1/local/");
}

export async function localRoute(
  request: Request,
  env: LocalEnv,
  cron: () => Promise<void>,
): Promise<Response> {
  if (!(await isAdmin(request, env))) {
    return problem(401, "no_key", "This route takes the admin key: Authorization: Bearer <key>.", {
      "WWW-Authenticate": "Bearer",
    });
  }
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "GET /v1/local/clock":
      return Response.json({ now: isoOf(await readClock(env)) });
    case "POST /v1/local/clock":
      return move(request, env);
    case "POST /v1/local/cron":
      await cron();
      return Response.json({ now: isoOf(await readClock(env)) });
    default:
      return problem(
        404,
        "not_found",
        "Local mode has GET and POST /v1/local/clock, and POST /v1/local/cron.",
      );
  }
}

async function move(request: Request, env: LocalEnv): Promise<Response> {
  const body = Move.safeParse(await request.json().catch(() => null));
  const toMs = body.success ? parseTimestamp(body.data.now) : null;
  if (toMs === null) {
    return problem(
      400,
      "invalid_request",
      'Send {"now":"<RFC 3339 time>"}, for example {"now":"2026-11-23T10:00:00Z"}.',
    );
  }
  const moved = await env.LOCAL_CLOCK.getByName("clock").set(toMs);
  if (moved.ok) {
    const { nowMs, alarmsRun, failures } = moved.value;
    return Response.json({ now: isoOf(epochMs(nowMs)), alarmsRun, failures });
  }
  const { reason } = moved;
  const now = isoOf(epochMs(reason.nowMs));
  switch (reason.code) {
    case "backwards":
      return problem(
        409,
        "backwards",
        `The clock stands at ${now} and only goes forward; use a fresh --data.`,
      );
    case "restless":
      return problem(
        503,
        "restless",
        `${reason.alarmsRun} alarms ran and more keep falling due; the clock stands at ${now}. Ask again.`,
        { "Retry-After": "1" },
      );
    default:
      return unreachable(reason);
  }
}

/** Compares digests, so that the time taken tells nothing of the key. */
async function isAdmin(request: Request, env: LocalEnv): Promise<boolean> {
  const given = /^Bearer +(.+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (given === undefined || !env.HOURSEAL_ADMIN_KEY) return false;
  const [a, b] = await Promise.all([digest(given), digest(env.HOURSEAL_ADMIN_KEY)]);
  return crypto.subtle.timingSafeEqual(a, b);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

function problem(
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  const body = { type: `urn:hourseal:problem:${code}`, title: code.replaceAll("_", " "), status, detail };
  return Response.json(body, { status, headers: { ...headers, "Content-Type": "application/problem+json" } });
}
