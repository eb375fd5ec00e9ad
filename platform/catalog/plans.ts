/**
 * What the planner reads and writes: streams that wait for a plan, what their earlier hours asked of their shards, and
 * its decisions. Two planners may run at once: a stream's hour is planned by whoever writes it first.
 */
import * as z from "zod";
import { type EpochMs, type Hour, HourText, hourOf } from "../../domain/hour.ts";
import { type BucketAddress, EventType, bucketName } from "../../domain/ids.ts";
import { planHistoryMs } from "../../domain/limits.ts";
import { HourLoad } from "../../domain/load.ts";
import { type PlanStep, PlanSteps } from "../../domain/planned.ts";
import { type PlanDecision, type Sighting } from "../../domain/planner.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { addressColumns, addressOf, jsonColumn, rowsOf, timeColumn, workOf } from "./border.ts";
import { bumpVersion } from "./version.ts";

/** Streams in one statement: their decisions, or the hours they look at, stay far below D1's 2 MB. */
const streamsPerStatement = 100;

const UnplannedRow = z
  .object({
    type: EventType,
    settings: jsonColumn(StreamSettings),
    first_hour: HourText,
    planned: jsonColumn(PlanSteps),
  })
  .transform(({ first_hour: firstHour, ...row }) => ({ ...row, firstHour }));
export type UnplannedStream = z.output<typeof UnplannedRow>;

/**
 * Streams whose shards are left to the planner and that have no decision for this hour, the longest waiting first. One that
 * is drained keeps its plan: that nothing comes says nothing of what will.
 */
export async function unplannedStreams(
  db: D1Database,
  hour: Hour,
  limit: number,
): Promise<UnplannedStream[]> {
  return workOf(UnplannedRow, await selectUnplanned(db, hour, limit).all());
}

export function selectUnplanned(db: D1Database, hour: Hour, limit: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT type, settings, first_hour, planned FROM streams INDEXED BY streams_planned
       WHERE settings ->> '$.shardsMax' > settings ->> '$.shards' AND planned_hour < ?1 AND removed_at_ms IS NULL
         AND drain IS NULL
       ORDER BY planned_hour, type LIMIT ?2`,
    )
    .bind(hour, limit);
}

const SightingRow = z.object({
  ...addressColumns,
  balanced: z.number(),
  load: jsonColumn(HourLoad).nullable(),
});

/** What is known of these hours. One that has no row, or whose load nobody could count, is not in it. */
export async function sightings(
  db: D1Database,
  streams: readonly { readonly type: EventType; readonly hours: readonly Hour[] }[],
): Promise<(address: BucketAddress) => Sighting> {
  const found = new Map<string, Sighting>();
  for (let at = 0; at < streams.length; at += streamsPerStatement) {
    const select = db
      .prepare(
        `SELECT buckets.type, buckets.hour, coalesce(verdict = 'balanced', 0) AS balanced, load
         FROM json_each(?1) AS stream
         JOIN json_each(stream.value, '$.hours') AS wanted
         JOIN buckets ON buckets.type = stream.value ->> '$.type' AND buckets.hour = wanted.value
         WHERE load IS NOT NULL`,
      )
      .bind(JSON.stringify(streams.slice(at, at + streamsPerStatement)));
    for (const { load, balanced, ...row } of workOf(SightingRow, await select.all())) {
      if (load !== null) found.set(bucketName(addressOf(row)), { load, settled: balanced === 1 });
    }
  }
  return (address) => found.get(bucketName(address)) ?? null;
}

export interface PlannedHour {
  readonly type: EventType;
  readonly decision: PlanDecision;
  /** What it was decided on. */
  readonly steps: readonly PlanStep[];
  readonly planned: readonly PlanStep[];
}

/**
 * Records decisions, and drops those that are too old to matter. True if edges have something new to read; a stream that
 * somebody else planned meanwhile keeps that plan.
 */
export async function recordPlans(
  db: D1Database,
  plans: readonly PlannedHour[],
  now: EpochMs,
): Promise<boolean> {
  let changed = false;
  for (let at = 0; at < plans.length; at += streamsPerStatement) {
    const slice = plans.slice(at, at + streamsPerStatement);
    const json = JSON.stringify(
      slice.map(({ type, decision, steps, planned }) => ({
        type,
        hour: decision.hour,
        decision: JSON.stringify(decision),
        steps: JSON.stringify(steps),
        planned: JSON.stringify(planned),
      })),
    );
    const news = slice.some(({ steps, planned }) => JSON.stringify(steps) !== JSON.stringify(planned));
    await db.batch([
      insertDecisions(db).bind(json, now),
      updateSteps(db).bind(json),
      ...(news ? [bumpVersion(db)] : []),
    ]);
    changed ||= news;
  }
  await db
    .prepare("DELETE FROM plans WHERE hour < ?1")
    .bind(hourOf((now - planHistoryMs) as EpochMs))
    .run();
  return changed;
}

/** Both statements act only on streams that still have the steps which the decision was made on. */
const stillThere = `streams.type = plan.value ->> '$.type'
  AND streams.planned = plan.value ->> '$.steps'
  AND streams.planned_hour < plan.value ->> '$.hour'`;

function insertDecisions(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `INSERT OR IGNORE INTO plans (type, hour, decision, decided_at_ms)
     SELECT streams.type, plan.value ->> '$.hour', plan.value ->> '$.decision', ?2
     FROM json_each(?1) AS plan JOIN streams ON ${stillThere}`,
  );
}

function updateSteps(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `UPDATE streams SET planned = plan.value ->> '$.planned', planned_hour = plan.value ->> '$.hour'
     FROM json_each(?1) AS plan WHERE ${stillThere}`,
  );
}

/** Only ever written here, so it is answered as it is. */
const DecisionRow = z
  .object({ hour: HourText, decision: jsonColumn(z.looseObject({})), decided_at_ms: timeColumn })
  .transform(({ decided_at_ms: decidedAtMs, hour, decision }) => ({ hour, decision, decidedAtMs }));
export type KeptDecision = z.output<typeof DecisionRow>;

/** The newest decisions about a stream, newest first. */
export async function listDecisions(db: D1Database, type: EventType, limit: number): Promise<KeptDecision[]> {
  const select = db
    .prepare("SELECT hour, decision, decided_at_ms FROM plans WHERE type = ?1 ORDER BY hour DESC LIMIT ?2")
    .bind(type, limit);
  return rowsOf(DecisionRow, await select.all());
}
