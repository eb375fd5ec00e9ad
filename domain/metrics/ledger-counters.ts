/**
 * What the ledgers add to the counters. Hours that are over are added durably, once each and in order; the hours since
 * are asked for whenever somebody looks, so that a counter is exact to the last report and never goes back.
 */
import { type EpochMs, type Hour, endOf, hourNumber, hourOf, plusHours } from "../hour.ts";
import type { LedgerTotals } from "../ledger.ts";
import { foldHoursMax, ledgerRestMs } from "../limits.ts";

/** Counters by name: `events_received`, `events_<outcome>`, and what only hours that are over can say. */
export function countersOf({
  events,
  edges,
  unresolvedAppends,
  strayOutcomes,
}: LedgerTotals): Readonly<Record<string, number>> {
  return {
    ...liveCountersOf({ events }),
    edge_lives: edges,
    unresolved_appends: unresolvedAppends,
    stray_outcomes: strayOutcomes,
  };
}

/** Of an hour that goes on: what only ever grows. */
export function liveCountersOf({ events }: Pick<LedgerTotals, "events">): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(events).map(([outcome, count]) => [`events_${outcome}`, count ?? 0]),
  );
}

/** The hours to add now, oldest first. An hour is over when no edge can report of it any more. Nothing was added: it begins with the current hour. */
export function hoursToFold(through: Hour | null, now: EpochMs): readonly Hour[] {
  const hours: Hour[] = [];
  for (let hour = firstUnfolded(through, now); hours.length < foldHoursMax; hour = plusHours(hour, 1)) {
    if (endOf(hour) + ledgerRestMs > now) break;
    hours.push(hour);
  }
  return hours;
}

/** The hours that a reader adds: those that are not added yet. Behind by more than the bound, the oldest ones. */
export function liveHours(through: Hour | null, now: EpochMs): readonly Hour[] {
  const first = firstUnfolded(through, now);
  const count = Math.min(foldHoursMax, hourNumber(hourOf(now)) - hourNumber(first) + 1);
  return Array.from({ length: Math.max(0, count) }, (_, index) => plusHours(first, index));
}

function firstUnfolded(through: Hour | null, now: EpochMs): Hour {
  return through === null ? hourOf(now) : plusHours(through, 1);
}
