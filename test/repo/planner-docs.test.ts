/** The page of the planner says what today's planner does. */
import { expect, test } from "vitest";
import { page } from "../../scripts/plan-sim/page.ts";
import { plot } from "../../scripts/plan-sim/plot.ts";
import { simulate, summaries } from "../../scripts/plan-sim/run.ts";
import { textOf } from "./tree.ts";

const hours = simulate();

test("docs/planner.md and docs/planner.svg are current: npm run plan-sim -- --write", () => {
  expect(textOf("docs/planner.md")).toBe(page(hours));
  expect(textOf("docs/planner.svg")).toBe(plot(hours));
});

test("[PL2] [PL3] [PL4] in the simulated week little spills, nothing is turned away, and no outage takes a stream down", () => {
  const week = summaries(hours).at(-1);
  if (week === undefined) throw new Error("there is no summary");
  expect(week.spilledRows / week.rows).toBeLessThan(0.005);
  expect(week.turnedAwayRows).toBe(0);
  expect(week.used / week.needed).toBeLessThan(1.6);
  const outage = hours.filter(({ played }) => played.load.failed > 0);
  expect(outage.length).toBeGreaterThan(0);
  expect(outage.every(({ used, least }) => used >= least)).toBe(true);
  expect(hours.filter(({ decision }) => decision?.because === "doubt").length).toBeGreaterThan(0);
});
