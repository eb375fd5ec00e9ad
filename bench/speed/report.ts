/** The figures in words: medians, their spread, and ratios of rounds that ran beside each other. */
import { table } from "../cost/report.ts";
import type { Round, WorkloadResult } from "./run.ts";
import { type TargetName, titles } from "./targets.ts";

/** A median of the rounds, with the least and the most. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface TargetFigures {
  readonly target: TargetName;
  readonly eventsPerSecond: Figure;
  readonly requestsPerSecond: Figure;
  /** Of the server; null where the system does not tell. */
  readonly cpuUsPerRequest: Figure | null;
  readonly p50Ms: Figure;
  readonly p95Ms: Figure;
  readonly p99Ms: Figure;
}

/** Hourseal's figure divided by the other's, round by round. */
export interface Ratios {
  readonly to: TargetName;
  readonly eventsPerSecond: Figure;
  readonly p50: Figure;
  readonly cpu: Figure | null;
}

export interface Summary {
  readonly workload: string;
  readonly targets: readonly TargetFigures[];
  readonly ratios: readonly Ratios[];
  readonly faults: readonly string[];
}

export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, min: sorted.at(0) ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

export function summaryOf({ workload, rounds, faults }: WorkloadResult): Summary {
  const names = [...new Set(rounds.map(({ target }) => target))].toSorted(
    (a, b) => order.indexOf(a) - order.indexOf(b),
  );
  const of = (name: TargetName, value: (round: Round) => number): number[] =>
    rounds.filter(({ target }) => target === name).map(value);
  const targets = names.map((target): TargetFigures => {
    const cpu = of(target, cpuUs);
    return {
      target,
      eventsPerSecond: figureOf(of(target, (round) => rate(round) * workload.eventsPerRequest)),
      requestsPerSecond: figureOf(of(target, rate)),
      cpuUsPerRequest: cpu.some(Number.isNaN) ? null : figureOf(cpu),
      p50Ms: figureOf(of(target, ({ sending }) => sending.p50)),
      p95Ms: figureOf(of(target, ({ sending }) => sending.p95)),
      p99Ms: figureOf(of(target, ({ sending }) => sending.p99)),
    };
  });
  const ratio = (to: TargetName, value: (round: Round) => number): Figure =>
    figureOf(of("hourseal", value).map((own, at) => own / (of(to, value)[at] ?? Number.NaN)));
  const ratios = names
    .filter((name) => name !== "hourseal")
    .map((to): Ratios => {
      const cpu = ratio(to, cpuUs);
      return {
        to,
        eventsPerSecond: ratio(to, rate),
        p50: ratio(to, ({ sending }) => sending.p50),
        cpu: Number.isNaN(cpu.median) ? null : cpu,
      };
    });
  return { workload: workload.name, targets, ratios, faults };
}

const order: readonly TargetName[] = ["hourseal", "other", "a", "b", "c", "d"];

function rate({ sending }: Round): number {
  return sending.requests / sending.seconds;
}

function cpuUs({ sending: { cpuMs, requests } }: Round): number {
  return cpuMs === null || requests === 0 ? Number.NaN : (cpuMs * 1_000) / requests;
}

export function figuresTable(summaries: readonly Summary[]): string {
  return table(
    ["workload", "", "events/s", "requests/s", "µs CPU / request", "p50 ms", "p95 ms", "p99 ms"],
    summaries.flatMap(({ workload, targets }) =>
      targets.map((one) => [
        workload,
        titles[one.target],
        spread(one.eventsPerSecond, 0),
        spread(one.requestsPerSecond, 0),
        one.cpuUsPerRequest === null ? "" : spread(one.cpuUsPerRequest, 0),
        spread(one.p50Ms, 2),
        one.p95Ms.median.toFixed(2),
        one.p99Ms.median.toFixed(2),
      ]),
    ),
  );
}

/** Throughput above 1 is faster than the other; latency and CPU below 1 are. */
export function ratiosTable(summaries: readonly Summary[]): string {
  return table(
    ["workload", "Hourseal to", "events/s", "p50", "CPU / request", "kept what it acknowledged"],
    summaries.flatMap(({ workload, ratios, faults }) =>
      ratios.map(({ to, eventsPerSecond, p50, cpu }) => [
        workload,
        titles[to],
        spread(eventsPerSecond, 2),
        spread(p50, 2),
        cpu === null ? "" : spread(cpu, 2),
        faults.length === 0 ? "yes" : "NO",
      ]),
    ),
  );
}

function spread({ median, min, max }: Figure, digits: number): string {
  const text = (value: number): string =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return min === max ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
}
