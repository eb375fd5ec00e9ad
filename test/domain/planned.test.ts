import { expect, it } from "vitest";
import { plusHours } from "../../domain/hour.ts";
import { planAheadHours, plannedHoursKept } from "../../domain/limits.ts";
import { type PlanStep, PlanSteps, plannedShards, withPlanned } from "../../domain/planned.ts";
import { hourOfText } from "./make.ts";

const ten = hourOfText("2026-11-23T10");
const step = (hours: number, shards: number): PlanStep => ({ from: plusHours(ten, hours), shards });
const bounds = { shards: 2, shardsMax: 8 };

it("[PL5] an hour has the shards of the step before it; past the last one that goes on", () => {
  const planned = [step(0, 4), step(2, 6)];
  const at = (hours: number) => plannedShards({ ...bounds, planned }, plusHours(ten, hours));
  expect([-1, 0, 1, 2, 3, 100].map(at)).toEqual([4, 4, 4, 6, 6, 6]);
  expect(plannedShards({ ...bounds, planned: [] }, ten)).toBe(2);
});

it("[PL3] what was planned before the owner changed the bounds is kept within them", () => {
  const planned = [step(0, 20)];
  expect(plannedShards({ ...bounds, planned }, ten)).toBe(8);
  expect(plannedShards({ shards: 32, shardsMax: 64, planned }, ten)).toBe(32);
  expect(plannedShards({ shards: 3, shardsMax: null, planned }, ten)).toBe(3);
});

it("planning again replaces what is ahead and leaves what was", () => {
  const once = withPlanned([step(-3, 2)], ten, [4, 4, 5]);
  expect(once).toEqual([step(-3, 2), step(0, 4), step(2, 5)]);
  expect(withPlanned(once, ten, [4, 4, 5])).toEqual(once);
  expect(withPlanned(once, plusHours(ten, 1), [3, 3, 3])).toEqual([step(-3, 2), step(0, 4), step(1, 3)]);
  expect(withPlanned(once, plusHours(ten, 1), [4, 4, 4])).toEqual([step(-3, 2), step(0, 4)]);
});

it("steps that no open hour needs are left out, so their number is bounded", () => {
  let steps: readonly PlanStep[] = [];
  for (let hours = 0; hours < 500; hours++) {
    steps = withPlanned(steps, plusHours(ten, hours), [1 + (hours % 2), 5, 6]);
    expect(PlanSteps.safeParse(steps).success).toBe(true);
  }
  expect(steps).toHaveLength(plannedHoursKept + planAheadHours);
  expect(
    plannedShards({ shards: 1, shardsMax: 9, planned: steps }, plusHours(ten, 499 - plannedHoursKept)),
  ).toBe(2);
});
