/** `/v1/audit/streams/:type`: one stream, how its last hours went, and what the newest manifests count. */
import * as z from "zod";
import { drainedOf } from "../../../../domain/drain.ts";
import { type Hour, hourOf, isoOf, plusHours } from "../../../../domain/hour.ts";
import type { EventType } from "../../../../domain/ids.ts";
import { planAheadHours, recentHoursMax } from "../../../../domain/limits.ts";
import { shardsNeeded } from "../../../../domain/load.ts";
import { plannedShards } from "../../../../domain/planned.ts";
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
import { hearEvents } from "../../audit/hear-events.ts";
import { type OpsCall, type OpsReply, checkedQuery, typeParam } from "../http.ts";
import { unknownStream } from "../streams.ts";
import { sampleQuarantine } from "./quarantine-sample.ts";
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
  const [recent, quarantine, live] = await Promise.all([
    recentHours(call, type.value, sealed),
    sampleQuarantine(env, type.value, sealed, range),
    liveQuarantined(call, type.value, sealed),
  ]);
  const {
    type: _type,
    firstHour,
    earliestHour: _earliest,
    planned: _planned,
    drain,
    ...settings
  } = found.stream;
  const reply: StreamReply = {
    format: 1,
    type: type.value,
    settings,
    version: found.version,
    firstHour,
    updatedAt: isoOf(found.updatedAtMs),
    drained: drainedOf(drain),
    targetLatenessMs: targetLatenessOf(settings),
    from: range.from,
    states: gridLine(
      { ...found.stream, nextHour: found.nextHour, end: found.end },
      buckets.get(type.value) ?? [],
      range,
      now,
    ),
    ...series(sealed, range, live),
    ahead: Array.from({ length: planAheadHours }, (_, ahead) => plusHours(hourOf(now), ahead)).map(
      (hour) => ({
        hour,
        shards: plannedShards(found.stream, hour),
      }),
    ),
    quarantine,
    recent,
  };
  return tagged(call, reply);
}

function series(
  sealed: readonly SealedHour[],
  range: { readonly from: SealedHour["hour"]; readonly hours: number },
  live: ReadonlyMap<Hour, number>,
): Pick<StreamReply, "rows" | "bytes" | "latenessMs" | "planned" | "needed" | "quarantined"> {
  const known = new Map(sealed.map((entry) => [entry.hour, entry]));
  const names = Array.from({ length: range.hours }, (_, index) => plusHours(range.from, index));
  const hours = names.map((hour) => known.get(hour));
  const loads = hours.map((entry) => entry?.load ?? null);
  return {
    // Of an hour in which nothing came nobody fixed a plan.
    planned: loads.map((load) => (load === null || load.shards === 0 ? null : load.shards)),
    needed: loads.map((load) => (load === null ? null : shardsNeeded(load))),
    quarantined: loads.map((load, index) =>
      load === null ? (live.get(names[index] ?? range.from) ?? null) : (load.quarantined ?? 0),
    ),
    rows: hours.map((entry) => entry?.rows ?? null),
    bytes: hours.map((entry) => entry?.bytes ?? null),
    latenessMs: hours.map((entry) =>
      entry === undefined ? null : sealLatenessMs(entry.hour, entry.sealed_at_ms),
    ),
  };
}

/** The current hour and the one before it, as the ledgers have them: a flood is to be seen while it goes on. */
async function liveQuarantined(
  { env, now }: OpsCall,
  type: EventType,
  sealed: readonly SealedHour[],
): Promise<ReadonlyMap<Hour, number>> {
  const audited = new Set(sealed.filter(({ load }) => load !== null).map(({ hour }) => hour));
  const current = hourOf(now);
  const hours = [plusHours(current, -1), current].filter((hour) => !audited.has(hour));
  const heard = await Promise.all(
    hours.map(async (hour) => ({ hour, ...(await hearEvents(env.EDGE_LEDGER, { type, hour })) })),
  );
  return new Map(
    heard.flatMap(({ hour, events }) => (events === null ? [] : [[hour, events.quarantined ?? 0]])),
  );
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
