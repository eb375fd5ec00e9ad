/** Freezes, as a decision. */
import { expect, test } from "vitest";
import { type Freeze, freezeOf } from "../../domain/freeze.ts";
import { epochMs } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";

const a = EventType.parse("a");
const b = EventType.parse("b");

function freeze(type: EventType | null): Freeze {
  return { type, sinceMs: epochMs(1), author: "Ann", note: "" };
}

test.each<[string, readonly Freeze[], EventType | null, boolean]>([
  ["nothing is frozen", [], a, false],
  ["the stream is", [freeze(a)], a, true],
  ["another stream is", [freeze(b)], a, false],
  ["all streams are", [freeze(null)], a, true],
  ["one stream is, and it is of several", [freeze(b)], null, true],
  ["nothing is, and it is of several", [], null, false],
])("[OP13] %s", (_name, freezes, type, frozen) => {
  expect(freezeOf(freezes, type) !== null).toBe(frozen);
});
