import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endOf } from "../../domain/hour.ts";
import { EventType } from "../../domain/ids.ts";
import { graceMsMax, sealJitterMsMax, shardsMax } from "../../domain/limits.ts";
import {
  Plan,
  dueAt,
  homeIndex,
  partitionHash,
  partitionHashes,
  planOf,
  samePlan,
  sealAlarmAt,
} from "../../domain/plan.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { hour, plan, type } from "./make.ts";

const text = fc.string({ unit: "binary", maxLength: 20 });
const event = fc.record({ partitionKey: fc.option(text), source: text, id: text });

describe("a plan", () => {
  it("[BU1] is what the stream's settings ask for", () => {
    const settings = StreamSettings.parse({ shards: 7, partitionBy: "id", graceMs: 5 });
    expect(planOf(settings)).toEqual({ ...plan, shards: 7, partitionBy: "id", graceMs: 5 });
    expect(Plan.safeParse(planOf(settings)).success).toBe(true);
  });

  it("[SH8] is another one as soon as one of its fields is", () => {
    const others: Partial<Plan>[] = [{ shards: 2 }, { partitionBy: "id" }, { graceMs: 1 }, { windowMs: 1 }];
    expect(samePlan(plan, { ...plan })).toBe(true);
    expect(others.filter((other) => samePlan(plan, { ...plan, ...other }))).toEqual([]);
    // @ts-expect-error there is one hash version so far
    expect(samePlan(plan, { ...plan, hashVersion: 2 })).toBe(false);
  });

  it("[ID6] has no more shards than the limit, and a grace that ends before anything retires", () => {
    const takes = (more: Partial<Plan>): boolean => Plan.safeParse({ ...plan, ...more }).success;
    expect([takes({ shards: 1 }), takes({ shards: shardsMax }), takes({ graceMs: graceMsMax })]).toEqual([
      true,
      true,
      true,
    ]);
    expect(
      [{ shards: 0 }, { shards: shardsMax + 1 }, { graceMs: graceMsMax + 1 }, { graceMs: -1 }].filter(takes),
    ).toEqual([]);
  });
});

describe("the formats of a plan", () => {
  it("[FO1] are those of the stream, in one order, each once", () => {
    const formats = (of: unknown): unknown => Plan.safeParse({ ...plan, formats: of }).data?.formats;
    expect(planOf(StreamSettings.parse({})).formats).toEqual(["ndjson.gz"]);
    expect(formats(["parquet", "ndjson.gz"])).toEqual(["ndjson.gz", "parquet"]);
    expect([formats([]), formats(["parquet", "parquet"]), formats(["csv"])]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("[FO1] are lines if it was fixed before there was a choice", () => {
    const { formats: _formats, ...old } = plan;
    expect(Plan.parse(old)).toEqual(plan);
  });

  it("[SH8] make no other plan: they are the bucket's own affair", () => {
    expect(samePlan(plan, { ...plan, formats: ["parquet"] })).toBe(true);
  });
});

describe("the home of an identity", () => {
  it("[ID6] is one of the plan's shards, and the same for the same partition key", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: shardsMax }), (key, shards) => {
        const hash = partitionHash(key);
        expect(hash >= 0 && hash <= 0xffff_ffff && Number.isInteger(hash)).toBe(true);
        expect(homeIndex(hash, { ...plan, shards })).toBe(hash % shards);
      }),
    );
  });

  it("[ID6] is chosen by the event's partition key, or by what the plan says", () => {
    fc.assert(
      fc.property(event, (one) => {
        const { source, id } = partitionHashes(one);
        expect(source).toBe(partitionHash(one.partitionKey ?? one.source));
        expect(id).toBe(partitionHash(one.partitionKey ?? one.id));
      }),
    );
  });

  it("[ID6] never moves: the hash is fixed for its version", () => {
    expect(["", "a", "client-1", "a/b", "🦭"].map(partitionHash)).toEqual([
      2_872_998_923, 444_641_715, 1_163_684_601, 2_703_019_842, 2_222_454_301,
    ]);
  });

  it("[ID6] spreads keys that only count up evenly over the shards", () => {
    const counts = Array.from({ length: 16 }, () => 0);
    for (let no = 0; no < 16_000; no++) {
      const home = homeIndex(partitionHash(`client-${no}`), { ...plan, shards: 16 });
      counts[home] = (counts[home] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });
});

describe("when a bucket is due", () => {
  it("[BU9] its alarm follows within the jitter, at another time for another stream", () => {
    expect(dueAt(hour, 600_000)).toBe(endOf(hour) + 600_000);
    const delays = Array.from({ length: 200 }, (_, no) => {
      return sealAlarmAt(EventType.parse(`type-${no}`), hour, 600_000) - dueAt(hour, 600_000);
    });
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(sealJitterMsMax);
    expect(new Set(delays).size).toBeGreaterThan(150);
    expect(sealAlarmAt(type, hour, 0)).toBe(sealAlarmAt(type, hour, 0));
  });
});
