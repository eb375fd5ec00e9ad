import { describe, expect, test } from "vitest";
import { epochMs, hourOf, plusHours } from "../../../domain/hour.ts";
import { foldHoursMax, ledgerRestMs, metricsSeriesMax, metricsStreamsMax } from "../../../domain/limits.ts";
import { latenessBounds } from "../../../domain/metrics/bucket-facts.ts";
import { exposition } from "../../../domain/metrics/exposition.ts";
import {
  type StreamFigures,
  bucketFamilies,
  countedFamilies,
  eventFamilies,
  sourceFamily,
} from "../../../domain/metrics/families.ts";
import { hoursToFold, liveHours } from "../../../domain/metrics/ledger-counters.ts";

const now = epochMs(Date.parse("2026-11-23T12:30:00Z"));

function figures(type: string, more: Partial<StreamFigures> = {}): StreamFigures {
  return {
    type,
    priority: "normal",
    settings: { owner: "us", graceMs: 600_000, targetLatenessMs: null },
    backlog: { open: 1, due: 0, overdue: 0, oldest: null },
    buckets: { due: 0, unverified: 0, overdue: 0, missing: 0, surplus: 0, corrupt: 0, unaudited: 0 },
    failing: 0,
    oldestDueMs: null,
    missingRows: 0,
    surplusRows: 0,
    day: { balanced: 24, rows: 100, medianMs: 605_000, p95Ms: 610_000, worstMs: 620_000 },
    ...more,
  };
}

function linesOf(streams: readonly StreamFigures[]): string[] {
  const counters = new Map([
    ["events_received", 3],
    ["events_accepted", 2],
    ["events_failed", 1],
  ]);
  return exposition([
    sourceFamily({ catalog: true, ledger: true }),
    ...eventFamilies(counters),
    ...countedFamilies(counters),
    ...bucketFamilies(streams, { undigested: 0, untold: 0, freezes: [], spent: [] }, now),
  ]).split("\n");
}

describe("[OP8] the number of series is bounded", () => {
  const many = Array.from({ length: metricsStreamsMax + 300 }, (_, index) =>
    figures(`t${String(index).padStart(4, "0")}`, {
      priority: index === metricsStreamsMax + 299 ? "high" : "normal",
      ...(index === metricsStreamsMax + 100
        ? { day: { balanced: 0, rows: 7, medianMs: 1, p95Ms: 2, worstMs: 9e6 } }
        : {}),
    }),
  );

  test("whatever the number of streams, and names every stream up to the bound", () => {
    const series = (count: number): number =>
      linesOf(many.slice(0, count)).filter((line) => line !== "" && !line.startsWith("#")).length;
    expect(series(many.length)).toBeLessThanOrEqual(metricsSeriesMax);
    expect(series(many.length)).toBe(series(metricsStreamsMax + 1));
    const named = new Set(linesOf(many).flatMap((line) => /type="(t\d+)"/.exec(line)?.[1] ?? []));
    expect(named.size).toBe(metricsStreamsMax);
  });

  test("important streams have theirs, and the worst of the others shows", () => {
    const lines = linesOf(many);
    expect(
      lines.some((line) => line.includes(`type="t${String(metricsStreamsMax + 299).padStart(4, "0")}"`)),
    ).toBe(true);
    expect(lines).toContain("hourseal_stream_lateness_worst_seconds 9000");
    expect(lines).toContain(`hourseal_stream_rows ${299 * 100 + 7}`);
  });
});

test("[OP8] text is OpenMetrics: types, units, escapes, an end", () => {
  const lines = linesOf([figures('a"b\\c\nd', { oldestDueMs: epochMs(now - 90_000) })]);
  expect(lines.slice(-2)).toEqual(["# EOF", ""]);
  expect(lines).toContain("# TYPE hourseal_events counter");
  expect(lines).toContain('hourseal_events_total{outcome="accepted"} 2');
  // Nobody was answered so yet: the series is there, so that its first event is seen.
  expect(lines).toContain('hourseal_events_total{outcome="quarantined"} 0');
  expect(lines).toContain("hourseal_events_received_total 3");
  expect(lines).not.toContain('hourseal_events_total{outcome="received"} 3');
  expect(lines).toContain("# UNIT hourseal_seal_lateness_seconds seconds");
  expect(lines).toContain(String.raw`hourseal_stream_due_seconds{type="a\"b\\c\nd",owner="us"} 90`);
});

test("[OP8] [OP13] freezes are counted, and for how long the oldest has held", () => {
  const linesWith = (...since: number[]): string[] => {
    const freezes = since.map((sinceMs) => ({ sinceMs: epochMs(sinceMs) }));
    return exposition(bucketFamilies([], { undigested: 0, untold: 0, freezes, spent: [] }, now)).split("\n");
  };
  expect(linesWith(now - 5_000, now - 90_000)).toEqual(
    expect.arrayContaining(["hourseal_freezes 2", "hourseal_oldest_freeze_seconds 90"]),
  );
  expect(linesWith()).toEqual(
    expect.arrayContaining(["hourseal_freezes 0", "hourseal_oldest_freeze_seconds 0"]),
  );
});

test("[OP8] [RA4] quotas that are used up are counted by whose they are, until their window ends", () => {
  const until = epochMs(now + 1);
  const spent = [
    { kind: "key", until },
    { kind: "key", until: now },
    { kind: "stream", until },
  ] as const;
  const lines = exposition(bucketFamilies([], { undigested: 0, untold: 0, freezes: [], spent }, now)).split(
    "\n",
  );
  expect(lines).toContain('hourseal_used_up_quotas{kind="key"} 1');
  expect(lines).toContain('hourseal_used_up_quotas{kind="stream"} 1');
});

test("[OP8] the histogram is cumulative", () => {
  const counters = new Map<string, number>([
    ["lateness_le_600", 2],
    ["lateness_le_900", 1],
    ["lateness_le_inf", 1],
    ["lateness_sum_ms", 100_500],
  ]);
  const histogram = countedFamilies(counters).find(({ type }) => type === "histogram");
  expect(histogram?.samples.map(({ value }) => value)).toEqual([
    0, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 100.5,
  ]);
  expect(histogram?.samples).toHaveLength(latenessBounds.length + 3);
});

describe("[OP8] hours of ledgers", () => {
  const current = hourOf(now);
  test.each([
    ["nothing was added yet", null, now, 0, 1],
    ["the last hour was just added", -1, now, 0, 1],
    [
      "an hour ends, and still takes reports",
      -2,
      epochMs(Date.parse("2026-11-23T12:00:00Z") + ledgerRestMs - 1),
      0,
      2,
    ],
    ["an hour has ended for good", -2, epochMs(Date.parse("2026-11-23T12:00:00Z") + ledgerRestMs), 1, 2],
    ["far behind, the oldest come first", -100, now, foldHoursMax, foldHoursMax],
  ])("%s", (_what, throughHours, at, folded, live) => {
    const through = throughHours === null ? null : plusHours(current, throughHours);
    expect([hoursToFold(through, at).length, liveHours(through, at).length]).toEqual([folded, live]);
    if (through !== null && live > 0) expect(liveHours(through, at)[0]).toBe(plusHours(through, 1));
  });
});
