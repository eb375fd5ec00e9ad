import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EpochMs, epochMs } from "../../domain/hour.ts";
import { rateWindowMs } from "../../domain/limits.ts";
import { type TokenBucket, filled, limitOf, rateLimitFields, takeTokens } from "../../domain/rate.ts";

const policy = { name: "key", eventsPerSecondMax: 100 };
const full = (policy.eventsPerSecondMax * rateWindowMs) / 1_000;
const at = (ms: number): EpochMs => epochMs(1_000_000 + ms);

describe("a bucket", () => {
  it("[RA1] is full at first, gives what it holds at once, and then as much as comes in", () => {
    const first = takeTokens(undefined, policy, full, at(0));
    expect(first).toMatchObject({ taken: true, bucket: { tokens: 0 } });
    expect(takeTokens(first.bucket, policy, 1, at(0))).toMatchObject({ taken: false, retryAfterMs: 10 });
    expect(takeTokens(first.bucket, policy, 1, at(9))).toMatchObject({ taken: false, retryAfterMs: 1 });
    expect(takeTokens(first.bucket, policy, 1, at(10))).toMatchObject({ taken: true, bucket: { tokens: 0 } });
  });

  it("[RA1] lets a request of any size pass at some time, and owes what it took too much", () => {
    const large = takeTokens(undefined, policy, 3 * full, at(0));
    expect(large).toMatchObject({ taken: true, bucket: { tokens: -2 * full } });
    const next = takeTokens(large.bucket, policy, 1, at(0));
    expect(next).toMatchObject({ taken: false, retryAfterMs: 2 * rateWindowMs + 10 });
    expect(takeTokens(large.bucket, policy, 1, at(2 * rateWindowMs + 9)).taken).toBe(false);
    expect(takeTokens(large.bucket, policy, 1, at(2 * rateWindowMs + 10)).taken).toBe(true);
  });

  it("holds no more than a window of it, and no more than a rate that was lowered allows", () => {
    const bucket = filled({ tokens: full - 1, atMs: at(0) }, policy, at(3_600_000));
    expect(bucket.tokens).toBe(full);
    expect(filled(bucket, { ...policy, eventsPerSecondMax: 1 }, at(3_600_000)).tokens).toBe(
      rateWindowMs / 1_000,
    );
  });

  it("[RA1] is not filled by a clock that goes back and forth", () => {
    let bucket: TokenBucket = takeTokens(undefined, policy, full, at(0)).bucket;
    for (let turn = 0; turn < 10; turn++) {
      bucket = filled(bucket, policy, at(-5_000));
      expect(bucket.tokens).toBeLessThanOrEqual(turn * 500 + 500);
    }
    expect(bucket.tokens).toBe(0);
  });

  it("[RA1] over any time lets through a full bucket, what came in at the rate, and one request", () => {
    const requests = fc.array(
      fc.record({ waitMs: fc.nat(2_000), events: fc.integer({ min: 1, max: 400 }) }),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(requests, (given) => {
        let bucket: TokenBucket | undefined;
        let now = 0;
        let taken = 0;
        for (const { waitMs, events } of given) {
          now += waitMs;
          const decision = takeTokens(bucket, policy, events, at(now));
          bucket = decision.bucket;
          if (decision.taken) taken += events;
          else expect(takeTokens(bucket, policy, 1, at(now + decision.retryAfterMs)).taken).toBe(true);
        }
        expect(taken).toBeLessThanOrEqual(full + (now * policy.eventsPerSecondMax) / 1_000 + 400);
      }),
    );
  });
});

describe("[RA3] the fields", () => {
  it("say of each policy its quota and window, and what remains and when all of it is there again", () => {
    const key = { policy, bucket: { tokens: 250.7, atMs: at(0) } };
    const stream = {
      policy: { name: "stream a%2Fb", eventsPerSecondMax: 2 },
      bucket: { tokens: -10, atMs: at(0) },
    };
    expect(rateLimitFields([key, stream].map(({ policy: of, bucket }) => limitOf(of, bucket)))).toEqual({
      "ratelimit-policy": '"key";q=1000;w=10, "stream a%2Fb";q=20;w=10',
      ratelimit: '"key";r=250;t=8, "stream a%2Fb";r=0;t=15',
    });
  });

  it("are not there where there is no rate", () => {
    expect(rateLimitFields([])).toEqual({});
  });
});
