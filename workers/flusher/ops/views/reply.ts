/**
 * What the pages for operators share. They ask again and again, so an answer carries a tag of its content, and one that
 * has not changed is 304 without a body. What moves with the clock alone is not in the body: the time of the clock that
 * decides is in the header `hourseal-now`.
 */
import * as z from "zod";
import { noneMatchNames } from "../../../../domain/etag.ts";
import { type EpochMs, type Hour, HourText, hourOf, isoOf, plusHours } from "../../../../domain/hour.ts";
import { viewHoursMax } from "../../../../domain/limits.ts";
import { ok } from "../../../../domain/refusal.ts";
import { sha256Hex } from "../../../../platform/objects.ts";
import type { OpsCall, OpsReply } from "../http.ts";

export async function tagged({ request, now }: OpsCall, value: object): Promise<OpsReply> {
  const bytes = new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));
  const etag = `"${(await sha256Hex(bytes)).slice(0, 32)}"`;
  // Every answer depends on the key: only who asked may keep it, and asks again before it is used.
  const headers = { etag, "cache-control": "private, no-cache", "hourseal-now": isoOf(now) };
  if (noneMatchNames(request.headers.get("if-none-match"), etag)) {
    return ok(new Response(null, { status: 304, headers }));
  }
  return ok(new Response(bytes, { headers: { ...headers, "content-type": "application/json" } }));
}

/** The hours a page shows: `hours` of them, up to `to` (exclusive), or to the current one. */
export const rangeQuery = {
  to: HourText.optional(),
  hours: z.coerce.number().int().min(1).max(viewHoursMax).default(168),
} as const;

export function rangeOf(
  { to, hours }: { readonly to?: Hour | undefined; readonly hours: number },
  now: EpochMs,
): { readonly from: Hour; readonly to: Hour; readonly hours: number } {
  const end = to ?? plusHours(hourOf(now), 1);
  return { from: plusHours(end, -hours), to: end, hours };
}
