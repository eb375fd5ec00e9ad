/** Drains, as a decision. */
import { expect, test } from "vitest";
import { drainRefusal, drainedOf, isForNow } from "../../domain/drain.ts";
import { epochMs } from "../../domain/hour.ts";
import { drainRetryMs, snapshotMaxAgeMs } from "../../domain/limits.ts";
import type { EventRefusalCode } from "../../domain/refusal.ts";

const drain = { sinceMs: epochMs(0), author: "Ann", note: "wrong prices" };

test("[DR2] a drained stream takes no event, and any other one does", () => {
  expect(drainRefusal({ type: "a" })).toBe(null);
  const refusal = drainRefusal({ type: "a", drain });
  expect(refusal).toMatchObject({ code: "stream_drained" });
  // Who and why is for operators.
  expect(refusal?.detail).toContain("the stream a takes no new events");
  expect(refusal?.detail).not.toMatch(/Ann|prices/);
});

test("[DR2] of all codes this one alone says to send the event again", () => {
  const codes: Readonly<Record<EventRefusalCode, boolean>> = {
    invalid_json: false,
    invalid_specversion: false,
    missing_attribute: false,
    invalid_attribute_name: false,
    invalid_attribute_value: false,
    duplicate_attribute: false,
    invalid_data: false,
    event_too_large: false,
    schema_violation: false,
    unknown_type: false,
    stream_drained: true,
    forbidden_type: false,
    forbidden_source: false,
  };
  for (const [code, forNow] of Object.entries(codes))
    expect([code, isForNow(code as EventRefusalCode)]).toEqual([code, forNow]);
});

test("[DR1] who waits as long as told is answered by an edge that has heard of the end", () => {
  expect(drainRetryMs).toBeGreaterThan(snapshotMaxAgeMs);
  expect(drainRetryMs).toBeLessThanOrEqual(30_000);
});

test("[DR4] operators see since when, by whom and why", () => {
  expect(drainedOf(undefined)).toBe(null);
  expect(drainedOf(drain)).toEqual({
    since: "1970-01-01T00:00:00.000Z",
    author: "Ann",
    note: "wrong prices",
  });
});
