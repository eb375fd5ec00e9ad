/**
 * The routes that only local mode has, all for the admin secret:
 *
 *     GET  /v1/local/clock                      the virtual time
 *     POST /v1/local/clock {"now":"<RFC 3339>"} moves it; answered when everything that fell due has run
 *     POST /v1/local/cron                       runs the cron once, now; answered when it is done
 */
import * as z from "zod";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { epochMs, isoOf } from "../../domain/hour.ts";
import { retryAfterSeconds } from "../../domain/limits.ts";
import { unreachable } from "../../domain/refusal.ts";
import { emptySnapshot } from "../../domain/snapshot.ts";
import type {
  ClockRefusal,
  LocalClock,
  LocalClockEnv,
} from "../../durable-objects/local-clock/local-clock.ts";
import { type AuthEnv, authenticate } from "../../platform/auth.ts";
import { readClock } from "../../platform/clock.ts";
import { problemOf } from "../../platform/problem.ts";

export interface LocalRoutesEnv extends LocalClockEnv, AuthEnv {
  readonly LOCAL_CLOCK: DurableObjectNamespace<LocalClock>;
}

const Move = z.strictObject({ now: z.string() });

export function isLocalRoute(request: Request): boolean {
  return new URL(request.url).pathname.startsWith("/v1/local/");
}

export async function localRoute(
  request: Request,
  env: LocalRoutesEnv,
  cron: () => Promise<void>,
): Promise<Response> {
  // No snapshot, no keys: the admin secret is the only one left.
  const admin = authenticate(request, emptySnapshot, env, await readClock(env));
  if (!admin.ok) return problemOf(admin.reason);
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "GET /v1/local/clock":
      return Response.json({ now: isoOf(await readClock(env)) });
    case "POST /v1/local/clock":
      return move(request, env);
    case "POST /v1/local/cron":
      await cron();
      return Response.json({ now: isoOf(await readClock(env)) });
    default:
      return problemOf({ code: "not_found" });
  }
}

async function move(request: Request, env: LocalRoutesEnv): Promise<Response> {
  const body = Move.safeParse(await request.json().catch(() => null));
  const toMs = body.success ? parseTimestamp(body.data.now) : null;
  if (toMs === null) {
    const detail = 'Send {"now":"<RFC 3339 time>"}, for example {"now":"2026-11-23T10:00:00Z"}.';
    return problemOf({ code: "invalid_request", detail });
  }
  const moved = await env.LOCAL_CLOCK.getByName("clock").set(toMs);
  if (!moved.ok) return refusalOf(moved.reason);
  const { nowMs, alarmsRun, failures } = moved.value;
  return Response.json({ now: isoOf(epochMs(nowMs)), alarmsRun, failures });
}

function refusalOf(reason: ClockRefusal): Response {
  const now = isoOf(epochMs(reason.nowMs));
  switch (reason.code) {
    case "backwards":
      return problemOf({
        code: "conflict",
        detail: `The clock stands at ${now} and only goes forward; for an earlier time start with fresh data.`,
      });
    case "restless":
      return problemOf({
        code: "unavailable",
        retryAfterSeconds,
        detail: `${reason.alarmsRun} alarms ran and more keep falling due; the clock stands at ${now}. Ask again.`,
      });
    default:
      return unreachable(reason);
  }
}
