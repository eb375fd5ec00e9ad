import { describe, expect, it, test } from "vitest";
import { linePath, niceMax, niceSpanMs, stepPath } from "../../dashboard/src/model/chart.ts";
import { flowBars } from "../../dashboard/src/model/flow.ts";
import {
  bytesText,
  countOf,
  middleCut,
  neededText,
  rateText,
  shareText,
  shortCount,
  spanText,
} from "../../dashboard/src/model/format.ts";
import { freezesOf } from "../../dashboard/src/model/freezes.ts";
import {
  type GridChoice,
  chosenStreams,
  faultsOf,
  placeAfter,
  tallyStates,
  worstEnded,
  worstOf,
} from "../../dashboard/src/model/grid.ts";
import { dayLabel, hoursBetween, plusHours } from "../../dashboard/src/model/hours.ts";
import { aheadText, hoursOver } from "../../dashboard/src/model/plan.ts";
import { pollDelayMs, pollMs, pollMsMax } from "../../dashboard/src/model/poll.ts";
import { stateSigns, worstFirst } from "../../dashboard/src/model/states.ts";
import { scrollToShow, spanOf } from "../../dashboard/src/model/window.ts";
import { type Route, hrefOf, routeOf } from "../../dashboard/src/route.ts";
import type { GridLine } from "../../domain/view/grid.ts";
import { bucketStates } from "../../domain/view/state.ts";

const line = (type: string, states: string, more: Partial<GridLine> = {}): GridLine => ({
  type,
  owner: "",
  priority: "normal",
  states,
  ...more,
});

describe("[OP2] states", () => {
  it("are told apart by more than colour: no two that are drawn have the same mark", () => {
    // Balanced is the plain filled cell, and no bucket is none at all.
    const marks = bucketStates.filter((state) => state !== "none").map((state) => stateSigns[state].mark);
    expect(new Set(marks).size).toBe(marks.length);
    expect(new Set(bucketStates.map((state) => stateSigns[state].label)).size).toBe(bucketStates.length);
  });

  it("have an order, and it has all of them", () => {
    expect(worstFirst.toSorted()).toEqual(bucketStates.toSorted());
  });
});

describe("the streams of the grid", () => {
  const lines = [
    line("b", "bbm", { owner: "Web", priority: "low" }),
    line("a", "bbb", { owner: "player", priority: "high" }),
    line("c", "lbc", { owner: "web" }),
  ];
  const chosen = (choice: Partial<GridChoice>) =>
    chosenStreams(lines, { text: "", only: null, order: "name", ...choice }).map(({ type }) => type);

  it.each([
    [{}, ["a", "b", "c"]],
    [{ text: " WEB" }, ["b", "c"]],
    [{ only: "faults" as const }, ["b", "c"]],
    [{ only: "overdue" as const }, ["c"]],
    [{ order: "worst" as const }, ["c", "b", "a"]],
    [{ order: "priority" as const }, ["a", "c", "b"]],
    [{ order: "owner" as const }, ["a", "c", "b"]],
  ])("chosen by %j", (choice, types) => {
    expect(chosen(choice)).toEqual(types);
  });

  it("are counted by state", () => {
    expect(Object.fromEntries(tallyStates(lines))).toMatchObject({
      balanced: 6,
      missing: 1,
      overdue: 1,
      corrupt: 1,
      open: 0,
    });
    expect(lines.map(({ states }) => [worstOf(states), faultsOf(states)])).toEqual([
      ["missing", 1],
      ["balanced", 0],
      ["corrupt", 2],
    ]);
  });

  it("are not called open for the hour that goes on, unless there is no other", () => {
    expect(["bbo", "oo", ".", "bdo", "eo"].map(worstEnded)).toEqual([
      "balanced",
      "open",
      "none",
      "due",
      "empty",
    ]);
  });
});

describe("[OP4] keys", () => {
  const size = { rows: 300, columns: 168 };
  it.each([
    ["ArrowLeft", false, { row: 5, column: 0 }, { row: 5, column: -1 }],
    ["ArrowLeft", false, { row: 5, column: -1 }, { row: 5, column: -1 }],
    ["ArrowRight", false, { row: 5, column: 167 }, { row: 5, column: 167 }],
    ["ArrowUp", false, { row: 0, column: 3 }, { row: 0, column: 3 }],
    ["ArrowDown", false, { row: 299, column: 3 }, { row: 299, column: 3 }],
    ["PageDown", false, { row: 290, column: 3 }, { row: 299, column: 3 }],
    ["PageUp", false, { row: 40, column: 3 }, { row: 20, column: 3 }],
    ["Home", false, { row: 4, column: 3 }, { row: 4, column: -1 }],
    ["End", true, { row: 4, column: 3 }, { row: 299, column: 167 }],
    ["x", false, { row: 4, column: 3 }, null],
  ])("%s, with Ctrl %s, from %j lead to %j", (key, ctrl, from, to) => {
    expect(placeAfter(key, ctrl, from, size, 20)).toEqual(to);
  });
});

describe("[OP2] the window over the grid", () => {
  it.each([
    [0, 100, 19, 300, { first: 0, end: 6 }],
    [19, 95, 19, 300, { first: 1, end: 6 }],
    [5_700, 100, 19, 300, { first: 300, end: 300 }],
    [0, 100, 19, 0, { first: 0, end: 0 }],
  ])("scrolled by %i, %i long, cells of %i, %i of them", (scroll, length, cell, count, span) => {
    expect(spanOf(scroll, length, cell, count)).toEqual(span);
  });

  it.each([
    [100, 50, 10, 3, 30],
    [100, 50, 10, 12, 100],
    [100, 50, 10, 20, 160],
  ])("from %i, %i long, cells of %i: cell %i is shown at %i", (scroll, length, cell, index, to) => {
    expect(scrollToShow(scroll, length, cell, index)).toBe(to);
  });
});

