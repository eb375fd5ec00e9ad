/** `/v1/audit/streams/:type`: one stream, how its last hours went, and what the newest manifests count. */
import * as z from "zod";
import { isoOf, plusHours } from "../../../../domain/hour.ts";
import type { EventType } from "../../../../domain/ids.ts";
import { recentHoursMax } from "../../../../domain/limits.ts";
import { no } from "../../../../domain/refusal.ts";
import { gridLine } from "../../../../domain/view/grid.ts";
import {
  type RecentHour,
  type StreamReply,
  recentHour,
  sealLatenessMs,
  targetLatenessOf,
} from "../../../../domain/view/stream.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { type SealedHour, gridBuckets, sealedHours } from "../../../../platform/catalog/views.ts";
import { r2Objects } from "../../../../platform/objects.ts";
import { type OpsCall, type OpsReply, checkedQuery, typeParam } from "../http.ts";
import { unknownStream } from "../streams.ts";
import { readManifest } from "./read-manifest.ts";
import { rangeOf, rangeQuery, tagged } from "./reply.ts";

const StreamQuery = z.strictObject(rangeQuery);

export async function streamViewRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const wanted = checkedQuery(StreamQuery, call.query);
  if (!wanted.ok) return wanted;
  const { env, now } = call;
  const found = await getStream(env.CATALOG, type.value);
  if (found === null) return no(await unknownStream(env, type.value));
  const range = rangeOf(wanted.value, now);
  const one = { first: type.value, last: type.value };
  const [buckets, sealed] = await Promise.all([
    gridBuckets(env.CATALOG, one, range),
    sealedHours(env.CATALOG, type.value, range),
  ]);
  const { type: _type, firstHour, earliestHour: _earliest, planned: _planned, ...settings } = found.stream;
  const reply: StreamReply = {
    format: 1,
    type: type.value,
    settings,
    version: found.version,
    firstHour,
    updatedAt: isoOf(found.updatedAtMs),
    targetLatenessMs: targetLatenessOf(settings),
    from: range.from,
    states: gridLine(
      { ...found.stream, nextHour: found.nextHour, end: found.end },
      buckets.get(type.value) ?? [],
      range,
      now,
    ),
    ...series(sealed, range),
    recent: await recentHours(call, type.value, sealed),
  };
  return tagged(call, reply);
}

function series(
  sealed: readonly SealedHour[],
  range: { readonly from: SealedHour["hour"]; readonly hours: number },
): Pick<StreamReply, "rows" | "bytes" | "latenessMs"> {
  const known = new Map(sealed.map((entry) => [entry.hour, entry]));
  const hours = Array.from({ length: range.hours }, (_, index) => known.get(plusHours(range.from, index)));
  return {
    rows: hours.map((entry) => entry?.rows ?? null),
    bytes: hours.map((entry) => entry?.bytes ?? null),
    latenessMs: hours.map((entry) =>
      entry === undefined ? null : sealLatenessMs(entry.hour, entry.sealed_at_ms),
    ),
  };
}

/** An hour whose manifest cannot be read is left out: the audit says so, and the rest is shown. */
async function recentHours(
  { env }: OpsCall,
  type: EventType,
  sealed: readonly SealedHour[],
): Promise<RecentHour[]> {
  const objects = r2Objects(env.EVENTS);
  const newest = sealed.slice(-recentHoursMax);
  const manifests = await Promise.all(newest.map(({ hour }) => readManifest(objects, { type, hour })));
  return manifests.flatMap((manifest) => (manifest === null ? [] : [recentHour(manifest)]));
}
