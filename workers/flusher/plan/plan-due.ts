/**
 * Planning the shards of the coming hours: what was seen from the catalog, the decision from domain/planner.ts, and back
 * into the catalog with its reasons; then the snapshot, which edges read.
 *
 * Promises: repeats safely, alone or beside another one; sealing and auditing never wait for it, and an hour that is not
 * planned goes by the last plan. Nothing here decides what a bucket does: it fixes its own plan when it opens.
 */
import { type EpochMs, plusHours } from "../../../domain/hour.ts";
import { streamsPlannedPerRunMax } from "../../../domain/limits.ts";
import { plannedShards, withPlanned } from "../../../domain/planned.ts";
import { hoursLookedAt, newestSeen, planHours, plannableHour } from "../../../domain/planner.ts";
import {
  type PlannedHour,
  recordPlans,
  sightings,
  unplannedStreams,
} from "../../../platform/catalog/plans.ts";
import { log } from "../../../platform/log.ts";
import { type SnapshotWriterEnv, repairSnapshot } from "../../../platform/snapshot.ts";

export interface PlanCounts {
  /** Streams whose next hour is planned. */
  readonly progress: number;
  /** … of which with another number of shards than the hour before. */
  readonly moved: number;
}

/** One round. */
export async function planDue(env: SnapshotWriterEnv, now: EpochMs): Promise<PlanCounts> {
  const hour = plannableHour(now);
  if (hour === null) return { progress: 0, moved: 0 };
  const streams = await unplannedStreams(env.CATALOG, hour, streamsPlannedPerRunMax);
  const waiting = streams.map((stream) => {
    const newest = newestSeen(stream.settings.graceMs, now);
    return { ...stream, newest, hours: hoursLookedAt(hour, newest) };
  });
  if (waiting.length === 0) return { progress: 0, moved: 0 };
  const sighting = await sightings(
    env.CATALOG,
    waiting.map(({ type, hours }) => ({ type, hours })),
  );
  const plans = waiting.map(({ type, settings, firstHour, planned, newest }): PlannedHour => {
    const bounds = { ...settings, firstHour, shardsMax: settings.shardsMax ?? settings.shards };
    const before = plannedShards({ ...bounds, planned }, plusHours(hour, -1));
    const decisions = planHours(bounds, hour, before, newest, (seen) => sighting({ type, hour: seen }));
    const counts = decisions.map(({ shards }) => shards);
    return { type, decision: decisions[0], steps: planned, planned: withPlanned(planned, hour, counts) };
  });
  const moved = plans.filter(({ decision }) => decision.move !== "hold");
  for (const { type, decision } of moved) {
    const { shards, before, because } = decision;
    log("planner", decision.move, { type, hour, before, shards, because });
  }
  if (await recordPlans(env.CATALOG, plans, now)) await repairSnapshot(env, now);
  return { progress: plans.length, moved: moved.length };
}
