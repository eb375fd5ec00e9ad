import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hour, endOf, epochMs, hourNumber, plusHours, startOf } from "../../domain/hour.ts";
import {
  lastHoursSeen,
  openEarlyMsMax,
  overdueMs,
  planAheadHours,
  planLeadMs,
  planPublishMs,
  plannedGrowthMax,
  shardRowsTarget,
} from "../../domain/limits.ts";
import {
  type PlanDecision,
  type Sighting,
  hoursLookedAt,
  newestSeen,
  planHour,
  planHours,
  plannableHour,
} from "../../domain/planner.ts";
import { hourOfText } from "./make.ts";

const noon = hourOfText("2026-11-23T12");
const newest = plusHours(noon, -2);
const stream = { firstHour: hourOfText("2026-01-01T00"), graceMs: 600_000, shards: 1, shardsMax: 32 };

/** An hour that needed this many shards, as one that had `shards` of them saw it. */
function needing(needed: number, more: { failed?: number; settled?: boolean } = {}): Sighting {
  const rows = Math.round(needed * shardRowsTarget);
  const nothing = { spilledRows: 0, bytes: 0, busiestBytes: 0, spilledBytes: 0 };
  const load = { shards: 1, rows, busiestRows: rows, ...nothing, failed: more.failed ?? 0 };
  return { load, settled: more.settled ?? true };
}

/** Sightings by hours before noon; every other hour needed `else_` shards. */
function seen(hours: Readonly<Record<number, Sighting>>, else_: Sighting = needing(1)) {
  return (hour: Hour): Sighting => {
    const back = hourNumber(noon) - hourNumber(hour);
    return back in hours ? (hours[back] ?? null) : else_;
  };
}

function plan(before: number, sighting: (hour: Hour) => Sighting, more: object = {}): PlanDecision {
  return planHour({ ...stream, ...more }, noon, before, newest, sighting);
}

describe("[PL2] up, at once", () => {
  it.each([
    ["the newest hour", 2],
    ["the hour before it", 3],
    ["the one before that", 4],
    ["the same hour yesterday", 24],
    ["the same hour a week ago", 168],
  ])("because of %s alone", (_name, back) => {
    expect(plan(1, seen({ [back]: needing(9.2) }))).toMatchObject({
      shards: 10,
      move: "up",
      because: "load",
      needed: 10,
    });
  });

  it("because it grew from the newest hour to the planned one, yesterday and a week ago", () => {
    const grew = { 2: needing(2), 26: needing(1), 24: needing(2.5), 170: needing(1), 168: needing(2.1) };
    expect(plan(2, seen(grew))).toMatchObject({ shards: 5, move: "up" });
    expect(plan(2, seen({ ...grew, 170: needing(2.1) }))).toMatchObject({ shards: 3 });
    expect(plan(2, seen({ ...grew, 168: null }))).toMatchObject({ shards: 5 });
  });

  it("and by no more than a launch could: growth is bounded, and nothing grows from nothing", () => {
    const leap = { 2: needing(1), 26: needing(0.01), 24: needing(1), 170: null };
    expect(plan(1, seen(leap))).toMatchObject({ shards: plannedGrowthMax });
    expect(plan(1, seen({ ...leap, 26: needing(0) }))).toMatchObject({ shards: 1 });
  });

  it("[PL4] and not by what follows an outage: after one everything grows", () => {
    const leap = { 2: needing(1), 26: needing(0.1, { failed: 1 }), 24: needing(1), 170: null };
    expect(plan(1, seen(leap))).toMatchObject({ shards: 1 });
    expect(plan(1, seen({ ...leap, 26: needing(0.1, { settled: false }) }))).toMatchObject({ shards: 1 });
  });

  it("never above the owner's bound, and says so", () => {
    expect(plan(1, seen({ 2: needing(33) }))).toMatchObject({ shards: 32, because: "maximum", needed: 33 });
    expect(plan(32, seen({ 2: needing(33) }))).toMatchObject({
      shards: 32,
      move: "hold",
      because: "maximum",
    });
    expect(plan(1, seen({ 2: needing(32) }))).toMatchObject({ shards: 32, because: "load" });
  });
});

