import { describe, expect, test } from "vitest";
import { deletedOf, expiredBefore } from "../../domain/expiry.ts";
import { endOf, epochMs, plusHours } from "../../domain/hour.ts";
import { retentionMsMin } from "../../domain/limits.ts";
import { bucketPrefix, manifestKey, partKey, successKey } from "../../domain/manifest.ts";
import { hour, indexOf, type } from "./make.ts";

describe("[EX1] an hour expires", () => {
  const overAt = endOf(hour) + retentionMsMin;

  test("when its end is its retention ago, and not a millisecond before", () => {
    expect(hour < expiredBefore(retentionMsMin, epochMs(overAt - 1))).toBe(false);
    expect(hour < expiredBefore(retentionMsMin, epochMs(overAt))).toBe(true);
  });

  test("and the hour after it does not with it", () => {
    expect(plusHours(hour, 1) < expiredBefore(retentionMsMin, epochMs(overAt))).toBe(false);
  });
});

describe("[EX3] what is deleted of an hour", () => {
  const address = { type, hour };
  const key = (no: number): string => partKey(address, indexOf(0), no, "ndjson.gz");
  const hourWith = (keys: readonly string[], strays: readonly string[] = []) => ({
    ...address,
    parts: keys.map((part) => ({ key: part })),
    strays,
  });

  test("is its mark first, then its parts and strays; its manifest is not", () => {
    const keys = deletedOf(hourWith([key(0), key(2)], [key(1)]));
    expect(keys).toEqual([successKey(address), key(0), key(2), key(1)]);
    expect(keys).not.toContain(manifestKey(address));
  });

  test.each([
    ["another hour's part", partKey({ type, hour: plusHours(hour, 1) }, indexOf(0), 0, "ndjson.gz")],
    ["the manifest", manifestKey(address)],
    ["what lies deeper", `${bucketPrefix(address)}a/b`],
    ["a digest", "digests/000000000001.json"],
  ])("never is %s, whatever the manifest lists", (_, listed) => {
    expect(() => deletedOf(hourWith([key(0), listed]))).toThrow("lists");
    expect(() => deletedOf(hourWith([key(0)], [listed]))).toThrow("lists");
  });
});
