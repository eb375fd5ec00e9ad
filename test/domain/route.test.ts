import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hour, endOf, epochMs, hourOf, plusHours, startOf } from "../../domain/hour.ts";
import { chooseHour, homeOf, rowLine } from "../../domain/route.ts";
import { partitionHash } from "../../domain/plan.ts";
import { hour, hourOfText, plan, type } from "./make.ts";

const graceMs = 600_000;
const previous = plusHours(hour, -1);
const stream = { graceMs, firstHour: hourOfText("2026-01-01T00") };
const start = startOf(hour);
const minute = 60_000;

/** The chosen hour, or the code of the refusal. */
function chosen(
  timeMs: number | null,
  now: number,
  more: { firstHour?: Hour; graceMs?: number; closed?: readonly Hour[] } = {},
): string {
  const result = chooseHour(
    timeMs === null ? null : epochMs(timeMs),
    epochMs(now),
    { ...stream, ...more },
    (one) => more.closed?.includes(one) ?? false,
  );
  return result.ok ? result.value : result.reason.code;
}

describe("chooseHour", () => {
  it("[ID5] gives an event of the arrival hour its own hour, from its first millisecond to its last", () => {
    const now = start + 30 * minute;
    expect([start, now, start + 60 * minute - 1].map((at) => chosen(at, now))).toEqual([hour, hour, hour]);
  });

  it("[ID5] gives an event of the hour before its own hour within the grace, and refuses it after", () => {
    const times = [startOf(previous), start - 1];
    for (const at of times) {
      expect(chosen(at, start)).toBe(previous);
      expect(chosen(at, start + graceMs - 1)).toBe(previous);
      expect(chosen(at, start + graceMs)).toBe("late");
    }
    expect(chosen(startOf(previous) - 1, start)).toBe("late");
    expect(chosen(start - 1, start, { graceMs: 0 })).toBe("late");
  });

  it("[ID5] takes no older hour, however long the grace", () => {
    const grace = { graceMs: 6 * 60 * minute };
    expect(chosen(startOf(previous), start + 59 * minute, grace)).toBe(previous);
    expect(chosen(startOf(previous) - 1, start, grace)).toBe("late");
  });

  it("[ID5] gives an undated event the arrival hour", () => {
    expect(chosen(null, start)).toBe(hour);
    expect(chosen(null, start - 1)).toBe(previous);
  });

  it("[ID5] refuses an event whose hour has not begun", () => {
    expect(chosen(endOf(hour) - 1, start)).toBe(hour);
    expect(chosen(endOf(hour), start)).toBe("ahead");
    expect(chosen(8.64e15, start)).toBe("ahead");
    expect(chosen(-8.64e15, start)).toBe("late");
  });

  it("[ID5] takes nothing into an hour before the stream's first", () => {
    expect(chosen(start - 1, start, { firstHour: hour })).toBe("late");
    expect(chosen(start - 1, start, { firstHour: previous })).toBe(previous);
    expect(chosen(start, start, { firstHour: hour })).toBe(hour);
  });

  it("[ID5] takes nothing into an hour that is known to be closed", () => {
    expect(chosen(start - 1, start, { closed: [previous] })).toBe("late");
    expect(chosen(start, start, { closed: [previous] })).toBe(hour);
  });

  it("[ID5] learns from closed hours that the edge's clock is slow", () => {
    const next = plusHours(hour, 1);
    expect(chosen(null, start, { closed: [hour] })).toBe(next);
    expect(chosen(startOf(next), start, { closed: [hour] })).toBe(next);
    // Now is before the next hour, so the hour before it would be in its grace, but it is closed.
    expect(chosen(start, start, { closed: [hour] })).toBe("late");
    const closed = [0, 1, 2, 3, 4, 5].map((count) => plusHours(hour, count));
    expect(chosen(null, start, { closed })).toBe(plusHours(hour, 3));
  });

  it("[ID5] always gives the arrival hour, the one before, or a refusal with a reason", () => {
    const near = fc.integer({ min: -3 * 3_600_000, max: 3 * 3_600_000 });
    fc.assert(
      fc.property(fc.option(near), near, fc.nat({ max: 3_600_000 * 6 }), (offset, nowOffset, grace) => {
        const now = start + nowOffset;
        const at = offset === null ? null : start + offset;
        const found = chosen(at, now, { graceMs: grace });
        const arrival = hourOf(epochMs(now));
        const own = at === null ? arrival : hourOf(epochMs(at));
        const before = plusHours(arrival, -1);
        const inGrace = own === before && now < endOf(before) + grace;
        expect(found).toBe(own === arrival || inGrace ? own : own < arrival ? "late" : "ahead");
      }),
      { numRuns: 500 },
    );
  });
});

describe("homeOf", () => {
  it("[ID6] is the shard that the hash of the partition key names, and the hash that the shard checks", () => {
    const event = { type, partitionKey: null, source: "client-1", id: "7" };
    const wide = { ...plan, shards: 5 };
    const hash = partitionHash("client-1");
    expect(homeOf(event, hour, wide)).toEqual({ address: { type, hour, index: hash % 5 }, hash });
    expect(homeOf({ ...event, partitionKey: "k" }, hour, wide).hash).toBe(partitionHash("k"));
    expect(homeOf(event, hour, { ...wide, partitionBy: "id" }).hash).toBe(partitionHash("7"));
  });
});

describe("rowLine", () => {
  it("[EV2] is one line of JSON around the event as it was posted", () => {
    const event = '{"id":"1", "data":1.0}';
    const line = rowLine(event, "2026-11-23T10:00:00.000Z", hour);
    expect(line).toBe(
      `{"received_at":"2026-11-23T10:00:00.000Z","home_hour":"2026-11-23T10","event":${event}}\n`,
    );
    expect(JSON.parse(line)).toEqual({
      received_at: "2026-11-23T10:00:00.000Z",
      home_hour: hour,
      event: { id: "1", data: 1 },
    });
  });
});
