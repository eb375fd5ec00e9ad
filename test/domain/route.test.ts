import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Hour, endOf, epochMs, hourOf, plusHours, startOf } from "../../domain/hour.ts";
import {
  overflowShardsMax,
  plausibleAheadMs,
  plausibleEdgeMs,
  forgetAfterWindowMs,
} from "../../domain/limits.ts";
import { claims } from "../../domain/packed-rows.ts";
import { homeIndex, partitionHash } from "../../domain/plan.ts";
import { type Route, homeOf, routeOf, spilled } from "../../domain/route.ts";
import { hour, hourOfText, plan, type } from "./make.ts";

const graceMs = 600_000;
const { windowMs } = plan;
const previous = plusHours(hour, -1);
const stream = { graceMs, windowMs, firstHour: hourOfText("2026-01-01T00") };
const start = startOf(hour);
const minute = 60_000;

interface Settings {
  readonly firstHour?: Hour;
  readonly graceMs?: number;
  readonly closed?: readonly Hour[];
}

function route(timeMs: number | null, now: number, more: Settings = {}): Route {
  return routeOf(
    timeMs === null ? null : epochMs(timeMs),
    epochMs(now),
    { ...stream, ...more },
    (one) => more.closed?.includes(one) ?? false,
  );
}

/** The hour of a home row, or where a foreign one is claimed, with the hour that takes it. */
function chosen(timeMs: number | null, now: number, more: Settings = {}): string {
  const found = route(timeMs, now, more);
  const where = Object.entries(claims).find(([, value]) => value === found.claims)?.[0] ?? "nowhere";
  return where === "none" ? found.hour : `${where} from ${found.hour}`;
}

const dated = `dated from ${hour}`;

describe("routeOf", () => {
  it("[ID5] gives an event of the arrival hour its own hour, from its first millisecond to its last", () => {
    const now = start + 30 * minute;
    expect([start, now, start + 60 * minute - 1].map((at) => chosen(at, now))).toEqual([hour, hour, hour]);
  });

  it("[ID5] gives an event of the hour before its own hour within the grace, and the arrival hour after", () => {
    const times = [startOf(previous), start - 1];
    for (const at of times) {
      expect(chosen(at, start)).toBe(previous);
      expect(chosen(at, start + graceMs - 1)).toBe(previous);
      expect(chosen(at, start + graceMs)).toBe(dated);
    }
    expect(chosen(startOf(previous) - 1, start)).toBe(dated);
    expect(chosen(start - 1, start, { graceMs: 0 })).toBe(dated);
  });

  it("[ID5] has no home row in an older hour, however long the grace", () => {
    const grace = { graceMs: 6 * 60 * minute };
    expect(chosen(startOf(previous), start + 59 * minute, grace)).toBe(previous);
    expect(chosen(startOf(previous) - 1, start, grace)).toBe(dated);
  });

  it("[CL7] claims an undated event at an undated home, from the arrival hour", () => {
    expect(chosen(null, start)).toBe(`undated from ${hour}`);
    expect(chosen(null, start - 1)).toBe(`undated from ${previous}`);
    expect(route(null, start).homeHour).toBe(hour);
  });

  it("[CL7] claims an event whose hour has not begun at that hour, and names it as its home", () => {
    expect(chosen(endOf(hour) - 1, start)).toBe(hour);
    expect(chosen(endOf(hour), start)).toBe(dated);
    expect(route(endOf(hour), start).homeHour).toBe(plusHours(hour, 1));
    expect(route(startOf(previous) - 1, start).homeHour).toBe(plusHours(hour, -2));
  });

  it("[CL7] claims at both homes within a day of what is believed, and at the undated one beyond", () => {
    const latest = start + plausibleAheadMs;
    const earliest = start - windowMs - forgetAfterWindowMs;
    const undated = `undated from ${hour}`;
    const both = `both from ${hour}`;
    const edges: [at: number, where: string][] = [
      [latest, dated],
      [latest + 1, both],
      [latest + plausibleEdgeMs, both],
      [latest + plausibleEdgeMs + 1, undated],
      [8.64e15, undated],
      [earliest + plausibleEdgeMs, dated],
      [earliest + plausibleEdgeMs - 1, both],
      [earliest - plausibleEdgeMs, both],
      [earliest - plausibleEdgeMs - 1, undated],
      [-8.64e15, undated],
    ];
    expect(edges.map(([at]) => chosen(at, start))).toEqual(edges.map(([, where]) => where));
    for (const [at, where] of edges) if (where === undated) expect(route(at, start).homeHour).toBe(hour);
  });

  it("[CL7] never sends a retry within the window to another home alone, whatever the first one's date", () => {
    const far = fc.integer({ min: -windowMs * 2, max: windowMs * 2 });
    fc.assert(
      fc.property(far, fc.nat({ max: plausibleEdgeMs }), (offset, later) => {
        const first = route(start + offset, start);
        const second = route(start + offset, start + later);
        const homes = (one: Route): number => (one.claims === claims.none ? claims.dated : one.claims);
        expect(homes(first) & homes(second)).not.toBe(0);
        if ((homes(first) & homes(second) & claims.dated) !== 0) expect(first.homeHour).toBe(second.homeHour);
      }),
      { numRuns: 500 },
    );
  });

  it("[ID5] has no home row in an hour before the stream's first", () => {
    expect(chosen(start - 1, start, { firstHour: hour })).toBe(dated);
    expect(chosen(start - 1, start, { firstHour: previous })).toBe(previous);
    expect(chosen(start, start, { firstHour: hour })).toBe(hour);
  });

  it("[ID5] has no home row in an hour that is known to be closed", () => {
    expect(chosen(start - 1, start, { closed: [previous] })).toBe(dated);
    expect(chosen(start, start, { closed: [previous] })).toBe(hour);
  });

  it("[ID5] learns from closed hours that the edge's clock is slow", () => {
    const next = plusHours(hour, 1);
    expect(chosen(null, start, { closed: [hour] })).toBe(`undated from ${next}`);
    expect(chosen(startOf(next), start, { closed: [hour] })).toBe(next);
    // Now is before the next hour, so the hour before it would be in its grace, but it is closed.
    expect(chosen(start, start, { closed: [hour] })).toBe(`dated from ${next}`);
    const closed = [0, 1, 2, 3, 4, 5].map((count) => plusHours(hour, count));
    expect(chosen(null, start, { closed })).toBe(`undated from ${plusHours(hour, 3)}`);
  });

  it("[ID5] always gives a home row to the arrival hour or the one before, and any other to the arrival hour", () => {
    const near = fc.integer({ min: -3 * 3_600_000, max: 3 * 3_600_000 });
    fc.assert(
      fc.property(fc.option(near), near, fc.nat({ max: 3_600_000 * 6 }), (offset, nowOffset, grace) => {
        const now = start + nowOffset;
        const at = offset === null ? null : start + offset;
        const found = route(at, now, { graceMs: grace });
        const arrival = hourOf(epochMs(now));
        const own = at === null ? null : hourOf(epochMs(at));
        const before = plusHours(arrival, -1);
        const isHome = own === arrival || (own === before && now < endOf(before) + grace);
        expect(found.claims === claims.none).toBe(isHome);
        expect(found.hour).toBe(isHome ? own : arrival);
        expect(found.arrival).toBe(arrival);
      }),
      { numRuns: 500 },
    );
  });
});

