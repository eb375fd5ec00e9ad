import { expect, test } from "vitest";
import {
  type ListedBucket,
  hourAfter,
  hoursBeyond,
  settledHours,
  within,
} from "../../../domain/pull/hours.ts";
import { hourOfText } from "../make.ts";

const at = (text: string) => hourOfText(`2026-11-23T${text}`);
const anyHour = { from: null, to: null };

/** `10 11? 12`: buckets of these hours; `?`: not sealed. */
function listed(text: string): ListedBucket[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => ({
      hour: at(word.slice(0, 2)),
      sealed: !word.endsWith("?"),
      verdict: null,
      manifestSha256: null,
    }));
}

test.each([
  ["10 11 12", "10 11 12", "13"],
  ["10 11 12? 13?", "10 11", "12"],
  // One in the middle that is overdue is settled by itself.
  ["10 11? 12", "10 11? 12", "13"],
  ["10? 11?", "", "10"],
])("[RD8] of %s, %s are settled, and %s is asked for", (all, settled, next) => {
  expect(settledHours(listed(all))).toEqual(listed(settled));
  expect(hourAfter(listed(all), anyHour)).toBe(at(next));
});

test("[RD8] of nothing listed the range's first hour is asked for, if it has one", () => {
  expect(hourAfter([], { from: at("10"), to: null })).toBe(at("10"));
  expect(hourAfter([], anyHour)).toBeNull();
});

test("an hour is within a range from its first one up to its end", () => {
  const range = { from: at("10"), to: at("12") };
  expect(within(at("09"), range)).toBe(at("10"));
  expect(within(at("10"), range)).toBe(at("10"));
  expect(within(at("11"), range)).toBe(at("11"));
  expect(within(at("12"), range)).toBeNull();
  expect(within(null, range)).toBeNull();
  expect(within(at("12"), anyHour)).toBe(at("12"));
});

test("the hours beyond one are those that the range still has after it", () => {
  expect(hoursBeyond(at("10"), { from: null, to: at("13") })).toBe(2);
  expect(hoursBeyond(at("12"), { from: null, to: at("13") })).toBe(0);
  expect(hoursBeyond(at("12"), anyHour)).toBe(0);
  expect(hoursBeyond(null, { from: null, to: at("13") })).toBe(0);
});
