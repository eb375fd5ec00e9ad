import { describe, expect, it } from "vitest";
import { retentionMsMin } from "../../domain/limits.ts";
import { StreamSettings } from "../../domain/stream.ts";
import {
  StreamEntry,
  entryOfSettings,
  settingsOfEntry,
  streamsFileSchema,
} from "../../domain/streams-file.ts";

const full = {
  owner: "shop",
  contact: "#shop",
  description: "orders",
  alertUrl: "https://hooks.example.com/a?b=c",
  priority: "high",
  formats: ["ndjson.gz"],
  grace: "30m",
  window: "7d",
  retention: "400d",
  targetLateness: "1h",
  shards: 4,
  shardsMax: 16,
  partitionBy: "id",
  eventsPerSecondMax: 500,
  eventsPerHourMax: 1_000_000,
  eventsPerDayMax: 20_000_000,
  schema: { type: "object" },
  onInvalid: "quarantine",
};

describe("an entry of the file", () => {
  it("[CF2] means settings, and settings an entry", () => {
    const settings = settingsOfEntry(StreamEntry.parse(full));
    expect(settings).toEqual({
      owner: "shop",
      contact: "#shop",
      description: "orders",
      alertUrl: "https://hooks.example.com/a?b=c",
      priority: "high",
      formats: ["ndjson.gz"],
      graceMs: 1_800_000,
      windowMs: 604_800_000,
      retentionMs: 34_560_000_000,
      targetLatenessMs: 3_600_000,
      shards: 4,
      shardsMax: 16,
      partitionBy: "id",
      eventsPerSecondMax: 500,
      eventsPerHourMax: 1_000_000,
      eventsPerDayMax: 20_000_000,
      schema: { type: "object" },
      onInvalid: "quarantine",
    });
    expect(entryOfSettings(settings)).toEqual(full);
  });

  it("[CF2] that is empty is all defaults, and written out means the same", () => {
    const settings = settingsOfEntry(StreamEntry.parse({}));
    expect(settings).toEqual(StreamSettings.parse({}));
    expect(settingsOfEntry(StreamEntry.parse(entryOfSettings(settings)))).toEqual(settings);
  });

  it("keeps for ever what says so", () => {
    expect(settingsOfEntry(StreamEntry.parse({ retention: "forever" })).retentionMs).toBeNull();
    expect(settingsOfEntry(StreamEntry.parse({ retention: "10d" })).retentionMs).toBe(retentionMsMin);
  });

  it.each([
    [{ grace: 10 }, "takes a duration from 0s to 6h"],
    [{ grace: "10 minutes" }, "takes a duration from 0s to 6h"],
    [{ grace: "7h" }, "takes a duration from 0s to 6h"],
    [{ retention: "8d" }, "takes forever, or a duration from 10d"],
    [{ retention: "never" }, "takes forever, or a duration from 10d"],
    [{ priority: "urgent" }, '"high"|"normal"|"low"'],
    [{ shards: "2" }, "expected number"],
  ])("[CF2] %j is refused with what is allowed", (entry, allowed) => {
    const parsed = StreamEntry.safeParse(entry);
    expect(parsed.error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(allowed)]);
  });
});

it("has a JSON Schema that knows every setting", () => {
  const text = JSON.stringify(streamsFileSchema());
  expect(Object.keys(full).filter((name) => !text.includes(`"${name}":`))).toEqual([]);
});
