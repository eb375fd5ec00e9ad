import * as fc from "fast-check";
import { expect, test } from "vitest";
import { backlogOf } from "../../domain/backlog.ts";
import { type Hour, epochMs, hourNumberOf, hourOfNumber, parseHour } from "../../domain/hour.ts";
import { graceMsMax, overdueMs } from "../../domain/limits.ts";
import { dueAt } from "../../domain/plan.ts";

const at = (text: string) => epochMs(Date.parse(text));
const hour = (text: string): Hour => parseHour(text) ?? hourOfNumber(0);
const stream = { nextHour: hour("2026-11-23T10"), graceMs: 600_000, end: null };

test.each([
  ["2026-11-23T10:00:00.000Z", { open: 1, due: 0, overdue: 0, oldest: null }],
  ["2026-11-23T11:09:59.999Z", { open: 2, due: 0, overdue: 0, oldest: null }],
  ["2026-11-23T11:10:00.000Z", { open: 1, due: 1, overdue: 0, oldest: "2026-11-23T10" }],
  ["2026-11-23T11:14:59.999Z", { open: 1, due: 1, overdue: 0, oldest: "2026-11-23T10" }],
  ["2026-11-23T11:15:00.000Z", { open: 1, due: 0, overdue: 1, oldest: "2026-11-23T10" }],
  ["2026-11-23T12:10:00.000Z", { open: 1, due: 1, overdue: 1, oldest: "2026-11-23T10" }],
  ["2026-11-23T09:59:59.999Z", { open: 0, due: 0, overdue: 0, oldest: null }],
])("at %s", (now, expected) => {
  expect(backlogOf(stream, {}, at(now))).toEqual(expected);
});

test("a range of hours is half-open", () => {
  const now = at("2026-11-23T15:00:00Z");
  const range = { from: hour("2026-11-23T11"), to: hour("2026-11-23T13") };
  expect(backlogOf(stream, range, now)).toEqual({ open: 0, due: 0, overdue: 2, oldest: "2026-11-23T11" });
  expect(backlogOf(stream, { to: hour("2026-11-23T10") }, now)).toMatchObject({
    open: 0,
    due: 0,
    overdue: 0,
  });
});

test("[RM2] a removed stream that has ended has nothing before it", () => {
  const ended = { ...stream, end: stream.nextHour };
  expect(backlogOf(ended, {}, at("2026-11-25T10:00:00Z"))).toEqual({
    open: 0,
    due: 0,
    overdue: 0,
    oldest: null,
  });
});

test("the arithmetic counts what looking at every hour counts", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: graceMsMax }),
      fc.integer({ min: 0, max: 80 * 3_600_000 }),
      fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
      fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
      (first, graceMs, nowMs, from, to) => {
        const now = epochMs(nowMs);
        const counts = { open: 0, due: 0, overdue: 0 };
        for (let no = Math.max(first, from ?? 0); no <= hourNumberOf(now) && no < (to ?? 1_000); no++) {
          const due = dueAt(hourOfNumber(no), graceMs);
          counts[due > now ? "open" : due + overdueMs > now ? "due" : "overdue"]++;
        }
        const range = {
          from: from === undefined ? undefined : hourOfNumber(from),
          to: to === undefined ? undefined : hourOfNumber(to),
        };
        expect(backlogOf({ nextHour: hourOfNumber(first), graceMs, end: null }, range, now)).toMatchObject(
          counts,
        );
      },
    ),
  );
});
