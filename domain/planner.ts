/**
 * How many shards an hour that is not open yet is given, from what was seen of earlier ones.
 *
 * Promises:
 *  - up at once: one hour that says more is enough; down slowly: by a quarter an hour, and only if all that is looked at
 *    is there, is balanced, and failed nothing. A stream that fails looks idle.
 *  - an hour that was not seen speaks for nothing, neither for more nor for less.
 *  - never below the stream's `shards`, never above its `shardsMax`.
 *  - the same evidence gives the same decision, however often it is asked.
 * Does not: change an hour that is open, whose plan is fixed, or look inside an hour: what is too much for a shard within
 * its hour spills.
 */
import { type EpochMs, type Hour, hourOf, plusHours, startOf } from "./hour.ts";
import {
  lastHoursSeen,
  openEarlyMsMax,
  overdueMs,
  planAheadHours,
  planLeadMs,
  planPublishMs,
  plannedGrowthMax,
} from "./limits.ts";
import { type HourLoad, shardsNeeded } from "./load.ts";
import { withinBounds } from "./planned.ts";

/** What is known of an hour of the stream. `settled`: its audit is balanced. Null: it is not sealed, or not counted. */
export type Sighting = { readonly load: HourLoad; readonly settled: boolean } | null;

/** Why an hour cannot speak for fewer shards. `before_stream`: it never was, and there is nothing to doubt. */
export type Doubt = "missing" | "not_balanced" | "failed" | "before_stream";

export interface Evidence {
  readonly name: "last_hours" | "yesterday" | "last_week";
  readonly hour: Hour;
  /** Shards that the hour needed, times `growth`; null: it was not seen. */
  readonly needed: number | null;
  /** How much more came in the planned hour than in the newest seen one, both a day and a week before; 1: no more. */
  readonly growth: number;
  readonly doubt: Doubt | null;
}

export interface PlanDecision {
  readonly hour: Hour;
  readonly shards: number;
  /** Of the hour before. */
  readonly before: number;
  readonly move: "up" | "down" | "hold";
  /**
   * `slowly`: even fewer would do. `doubt`: fewer would do by what was seen, and not all was.
   * `minimum`, `maximum`: the evidence asks for less, or more, than the owner allows.
   */
  readonly because: "load" | "slowly" | "enough" | "doubt" | "minimum" | "maximum" | "nothing_seen";
  /** Shards that the evidence asks for; null: nothing was seen. */
  readonly needed: number | null;
  readonly evidence: readonly Evidence[];
}

/** A stream whose owner leaves its shards to the planner. */
export interface PlannableStream {
  readonly firstHour: Hour;
  readonly graceMs: number;
  readonly shards: number;
  readonly shardsMax: number;
}

/**
 * The hour to plan at this time; null: the next one is too far away to have seen the last, or about to open. What was
 * planned ahead then holds.
 */
export function plannableHour(now: EpochMs): Hour | null {
  const hour = hourOf((now + planLeadMs) as EpochMs);
  return startOf(hour) - now >= openEarlyMsMax + planPublishMs ? hour : null;
}

/** The newest hour that should have been sealed and audited by now. */
export function newestSeen(graceMs: number, now: EpochMs): Hour {
  return plusHours(hourOf((now - graceMs - overdueMs) as EpochMs), -1);
}

/** The hours that planning from `hour` on looks at. */
export function hoursLookedAt(hour: Hour, newest: Hour): Hour[] {
  const hours = new Set<Hour>();
  for (let back = 0; back < lastHoursSeen; back++) hours.add(plusHours(newest, -back));
  for (const back of [day, week]) {
    hours.add(plusHours(newest, -back));
    for (let ahead = 0; ahead < planAheadHours; ahead++) hours.add(plusHours(hour, ahead - back));
  }
  return [...hours];
}