describe("[PL3] down, slowly", () => {
  it("a quarter an hour, one at least", () => {
    expect(plan(16, seen({}))).toMatchObject({ shards: 12, move: "down", because: "slowly" });
    expect(plan(3, seen({}))).toMatchObject({ shards: 2, move: "down", because: "slowly" });
    expect(plan(16, seen({}, needing(12.5)))).toMatchObject({ shards: 13, move: "down", because: "load" });
    expect(plan(1, seen({}))).toMatchObject({ shards: 1, move: "hold", because: "enough" });
  });

  it("never below the owner's bound", () => {
    expect(plan(5, seen({}), { shards: 4 })).toMatchObject({ shards: 4, move: "down", because: "minimum" });
    expect(plan(4, seen({}), { shards: 4 })).toMatchObject({ shards: 4, move: "hold", because: "minimum" });
    expect(plan(1, seen({}), { shards: 4 })).toMatchObject({ shards: 4, before: 4 });
  });

  it.each([
    ["not there", null, "missing"],
    ["not balanced", needing(0.1, { settled: false }), "not_balanced"],
    ["one that failed events", needing(0.1, { failed: 1 }), "failed"],
  ])("[PL4] not if any hour it looks at is %s", (_name, sighting, doubt) => {
    for (const back of [2, 3, 4, 24, 168]) {
      const decision = plan(8, seen({ [back]: sighting }, needing(0.1)));
      expect(decision).toMatchObject({ shards: 8, move: "hold", because: "doubt" });
      expect(decision.evidence.filter((one) => one.doubt !== null)).toMatchObject([{ doubt }]);
    }
  });

  it("a stream younger than a week goes by its days, one younger than a day stays", () => {
    const young = (hours: number) => ({ firstHour: plusHours(noon, -hours) });
    const born = (hours: number) =>
      seen(
        Object.fromEntries(
          Array.from({ length: 200 }, (_, back) => [back, back > hours ? null : needing(0.1)]),
        ),
      );
    expect(plan(8, born(30), young(30))).toMatchObject({ shards: 6, move: "down" });
    expect(plan(8, born(23), young(23))).toMatchObject({ shards: 8, because: "doubt" });
  });
});

describe("[PL4] what was not seen", () => {
  it("speaks for nothing: with nothing seen at all the plan stays", () => {
    expect(plan(5, () => null)).toMatchObject({
      shards: 5,
      move: "hold",
      because: "nothing_seen",
      needed: null,
    });
  });

  it("a stream that fails looks idle, and is not taken for it", () => {
    const failing = seen(
      { 2: needing(0), 3: needing(0.2, { failed: 9 }), 4: null, 24: needing(6) },
      needing(6),
    );
    expect(plan(7, failing)).toMatchObject({ shards: 7, because: "doubt" });
  });

  it("hides nothing that was: yesterday alone can ask for more", () => {
    expect(plan(1, seen({ 24: needing(6) }, null))).toMatchObject({ shards: 6, move: "up" });
  });
});

const sightingOf = fc.oneof(
  fc.constant(null),
  fc.record({
    needed: fc.double({ min: 0, max: 60, noNaN: true }),
    failed: fc.nat(1),
    settled: fc.boolean(),
  }),
);

it("[PL1] [PL2] [PL3] [PL4] whatever was seen: in bounds, up only to what an hour asks for, down by a quarter and only without doubt", () => {
  const hours = fc.array(sightingOf, { minLength: 400, maxLength: 400 });
  const bounds = fc.tuple(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }));
  fc.assert(
    fc.property(hours, bounds, fc.integer({ min: 1, max: 64 }), (given, [a, b], before) => {
      const sighting = (hour: Hour): Sighting => {
        const one = given[hourNumber(noon) - hourNumber(hour) + 50];
        return one === undefined || one === null ? null : needing(one.needed, one);
      };
      const bounded = { ...stream, shards: Math.min(a, b), shardsMax: Math.max(a, b) };
      const decisions = planHours(bounded, noon, before, newest, sighting);
      expect(decisions).toHaveLength(planAheadHours);
      expect(planHours(bounded, noon, before, newest, sighting)).toEqual(decisions);
      let last = before;
      for (const { shards, before: from, move, needed, evidence } of decisions) {
        expect(shards).toBeGreaterThanOrEqual(bounded.shards);
        expect(shards).toBeLessThanOrEqual(bounded.shardsMax);
        expect(from).toBe(Math.max(bounded.shards, Math.min(bounded.shardsMax, last)));
        if (move === "up")
          expect(shards).toBe(Math.max(bounded.shards, Math.min(bounded.shardsMax, needed ?? 0)));
        if (move === "down") {
          expect(shards).toBeGreaterThanOrEqual(from - Math.max(1, Math.floor(from / 4)));
          expect(evidence.every(({ doubt }) => doubt === null)).toBe(true);
        }
        last = shards;
      }
    }),
    { numRuns: 300 },
  );
});

describe("[PL1] which hour", () => {
  it("the next one, from the lead before it until it may be open before every edge has read of it", () => {
    const start = startOf(noon);
    const last = openEarlyMsMax + planPublishMs;
    expect(plannableHour(epochMs(start - planLeadMs - 1))).toBeNull();
    expect(plannableHour(epochMs(start - planLeadMs))).toBe(noon);
    expect(plannableHour(epochMs(start - last))).toBe(noon);
    expect(plannableHour(epochMs(start - last + 1))).toBeNull();
    expect(plannableHour(start)).toBeNull();
  });

  it("by hours that should be sealed and audited by then", () => {
    const done = epochMs(endOf(newest) + stream.graceMs + overdueMs);
    expect(newestSeen(stream.graceMs, done)).toBe(newest);
    expect(newestSeen(stream.graceMs, epochMs(done - 1))).toBe(plusHours(newest, -1));
  });

  it("looks at every hour it was told, and at no other", () => {
    const asked = new Set<Hour>();
    planHours(stream, noon, 1, newest, (hour) => {
      asked.add(hour);
      return needing(1);
    });
    expect([...asked].toSorted()).toEqual(hoursLookedAt(noon, newest).toSorted());
    expect(asked.size).toBe(lastHoursSeen + 2 * (planAheadHours + 1));
  });
});
