import { expect, test } from "vitest";
import { EventType } from "../../domain/ids.ts";
import type { RequestRefusal } from "../../domain/refusal.ts";
import { problemOf } from "../../platform/problem.ts";

/** One refusal of each code, and the status it must have. A code that is missing here does not compile. */
const refusals: {
  readonly [Code in RequestRefusal["code"]]: readonly [number, Extract<RequestRefusal, { code: Code }>];
} = {
  no_key: [401, { code: "no_key" }],
  bad_key: [401, { code: "bad_key" }],
  missing_scope: [403, { code: "missing_scope", scope: "read:audit" }],
  bad_link: [403, { code: "bad_link" }],
  link_expired: [403, { code: "link_expired", expiredAt: "2026-11-23T11:10:00.000Z" }],
  body_too_large: [413, { code: "body_too_large", limitBytes: 5, inflated: true }],
  too_many_events: [413, { code: "too_many_events", limit: 3 }],
  unsupported_media_type: [415, { code: "unsupported_media_type", given: "x/y" }],
  unsupported_encoding: [415, { code: "unsupported_encoding", given: "br" }],
  unreadable_body: [400, { code: "unreadable_body", detail: "d" }],
  invalid_request: [422, { code: "invalid_request", detail: "d" }],
  all_refused: [422, { code: "all_refused" }],
  not_found: [404, { code: "not_found" }],
  method_not_allowed: [405, { code: "method_not_allowed", allow: "GET, PUT" }],
  conflict: [409, { code: "conflict", detail: "d" }],
  change_refused: [
    422,
    {
      code: "change_refused",
      refused: [{ type: EventType.parse("a"), setting: "windowMs", reason: "it shrinks" }],
    },
  ],
  unknown_stream: [404, { code: "unknown_stream", type: "t", near: ["tt"] }],
  too_much: [400, { code: "too_much", what: "hours", limit: 744 }],
  malformed_hour: [400, { code: "malformed_hour", where: "from", given: "noon" }],
  before_stream: [404, { code: "before_stream", type: "t", firstHour: "2026-11-23T10" }],
  after_stream: [404, { code: "after_stream", type: "t", end: "2026-11-23T10" }],
  not_sealed: [
    409,
    {
      code: "not_sealed",
      dueAt: "2026-11-23T11:10:00.000Z",
      now: "2026-11-23T11:00:00.000Z",
      overdue: false,
      detail: "d",
    },
  ],
  expired: [
    410,
    { code: "expired", type: "a", hour: "2026-11-23T10", expiredAt: "2026-12-23T11:10:00.000Z" },
  ],
  range_not_satisfiable: [416, { code: "range_not_satisfiable", bytes: 9 }],
  misconfigured: [503, { code: "misconfigured", variable: "V", detail: "d" }],
  rate_limited: [429, { code: "rate_limited", retryAfterSeconds: 2, rates: ["key"], failed: [0] }],
  overloaded: [429, { code: "overloaded", retryAfterSeconds: 2 }],
  stream_drained: [503, { code: "stream_drained", retryAfterSeconds: 30, failed: [1] }],
  not_durable: [503, { code: "not_durable", retryAfterSeconds: 0.2, failed: [0, 7] }],
  unavailable: [503, { code: "unavailable", retryAfterSeconds: 2, detail: "d" }],
};

test.each(Object.values(refusals))("[HT1] [HT2] [HT3] %i %j", async (status, refusal) => {
  const response = problemOf(refusal);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body: unknown = await response.json();
  expect(body).toMatchObject({ type: `urn:hourseal:problem:${refusal.code}`, status });
  expect(body).toHaveProperty("title");
  expect(body).toHaveProperty("detail");
  expect(response.headers.has("retry-after")).toBe(status === 429 || status === 503);
  expect(response.headers.has("www-authenticate")).toBe(status === 401);
  expect(response.headers.has("allow")).toBe(status === 405);
});

test("[HT2] the numbers that explain a problem are members of it", async () => {
  expect(await problemOf(refusals.not_durable[1]).json()).toMatchObject({ failed: [0, 7] });
  expect(await problemOf(refusals.body_too_large[1]).json()).toMatchObject({ limitBytes: 5, inflated: true });
  expect(await problemOf(refusals.stream_drained[1]).json()).toMatchObject({ failed: [1] });
  expect(problemOf(refusals.stream_drained[1]).headers.get("retry-after")).toBe("30");
  expect(problemOf(refusals.not_durable[1]).headers.get("retry-after")).toBe("1");
  expect(problemOf(refusals.method_not_allowed[1]).headers.get("allow")).toBe("GET, PUT");
});
