import { expect, test } from "vitest";
import { epochMs, parseHour } from "../../domain/hour.ts";
import {
  type SnapshotDocument,
  emptySnapshot,
  newerSnapshot,
  parseSnapshot,
  snapshotText,
} from "../../domain/snapshot.ts";
import { StreamDocument } from "../../domain/stream.ts";

const stream = StreamDocument.parse({ type: "a/b", firstHour: parseHour("2026-11-23T10") });
const document: SnapshotDocument = {
  format: 1,
  version: 7,
  writtenAt: epochMs(0),
  streams: [stream],
  removed: [],
  keys: [
    {
      id: "0123456789ab",
      hash: "0".repeat(64),
      scopes: ["write:a*"],
      expiresAt: null,
      eventsPerSecondMax: null,
      eventsPerHourMax: 1_000,
      eventsPerDayMax: null,
    },
  ],
  spent: [{ kind: "key", name: "0123456789ab", window: "hour", eventsMax: 1_000, until: epochMs(3_600_000) }],
};

test("a snapshot is read back as it was written", () => {
  const read = parseSnapshot(snapshotText(document));
  if (!read.ok) throw new Error(read.reason);
  expect(read.value.version).toBe(7);
  expect(read.value.streams.get("a/b")).toEqual(stream);
  expect(read.value.keys.get("0123456789ab")?.scopes).toEqual(["write:a*"]);
});

test("[RM1] a removed stream is kept apart from those that edges go by; without one nothing is said of it", () => {
  const removed = [{ ...stream, removedAt: epochMs(1), lastHour: stream.firstHour }];
  const read = parseSnapshot(snapshotText({ ...document, streams: [], removed }));
  if (!read.ok) throw new Error(read.reason);
  expect([...read.value.streams.keys()]).toEqual([]);
  expect(read.value.removed).toEqual(removed);
  expect(snapshotText(document)).not.toContain("removed");
});

test("[DR1] a drained stream is read back as such; of one that takes events nothing is said", () => {
  const drain = { sinceMs: epochMs(1), author: "Ann", note: "wrong" };
  const read = parseSnapshot(snapshotText({ ...document, streams: [{ ...stream, drain }] }));
  if (!read.ok) throw new Error(read.reason);
  expect(read.value.streams.get(stream.type)?.drain).toEqual(drain);
  const before = parseSnapshot(snapshotText(document));
  expect(before.ok && before.value.streams.get(stream.type)?.drain).toBe(undefined);
  expect(snapshotText(document)).not.toContain("drain");
});

test.each([
  ["nothing", ""],
  ["half of it", snapshotText(document).slice(0, 100)],
  ["another format", snapshotText(document).replace(`"format": 1`, `"format": 2`)],
  ["an unknown field", snapshotText(Object.assign({ admin: true }, document))],
  ["a version that is none", snapshotText({ ...document, version: -1 })],
  ["null", "null"],
])("[KE5] %s is no snapshot", (_name, text) => {
  expect(parseSnapshot(text).ok).toBe(false);
});

test("[KE5] only a newer snapshot takes the place of the one that is held", () => {
  const held = { ...emptySnapshot, version: 7 };
  const same = { ...emptySnapshot, version: 7 };
  const older = { ...emptySnapshot, version: 6 };
  const newer = { ...emptySnapshot, version: 8 };
  expect(newerSnapshot(held, same)).toBe(held);
  expect(newerSnapshot(held, older)).toBe(held);
  expect(newerSnapshot(held, newer)).toBe(newer);
});
