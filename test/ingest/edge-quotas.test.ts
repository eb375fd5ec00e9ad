/** What an edge does with quotas that the snapshot calls used up. */
import { expect, test } from "vitest";
import { type EpochMs, epochMs } from "../../domain/hour.ts";
import { type SpentQuota, quotaName } from "../../domain/quota.ts";
import type { Deliverable } from "../../workers/ingest/deliver.ts";
import { EdgeRates } from "../../workers/ingest/edge-rates.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { hour, type } from "../domain/make.ts";

const until = epochMs(3_600_000_000);
const before = epochMs(until - 1_500);
const principal = { keyId: "k", scopes: ["write:*"], eventsPerSecondMax: null };
const stream = { ...StreamSettings.parse({}), type, firstHour: hour, planned: [], schemaVersion: 0 };
const json = "{}";
const names = { type, streamType: type, source: "s", id: "1" };
const deliverable: Deliverable = {
  event: { ...names, timeMs: null, partitionKey: null, json, jsonBytes: json.length },
  stream,
};

function spent(kind: SpentQuota["kind"], name: string): ReadonlyMap<string, SpentQuota> {
  const quota: SpentQuota = { kind, name, window: "hour", eventsMax: 10, until };
  return new Map([[quotaName(quota), quota]]);
}

function meter(of: ReadonlyMap<string, SpentQuota>, now: EpochMs, eventsPerSecondMax: number | null = null) {
  return new EdgeRates().meter({ ...principal, eventsPerSecondMax }, [deliverable], of, now);
}

test("[RA4] a stream whose quota is used up takes nothing until its window ends, and says how long that is", () => {
  const { over, limits } = meter(spent("stream", stream.type), before);
  expect(over.get(stream.type)).toMatchObject({ fate: "failed", why: "rate", retryAfterMs: 1_500 });
  expect(limits).toMatchObject([{ events: 10, remaining: 0, resetSeconds: 2 }]);
});

test("[RA4] a window that is over takes again, whatever an old snapshot says", () => {
  expect(meter(spent("stream", stream.type), until).over.size).toBe(0);
  expect(meter(spent("key", "k"), until).over.size).toBe(0);
});

test("[RA4] a key whose quota is used up sends to no stream, and takes nothing of its rate meanwhile", () => {
  const { over, limits } = meter(spent("key", "k"), before, 5);
  expect(over.get(stream.type)).toMatchObject({ rate: "key hour" });
  expect(limits.map(({ name }) => name)).toEqual(["key hour"]);
});

test("[RA4] quotas of other streams and keys are none of its", () => {
  for (const of of [spent("stream", "another"), spent("key", "another"), spent("key", stream.type)])
    expect(meter(of, before)).toMatchObject({ limits: [], over: new Map() });
});
