import { describe, expect, test } from "vitest";
import { BucketAlert, alertRetryAt, messageText, secretBytes } from "../../domain/alert/message.ts";
import { AlertUrl } from "../../domain/alert/url.ts";
import { epochMs } from "../../domain/hour.ts";
import { alertRetryMsMax, alertTriesMax, alertUrlCharsMax } from "../../domain/limits.ts";

describe("[OP9] where alerts may go", () => {
  test.each([
    ["", true],
    ["https://hooks.example.com", true],
    ["https://hooks.example.com:8443/a/b?c=d%20e", true],
    ["http://127.0.0.1:9999/x", true],
    ["http://localhost/x", true],
    ["http://hooks.example.com/", false],
    ["https://user:secret@example.com/", false],
    ["https://example.com/#a", false],
    ["https://example.com/a b", false],
    ["http://127.0.0.1.example.com/", false],
    ["ftp://example.com/", false],
    ["hooks.example.com", false],
    [`https://example.com/${"x".repeat(alertUrlCharsMax - 20)}`, true],
    [`https://example.com/${"x".repeat(alertUrlCharsMax - 19)}`, false],
  ])("%s: %s", (url, taken) => {
    expect(AlertUrl.safeParse(url).success).toBe(taken);
  });
});

test.each([
  [`whsec_${"A".repeat(32)}`, true],
  [`whsec_${"A".repeat(31)}`, false],
  ["A".repeat(40), false],
  [`whsec_${"!".repeat(40)}`, false],
])("[OP9] a secret is whsec_ and enough bytes: %s", (text, taken) => {
  expect(secretBytes(text) !== null).toBe(taken);
});

test("[OP9] delays double up to a bound, and end", () => {
  const now = epochMs(0);
  const delays = Array.from({ length: alertTriesMax + 1 }, (_, index) => alertRetryAt(index + 1, 0.5, now));
  expect(delays.slice(0, 4)).toEqual([60_000, 120_000, 240_000, 480_000]);
  expect(delays[alertTriesMax - 2]).toBe(alertRetryMsMax);
  expect(delays[alertTriesMax - 1]).toBe(null);
  expect(alertRetryAt(1, 0, now)).toBe(45_000);
});

test("[OP9] a message says what is wrong, since when, and what was said before; equal input gives equal bytes", () => {
  const alert = BucketAlert.parse({
    type: "shop.order",
    hour: "2026-11-23T10",
    owner: "shop",
    contact: "#shop",
    condition: "missing",
    before: "overdue",
    changedAtMs: Date.parse("2026-11-23T11:20:00Z"),
    dueAtMs: Date.parse("2026-11-23T11:10:00Z"),
    sealedAtMs: null,
    rows: null,
    missingRows: 3,
    hop: "listing",
    why: "a part is gone",
  });
  const text = messageText([alert], epochMs(Date.parse("2026-11-23T11:20:00Z")));
  expect(JSON.parse(text)).toEqual({
    type: "hourseal.buckets",
    timestamp: "2026-11-23T11:20:00.000Z",
    data: {
      alerts: [
        {
          type: "shop.order",
          hour: "2026-11-23T10",
          owner: "shop",
          contact: "#shop",
          condition: "missing",
          before: "overdue",
          since: "2026-11-23T11:20:00.000Z",
          dueAt: "2026-11-23T11:10:00.000Z",
          sealedAt: null,
          rows: null,
          missingRows: 3,
          hop: "listing",
          why: "a part is gone",
        },
      ],
    },
  });
});