describe("homeOf", () => {
  const event = { type, partitionKey: null, source: "client-1", id: "7" };
  const wide = { ...plan, shards: 5 };

  it("[ID6] is the shard that the hash of the partition key names, and the hash that the shard checks", () => {
    const hashes = { source: partitionHash("client-1"), id: partitionHash("7") };
    const home = homeOf(event, hour, wide, 0);
    expect(home).toEqual({ address: { type, hour, index: homeIndex(hashes.source, wide) }, hashes });
    const keyed = homeOf({ ...event, partitionKey: "k" }, hour, wide, 0);
    expect(keyed.hashes).toEqual({ source: partitionHash("k"), id: partitionHash("k") });
    const byId = homeOf(event, hour, { ...wide, partitionBy: "id" }, 0);
    expect(byId.address.index).toBe(homeIndex(hashes.id, wide));
  });

  it("[CL8] after it did not take the event, is an overflow shard, each time another one", () => {
    const indexes = Array.from(
      { length: overflowShardsMax },
      (_, spills) => homeOf(event, hour, wide, spills + 1).address.index,
    );
    const overflow = Array.from({ length: overflowShardsMax }, (_, no) => wide.shards + no);
    expect(indexes.toSorted((a, b) => a - b)).toEqual(overflow);
  });
});

describe("spilled", () => {
  it("[CL8] goes to the arrival hour, to be claimed where it would have been at home", () => {
    const late = route(start - 1, start);
    expect([late.hour, late.claims]).toEqual([previous, claims.none]);
    expect(spilled(late)).toEqual({ ...late, hour, homeHour: previous, claims: claims.dated });
    const undated = route(null, start);
    expect(spilled(undated)).toEqual(undated);
  });
});
