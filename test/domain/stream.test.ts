import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  eventsPerSecondLimit,
  contactCharsMax,
  descriptionCharsMax,
  graceMsDefault,
  graceMsMax,
  quotaEventsLimit,
  ownerCharsMax,
  retentionMsMax,
  retentionMsMin,
  shardsMax,
  targetLatenessMsMax,
  typeBytesMax,
  windowMsDefault,
  windowMsMax,
  windowMsMin,
} from "../../domain/limits.ts";
import { StreamDocument, StreamSettings, TypeName, isTypeName } from "../../domain/stream.ts";

describe("a stream's settings", () => {
  it("[KE1] have a default each, so that naming a type registers a stream", () => {
    expect(StreamSettings.parse({})).toEqual({
      owner: "",
      contact: "",
      description: "",
      alertUrl: "",
      priority: "normal",
      formats: ["ndjson.gz"],
      graceMs: graceMsDefault,
      windowMs: windowMsDefault,
      retentionMs: null,
      targetLatenessMs: null,
      shards: 1,
      shardsMax: null,
      partitionBy: "source",
      eventsPerSecondMax: null,
      eventsPerHourMax: null,
      eventsPerDayMax: null,
      schema: null,
      onInvalid: "refuse",
    });
    expect(StreamDocument.parse({ type: "a", firstHour: "2026-11-23T10" })).toMatchObject({
      type: "a",
      shards: 1,
      schemaVersion: 0,
    });
  });

  it("[KE1] are taken at their limits and refused one past", () => {
    const takes = (settings: object): boolean => StreamSettings.safeParse(settings).success;
    const good = [
      { shards: 1 },
      { shards: shardsMax },
      { shardsMax: null },
      { shardsMax },
      { eventsPerSecondMax: 1 },
      { eventsPerSecondMax: eventsPerSecondLimit },
      { eventsPerHourMax: 1 },
      { eventsPerDayMax: quotaEventsLimit },
      { graceMs: 0 },
      { graceMs: graceMsMax },
      { windowMs: windowMsMin },
      { windowMs: windowMsMax },
      { retentionMs: null },
      { retentionMs: retentionMsMin },
      { retentionMs: retentionMsMax },
      { targetLatenessMs: 0 },
      { targetLatenessMs: targetLatenessMsMax },
      { contact: "x".repeat(contactCharsMax) },
      { owner: "x".repeat(ownerCharsMax) },
      { description: "x".repeat(descriptionCharsMax) },
      { priority: "high" },
      { partitionBy: "id" },
    ];
    const bad = [
      { shards: 0 },
      { eventsPerSecondMax: 0 },
      { eventsPerHourMax: 0 },
      { eventsPerDayMax: quotaEventsLimit + 1 },
      { eventsPerSecondMax: eventsPerSecondLimit + 1 },
      { shards: shardsMax + 1 },
      { shards: 1.5 },
      { graceMs: -1 },
      { graceMs: graceMsMax + 1 },
      { windowMs: windowMsMin - 1 },
      { windowMs: windowMsMax + 1 },
      { retentionMs: retentionMsMin - 1 },
      { retentionMs: retentionMsMax + 1 },
      { targetLatenessMs: -1 },
      { targetLatenessMs: targetLatenessMsMax + 1 },
      { contact: "x".repeat(contactCharsMax + 1) },
      { formats: [] },
      { formats: ["csv"] },
      { owner: "x".repeat(ownerCharsMax + 1) },
      { description: "x".repeat(descriptionCharsMax + 1) },
      { priority: "urgent" },
      { partitionBy: "subject" },
      { shard: 2 },
    ];
    expect(good.filter((settings) => !takes(settings))).toEqual([]);
    expect(bad.filter(takes)).toEqual([]);
  });
});

describe("a type's name", () => {
  it("[KE6] is any well-formed text of 1 to typeBytesMax bytes", () => {
    const text = fc.string({ unit: "binary", maxLength: typeBytesMax + 5 });
    const filled = fc
      .tuple(
        fc.constantFrom("a", "é", "€", "🦭"),
        fc.integer({ min: 60, max: 260 }),
        fc.constantFrom("", "a", "aa", "é"),
      )
      .map(([unit, count, more]) => unit.repeat(count) + more);
    fc.assert(
      fc.property(fc.oneof(text, filled), (name) => {
        const bytes = new TextEncoder().encode(name).length;
        expect(isTypeName(name)).toBe(bytes >= 1 && bytes <= typeBytesMax);
        expect(TypeName.safeParse(name).success).toBe(isTypeName(name));
      }),
      { numRuns: 400 },
    );
  });

  it("[EV6] is taken at typeBytesMax bytes of any script, and refused one past", () => {
    const atLimit = ["x".repeat(255), `${"é".repeat(127)}x`, "€".repeat(85), `${"🦭".repeat(63)}xxx`];
    expect(atLimit.filter((name) => !isTypeName(name))).toEqual([]);
    expect(atLimit.map((name) => `${name}x`).filter(isTypeName)).toEqual([]);
    expect(isTypeName("")).toBe(false);
  });

  it("[KE6] has no half of a surrogate pair, which UTF-8 cannot say", () => {
    expect(["\ud800", "a\udc00b", "\udc00\ud800"].filter(isTypeName)).toEqual([]);
    expect(isTypeName("a/b\n\u0000 c")).toBe(true);
  });
});