/** The hour and the ones after it, each planned on the one before. */
export function planHours(
  stream: PlannableStream,
  hour: Hour,
  before: number,
  newest: Hour,
  sighting: (hour: Hour) => Sighting,
): readonly [PlanDecision, ...PlanDecision[]] {
  const decisions: [PlanDecision, ...PlanDecision[]] = [planHour(stream, hour, before, newest, sighting)];
  for (let ahead = 1; ahead < planAheadHours; ahead++) {
    const { shards } = decisions[ahead - 1] ?? decisions[0];
    decisions.push(planHour(stream, plusHours(hour, ahead), shards, newest, sighting));
  }
  return decisions;
}

const day = 24;
const week = 7 * day;

export function planHour(
  stream: PlannableStream,
  hour: Hour,
  planned: number,
  newest: Hour,
  sighting: (hour: Hour) => Sighting,
): PlanDecision {
  const before = withinBounds(stream, planned);
  const evidence = evidenceFor(stream, hour, newest, sighting);
  const seen = evidence.flatMap(({ needed }) => (needed === null ? [] : [needed]));
  const decided = (
    shards: number,
    because: PlanDecision["because"],
    needed: number | null,
  ): PlanDecision => ({
    hour,
    shards,
    before,
    move: shards > before ? "up" : shards < before ? "down" : "hold",
    because,
    needed,
    evidence,
  });
  if (seen.length === 0) return decided(before, "nothing_seen", null);
  const needed = Math.max(1, Math.ceil(Math.max(...seen)));
  const wanted = withinBounds(stream, needed);
  const bound = wanted < needed ? "maximum" : wanted > needed ? "minimum" : null;
  if (wanted > before) return decided(wanted, bound ?? "load", needed);
  if (wanted === before) return decided(before, bound ?? "enough", needed);
  if (evidence.some(doubted)) return decided(before, "doubt", needed);
  const lowest = before - Math.max(1, Math.floor(before / 4));
  return wanted < lowest ? decided(lowest, "slowly", needed) : decided(wanted, bound ?? "load", needed);
}

/** A stream younger than a week has no last week to look at; one younger than a day is not taken down. */
function doubted({ name, doubt }: Evidence): boolean {
  return doubt !== null && !(name === "last_week" && doubt === "before_stream");
}

function evidenceFor(
  stream: PlannableStream,
  hour: Hour,
  newest: Hour,
  sighting: (hour: Hour) => Sighting,
): Evidence[] {
  const growths = [day, week].flatMap((back) =>
    growthOf(sighting(plusHours(newest, -back)), sighting(plusHours(hour, -back))),
  );
  const growth = growths.length === 0 ? 1 : Math.min(plannedGrowthMax, Math.max(1, Math.min(...growths)));
  const evidence: Evidence[] = [];
  for (let back = 0; back < lastHoursSeen; back++) {
    evidence.push(
      evidenceOf("last_hours", stream, plusHours(newest, -back), back === 0 ? growth : 1, sighting),
    );
  }
  evidence.push(evidenceOf("yesterday", stream, plusHours(hour, -day), 1, sighting));
  evidence.push(evidenceOf("last_week", stream, plusHours(hour, -week), 1, sighting));
  return evidence;
}

function evidenceOf(
  name: Evidence["name"],
  { firstHour }: PlannableStream,
  hour: Hour,
  growth: number,
  sighting: (hour: Hour) => Sighting,
): Evidence {
  const seen = sighting(hour);
  if (seen === null) {
    return { name, hour, needed: null, growth: 1, doubt: hour < firstHour ? "before_stream" : "missing" };
  }
  const doubt = seen.load.failed > 0 ? "failed" : seen.settled ? null : "not_balanced";
  return { name, hour, needed: shardsNeeded(seen.load) * growth, growth, doubt };
}

/** From one hour to a later one; none if either is in doubt: after an outage everything grows. */
function growthOf(from: Sighting, to: Sighting): number[] {
  if (from === null || to === null || from.load.rows === 0) return [];
  return [from, to].every(({ settled, load }) => settled && load.failed === 0)
    ? [to.load.rows / from.load.rows]
    : [];
}
