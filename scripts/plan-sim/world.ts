/**
 * The stream that `plan-sim` plays: two weeks of a day pattern from a few hundred sources of very different size. The first
 * week is quiet, so that the planner has days to look back to; in the second one things happen.
 */
import { type Hour, hourNumber, parseHour, plusHours } from "../../domain/hour.ts";
import { identitiesPerShardMax, overflowShardsMax } from "../../domain/limits.ts";
import type { HourLoad } from "../../domain/load.ts";
import { partitionHash } from "../../domain/plan.ts";

const HOURS_PER_DAY = 24;
export const weekHours = 7 * HOURS_PER_DAY;

/** A Monday. */
export const firstHour = parseHour("2026-11-09T00") ?? fail();
/** The week that is reported. */
export const shownFrom = plusHours(firstHour, weekHours);

function fail(): never {
  throw new Error("the first hour is no hour");
}

/** What happens in the second week; `from` and `until` in hours of it, `until` not included. */
export interface Incident {
  readonly name: string;
  readonly from: number;
  readonly until: number;
  /** Events that clients have, as a multiple of the usual. */
  readonly factor: number;
  /** Share of the events that arrive, and of those that are answered as failed. */
  readonly arrives?: number;
  readonly fails?: number;
  /** The hours are sealed and audited only when the incident is over. */
  readonly unsealed?: boolean;
}

export const incidents: readonly Incident[] = [
  { name: "burst ×3", from: 24 + 20, until: 24 + 21, factor: 3 },
  { name: "outage", from: 48 + 11, until: 48 + 17, factor: 1, arrives: 0.05, fails: 0.3, unsealed: true },
  { name: "burst ×2", from: 72 + 6, until: 72 + 8, factor: 2 },
  { name: "launch ×2.5", from: 96 + 10, until: weekHours, factor: 2.5 },
];

const sourcesMax = 600;
/** Rows of a usual weekday's busiest hour. */
const peakRows = 5_000_000;
const weekend = 0.7;

/** Each source with its share, the largest one about twenty times the average: sizes fall as 1 / rank^0.6. */
const sources = ((): readonly { readonly hash: number; readonly share: number }[] => {
  const weights = Array.from({ length: sourcesMax }, (_, rank) => (rank + 1) ** -0.6);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight, rank) => ({ hash: partitionHash(`source-${rank}`), share: weight / sum }));
})();

export function incidentAt(hour: Hour): Incident | null {
  const at = hourNumber(hour) - hourNumber(shownFrom);
  return incidents.find(({ from, until }) => at >= from && at < until) ?? null;
}

/** Rows that clients have for an hour: low at four in the morning, high in the evening, less at weekends. */
export function rowsOf(hour: Hour): number {
  const number = hourNumber(hour);
  const ofDay = number % HOURS_PER_DAY;
  const day = Math.floor((number - hourNumber(firstHour)) / HOURS_PER_DAY) % 7;
  const wave = 0.5 - 0.5 * Math.cos(((ofDay - 4) / HOURS_PER_DAY) * 2 * Math.PI);
  // No two days are alike: up to a tenth more or less, the same in every run.
  const noise = 0.9 + (partitionHash(`noise ${number}`) / 2 ** 32) * 0.2;
  return Math.round(peakRows * (0.1 + 0.9 * wave) * (day >= 5 ? weekend : 1) * noise);
}

/** Rows of the busiest of `shards` home shards. */
export function busiestOf(rows: number, shards: number): number {
  return Math.max(...spread(rows, shards));
}

function spread(rows: number, shards: number): number[] {
  const loads = Array.from({ length: shards }, () => 0);
  for (const { hash, share } of sources) {
    const index = hash % shards;
    loads[index] = (loads[index] ?? 0) + rows * share;
  }
  return loads.map((load) => Math.round(load));
}

export interface PlayedHour {
  /** What clients had. */
  readonly rows: number;
  readonly spilledRows: number;
  /** What neither home nor overflow shards had room for: clients are told to come again. */
  readonly turnedAwayRows: number;
  readonly load: HourLoad;
}

/** An hour with this many shards, as its manifest would count it. */
export function play(hour: Hour, shards: number): PlayedHour {
  const incident = incidentAt(hour);
  const rows = Math.round(rowsOf(hour) * (incident?.factor ?? 1));
  const arrived = Math.round(rows * (incident?.arrives ?? 1));
  const loads = spread(arrived, shards);
  const held = loads.map((load) => Math.min(load, identitiesPerShardMax));
  const over = loads.reduce((sum, load) => sum + Math.max(0, load - identitiesPerShardMax), 0);
  const spilledRows = Math.min(over, overflowShardsMax * identitiesPerShardMax);
  const load: HourLoad = {
    shards,
    rows: held.reduce((sum, load_) => sum + load_, 0) + spilledRows,
    busiestRows: Math.max(...held),
    spilledRows,
    bytes: 0,
    busiestBytes: 0,
    spilledBytes: 0,
    failed: Math.round(arrived * (incident?.fails ?? 0)),
  };
  return { rows, spilledRows, turnedAwayRows: over - spilledRows, load };
}