test.each<Route>([
  { page: "grid" },
  { page: "trend" },
  { page: "streams" },
  { page: "keys" },
  { page: "stream", type: "a/b ∆%" },
  { page: "bucket", type: "a/b ∆%", hour: "2026-11-23T10" },
])("an address leads where it was made for: %j", (route) => {
  expect(routeOf(hrefOf(route))).toEqual(route);
});

test.each(["", "#", "#/nowhere", "#/stream/", "#/stream/%E0%A4", "#/bucket/a/10", "#/bucket//2026-11-23T10"])(
  "any other address is the grid: %s",
  (hash) => {
    expect(routeOf(hash)).toEqual({ page: "grid" });
  },
);

test("hours go on over days and years", () => {
  expect(plusHours("2026-12-31T23", 1)).toBe("2027-01-01T00");
  expect(hoursBetween("2026-12-31T23", "2027-01-01T01")).toBe(2);
  expect(dayLabel("2026-11-23T10")).toBe("Mon 23");
});

test("[OP6] it asks again soon, later and later while nothing answers, and never more rarely than a bound", () => {
  expect(pollDelayMs(0, 0)).toBeGreaterThanOrEqual(0.9 * pollMs);
  expect(pollDelayMs(0, 0.999)).toBeLessThan(1.1 * pollMs);
  expect(pollDelayMs(1, 0.5)).toBe(2 * pollMs);
  expect(pollDelayMs(1_000, 0.999)).toBeLessThan(1.1 * pollMsMax);
});

test("[OP3] a flow's bars are shares of what should be there", () => {
  const step = { name: "reread" as const, joined: [], left: [], surplus: 0, otherFindings: 0 };
  const bars = flowBars([
    { ...step, rows: 100, missing: 0 },
    { ...step, rows: 40, missing: 60 },
    { ...step, rows: null, missing: 0 },
    { ...step, rows: 100, missing: 0, surplus: 10 },
  ]);
  expect(bars).toEqual([
    { there: 1, missing: 0, surplus: 0 },
    { there: 0.4, missing: 0.6, surplus: 0 },
    { there: 0, missing: 0, surplus: 0 },
    { there: 0.9, missing: 0, surplus: 0.1 },
  ]);
});

test("numbers and spans are written for people", () => {
  expect([0, 850, 42_000, 605_000, 7_200_000, 12_000_000, 180_000_000].map(spanText)).toEqual([
    "0 ms",
    "850 ms",
    "42 s",
    "10 min 5 s",
    "2 h",
    "3 h 20 min",
    "2 d 2 h",
  ]);
  expect([0, 950, 1_500, 12_345, 3_400_000].map(shortCount)).toEqual(["0", "950", "1.5k", "12k", "3.4M"]);
  expect([0, 36, 3_600, 36_000].map(rateText)).toEqual(["0", "0.01", "1", "10"]);
  expect([5, 2_048, 300 * 1_024 * 1_024].map(bytesText)).toEqual(["5 B", "2.0 KiB", "300 MiB"]);
  expect([countOf(1, "row"), countOf(2_000, "row")]).toEqual(["1 row", "2,000 rows"]);
  expect([shareText(1, 0), shareText(1, 300), shareText(1, 2)]).toEqual(["0 %", "0.3 %", "50 %"]);
});

test("[OP3] a plan against its need is told in words", () => {
  expect(hoursOver([2, 2, null, 1, 4], [2, 2.1, 9, null, 5])).toBe(2);
  const ahead = [1, 1, 3].map((shards, index) => ({ hour: `2026-11-23T1${index}`, shards }));
  expect(aheadText(ahead, (hour) => hour)).toBe("1 shard now, 3 from 2026-11-23T12 on.");
  expect(aheadText([], (hour) => hour)).toBe("");
  expect([0, 0.000_1, 0.04, 0.4, 2, 2.34, 12.4].map(neededText)).toEqual([
    "0",
    "< 0.01",
    "0.04",
    "0.4",
    "2",
    "2.3",
    "12",
  ]);
});

test("[OP13] a page of a stream tells of its own freeze and of that of all", () => {
  const freezes = [{ type: null }, { type: "a" }, { type: "b" }];
  expect(freezesOf(freezes, "a")).toEqual([{ type: null }, { type: "a" }]);
  expect(freezesOf(freezes, null)).toEqual(freezes);
});

test("a name that is too long keeps its end, which tells it from its likes", () => {
  expect(["shop", "shop.order-placed", "ads.order-paid.v10-274"].map((name) => middleCut(name, 14))).toEqual([
    "shop",
    "shop.or…placed",
    "ads.ord…10-274",
  ]);
  expect(middleCut("𝒶𝒷𝒸𝒹ℯ𝒻", 5)).toBe("𝒶𝒷…ℯ𝒻");
});

test("axes end at a round number that is not below what is shown", () => {
  expect([0, 1, 3, 5, 7, 10, 11, 2_400].map(niceMax)).toEqual([2, 2, 4, 6, 8, 10, 20, 4_000]);
  expect([0, 900_000, 900_001, 200_000_000].map(niceSpanMs)).toEqual([
    1_000, 900_000, 1_800_000, 259_200_000,
  ]);
  const same = (value: number): number => value;
  expect(linePath([1, 2, null, 3], same, same)).toBe("M0.0 1.0L1.0 2.0M3.0 3.0h0");
  expect(stepPath([1, 2, null, 3], same, same)).toBe("M0.0 1.0H1.0L1.0 2.0H2.0M3.0 3.0H4.0");
});
