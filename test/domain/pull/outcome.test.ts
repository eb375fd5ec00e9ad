import { describe, expect, test } from "vitest";
import { type HourOutcome, exitCodeOf, mayChange, needsLooking } from "../../../domain/pull/outcome.ts";
import { verdictRefusal } from "../../../domain/pull/verdict-step.ts";
import { nextWait } from "../../../domain/pull/wait.ts";
import { hour } from "../make.ts";

const there = { outcome: "there", rows: 1, parts: 1, bytes: 1, fresh: true, verdict: null } as const;
const outcomes: Readonly<Record<HourOutcome["outcome"], HourOutcome>> = {
  there,
  not_sealed: { outcome: "not_sealed", dueAt: "", detail: "" },
  overdue: { outcome: "overdue", detail: "" },
  not_audited: { outcome: "not_audited" },
  not_balanced: { outcome: "not_balanced", verdict: "missing" },
  faulty: { outcome: "faulty", details: [] },
  no_such_format: { outcome: "no_such_format", detail: "" },
  expired: { outcome: "expired" },
};

function codeOf(...names: (keyof typeof outcomes)[]): number {
  return exitCodeOf(names.map((name) => ({ hour, result: outcomes[name] })));
}

describe("[RD8] the exit code", () => {
  test.each([
    [[], 0],
    [["there"], 0],
    [["there", "expired"], 0],
    [["there", "not_sealed"], 3],
    [["not_audited", "there"], 3],
    [["overdue", "not_sealed"], 4],
    [["no_such_format", "overdue"], 2],
    [["overdue", "faulty", "no_such_format"], 1],
    [["not_balanced", "there"], 1],
  ] as const)("of %j is %i", (names, code) => {
    expect(codeOf(...names)).toBe(code);
  });

  test("only what is not there yet may change by waiting", () => {
    const changing = Object.values(outcomes).filter(mayChange);
    expect(changing).toEqual([outcomes.not_sealed, outcomes.not_audited]);
    const calm = Object.values(outcomes).filter((result) => !needsLooking(result));
    expect(calm).toEqual([outcomes.there, outcomes.not_sealed, outcomes.not_audited, outcomes.expired]);
  });
});

describe("[RD8] who insists on balanced", () => {
  test.each([
    ["balanced", null],
    [null, "not_audited"],
    ["unaudited", "not_audited"],
    ["missing", "not_balanced"],
    ["surplus", "not_balanced"],
    ["corrupt", "not_balanced"],
  ])("gets of %s: %s", (verdict, outcome) => {
    expect(verdictRefusal(verdict, true)?.outcome ?? null).toBe(outcome);
    expect(verdictRefusal(verdict, false)).toBeNull();
  });
});

describe("[RD8] who follows", () => {
  test.each([
    // until due, poll, left, wait
    [600_000, 15_000, Infinity, 15_000],
    [4_000, 15_000, Infinity, 4_000],
    [-60_000, 15_000, Infinity, 1_000],
    [600_000, 15_000, 2_000, 2_000],
    [600_000, 10, Infinity, 1_000],
  ])(
    "of an hour due in %i ms, with %i ms and %i ms left, waits %i",
    (untilDueMs, pollMs, leftMs, afterMs) => {
      expect(nextWait(untilDueMs, pollMs, leftMs)).toEqual({ wait: "ask_again", afterMs });
    },
  );

  test("gives up when no time is left", () => {
    expect(nextWait(1, 1, 1)).toEqual({ wait: "ask_again", afterMs: 1 });
    expect(nextWait(1, 1, 0)).toEqual({ wait: "timeout" });
  });
});
