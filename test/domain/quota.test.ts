/** Quotas: when one is used up, until when, and what is told of it. */
import { describe, expect, it } from "vitest";
import { type EpochMs, epochMs, isoOf } from "../../domain/hour.ts";
import { quotaEventsLimit, quotaSettleMs } from "../../domain/limits.ts";
import {
  QuotaEvents,
  firstHourOfDay,
  hasQuota,
  hoursToCount,
  limitOfSpent,
  quotaName,
  spentQuota,
} from "../../domain/quota.ts";

const owner = { kind: "stream", name: "a" } as const;
const now = at("2026-11-23T10:30:00Z");
const both = { eventsPerHourMax: 10, eventsPerDayMax: 100 };

function at(text: string): EpochMs {
  return epochMs(Date.parse(text));
}

describe("a quota", () => {
  it.each([
    ["none of it is used", { hour: 0, day: 0 }, null],
    ["one event is left of the hour", { hour: 9, day: 99 }, null],
    ["the hour's is used", { hour: 10, day: 99 }, "2026-11-23T11:00:00.000Z"],
    ["the hour's is passed", { hour: 11, day: 99 }, "2026-11-23T11:00:00.000Z"],
    ["the day's is used", { hour: 0, day: 100 }, "2026-11-24T00:00:00.000Z"],
    ["both are used: the day ends later", { hour: 10, day: 100 }, "2026-11-24T00:00:00.000Z"],
  ])("when %s", (_, use, until) => {
    const spent = spentQuota(owner, both, use, now);
    expect(spent === null ? null : isoOf(spent.until)).toBe(until);
  });

  it("that is not set is never used up", () => {
    const none = { eventsPerHourMax: null, eventsPerDayMax: null };
    expect(spentQuota(owner, none, { hour: 1e15, day: 1e15 }, now)).toBeNull();
    expect(hasQuota(none)).toBe(false);
    expect(hasQuota({ ...none, eventsPerDayMax: 1 })).toBe(true);
    expect(hasQuota({ ...none, eventsPerHourMax: 1 })).toBe(true);
  });

  it("is a whole number from one to its limit", () => {
    for (const good of [null, 1, quotaEventsLimit]) expect(QuotaEvents.safeParse(good).success).toBe(true);
    for (const bad of [0, 1.5, quotaEventsLimit + 1]) expect(QuotaEvents.safeParse(bad).success).toBe(false);
  });
});

describe("what is counted", () => {
  it("is the hour of now, and the one before while its edges may still report", () => {
    const start = at("2026-11-23T10:00:00Z");
    expect(hoursToCount(epochMs(start + quotaSettleMs - 1))).toEqual(["2026-11-23T09", "2026-11-23T10"]);
    expect(hoursToCount(epochMs(start + quotaSettleMs))).toEqual(["2026-11-23T10"]);
    expect(hoursToCount(at("2026-11-23T00:00:00Z"))).toEqual(["2026-11-22T23", "2026-11-23T00"]);
  });

  it("of a day begins with its first hour", () => {
    expect(firstHourOfDay(at("2026-11-23T23:59:59.999Z"))).toBe("2026-11-23T00");
    expect(firstHourOfDay(at("2026-11-24T00:00:00Z"))).toBe("2026-11-24T00");
  });

  it("is told apart by kind", () => {
    expect(quotaName(owner)).not.toBe(quotaName({ kind: "key", name: "a" }));
  });
});

it("a field says that nothing is left, and when all of it is there again: in one second at least", () => {
  const spent = spentQuota(owner, both, { hour: 10, day: 10 }, now);
  if (spent === null) throw new Error("it is used up");
  expect(limitOfSpent(spent, "stream a", now)).toEqual({
    name: "stream a hour",
    events: 10,
    windowSeconds: 3_600,
    remaining: 0,
    resetSeconds: 1_800,
  });
  expect(limitOfSpent(spent, "stream a", epochMs(spent.until - 1)).resetSeconds).toBe(1);
  const day = spentQuota(owner, both, { hour: 0, day: 100 }, now);
  expect(day === null ? null : limitOfSpent(day, "key", now)).toMatchObject({
    name: "key day",
    windowSeconds: 86_400,
  });
});
