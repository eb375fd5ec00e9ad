/** Plays the world hour by hour, with production's decision, and adds up what it cost. */
import { type Hour, endOf, epochMs, hourNumber, plusHours, startOf } from "../../domain/hour.ts";
import {
  graceMsDefault,
  identitiesPerShardMax,
  overdueMs,
  planLeadMs,
  shardRowsTarget,
  shardsMax,
} from "../../domain/limits.ts";
import { type PlanStep, plannedShards, withPlanned } from "../../domain/planned.ts";
import {
  type PlanDecision,
  type Sighting,
  newestSeen,
  planHours,
  plannableHour,
} from "../../domain/planner.ts";
import {
  type PlayedHour,
  busiestOf,
  firstHour,
  incidentAt,
  incidents,
  play,
  shownFrom,
  weekHours,
} from "./world.ts";

const bounds = { firstHour, graceMs: graceMsDefault, shards: 1, shardsMax };

export interface SimulatedHour {
  readonly hour: Hour;
  readonly decision: PlanDecision | null;
  readonly used: number;
  /** The fewest shards of which none has more than the planner's target. */
  readonly needed: number;
  /** The fewest of which none spills. */
  readonly least: number;
  readonly played: PlayedHour;
}

/** The second week, after a first one to learn from. */
export function simulate(): readonly SimulatedHour[] {
  let steps: readonly PlanStep[] = [];
  const hours = new Map<Hour, SimulatedHour>();
  for (let no = 0; no < 2 * weekHours; no++) {
    const hour = plusHours(firstHour, no);
    const now = epochMs(startOf(hour) - planLeadMs);
    let decision: PlanDecision | null = null;
    if (plannableHour(now) === hour) {
      const before = plannedShards({ ...bounds, planned: steps }, plusHours(hour, -1));
      const newest = newestSeen(bounds.graceMs, now);
      const decisions = planHours(bounds, hour, before, newest, (seen) => sightingAt(now, seen, hours));
      steps = withPlanned(
        steps,
        hour,
        decisions.map(({ shards }) => shards),
      );
      decision = decisions[0];
    }
    const used = plannedShards({ ...bounds, planned: steps }, hour);
    const played = play(hour, used);
    hours.set(hour, {
      hour,
      decision,
      used,
      needed: fewest(played.rows, shardRowsTarget),
      least: fewest(played.rows, identitiesPerShardMax),
      played,
    });
  }
  return [...hours.values()].filter(({ hour }) => hour >= shownFrom);
}

/** What the catalog knows of an hour at this time. */
function sightingAt(now: number, hour: Hour, hours: ReadonlyMap<Hour, SimulatedHour>): Sighting {
  const known = hours.get(hour);
  const incident = incidentAt(hour);
  const sealed =
    incident?.unsealed === true
      ? endOf(plusHours(shownFrom, incident.until - 1)) + bounds.graceMs + overdueMs
      : endOf(hour) + bounds.graceMs;
  return known === undefined || now < sealed ? null : { load: known.played.load, settled: true };
}

function fewest(rows: number, rowsPerShard: number): number {
  for (let shards = 1; shards < shardsMax; shards++) {
    if (busiestOf(rows, shards) <= rowsPerShard) return shards;
  }
  return shardsMax;
}

export interface Summary {
  readonly name: string;
  readonly hours: number;
  readonly used: number;
  readonly needed: number;
  readonly short: number;
  readonly rows: number;
  readonly spilledRows: number;
  readonly turnedAwayRows: number;
}

/** Hours without an incident, each incident with the two hours after it began, and all of the week. */
export function summaries(hours: readonly SimulatedHour[]): readonly Summary[] {
  const quiet = hours.filter(({ hour }) => incidentAt(hour) === null);
  return [
    summary("quiet hours", quiet),
    ...incidents.map(({ name, from, until }) =>
      summary(
        name,
        hours.filter(({ hour }) => {
          const at = hourNumber(hour) - hourNumber(shownFrom);
          return at >= from && at < until;
        }),
      ),
    ),
    summary("the week", hours),
  ];
}

function summary(name: string, hours: readonly SimulatedHour[]): Summary {
  const sum = (of: (hour: SimulatedHour) => number): number =>
    hours.reduce((total, hour) => total + of(hour), 0);
  return {
    name,
    hours: hours.length,
    used: sum(({ used }) => used),
    needed: sum(({ needed }) => needed),
    short: hours.filter(({ used, least }) => used < least).length,
    rows: sum(({ played }) => played.rows),
    spilledRows: sum(({ played }) => played.spilledRows),
    turnedAwayRows: sum(({ played }) => played.turnedAwayRows),
  };
}
