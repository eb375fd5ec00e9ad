/** Older code on state that newer code has stored: docs/adr/0023. */
import { describe, expect, test } from "vitest";
import {
  Digest,
  digestAfter,
  digestFormat,
  digestOfText,
  digestText,
  emptyChain,
} from "../../domain/digest.ts";
import { epochMs } from "../../domain/hour.ts";
import { HourLoad } from "../../domain/load.ts";
import { Manifest, manifestFormat, manifestOf } from "../../domain/manifest.ts";
import { PlanSteps } from "../../domain/planned.ts";
import { parseSnapshot, snapshotFormat } from "../../domain/snapshot.ts";
import { zeroTally } from "../../domain/tally.ts";
import { Finding } from "../../domain/verdict.ts";
import { hour, plan, type } from "./make.ts";

const address = { type, hour };
const more = { fromTomorrow: { of: "any kind" } };
const digest = digestAfter(
  emptyChain,
  [{ address, manifestSha256: "a".repeat(64), verdict: "balanced", tally: zeroTally }],
  epochMs(0),
);
const manifest = manifestOf({ address, sealedAt: "x", plan, parts: [], shards: [], strays: [] });
const snapshot = { format: snapshotFormat, version: 1, writtenAt: 0, streams: [], keys: [] };

describe("what is only looked at goes on with a field that nobody here knows", () => {
  test("[OP17] a digest and its entries", () => {
    const newer = { ...digest, ...more, buckets: digest.buckets.map((entry) => ({ ...entry, ...more })) };
    expect(digestOfText(JSON.stringify(newer))).toEqual(digest);
    expect(digestOfText(digestText(digest))).toEqual(digest);
  });

  test("[OP17] an hour's load, the steps of a plan, a finding", () => {
    const zeros = { rows: 0, busiestRows: 0, spilledRows: 0, bytes: 0, busiestBytes: 0, spilledBytes: 0 };
    const load = { shards: 1, failed: 0, ...zeros };
    expect(HourLoad.parse({ ...load, ...more })).toEqual(load);
    const step = { from: address.hour, shards: 2 };
    expect(PlanSteps.parse([{ ...step, ...more }])).toEqual([step]);
    const finding = {
      kind: "missing",
      hop: "reread",
      where: "a part",
      rows: 1,
      expected: null,
      found: null,
      detail: "",
    };
    expect(Finding.parse({ ...finding, ...more })).toEqual(finding);
  });
});

describe("refused, with the reason", () => {
  test("[OP17] a digest of a higher format", () => {
    expect(digestOfText(JSON.stringify({ ...digest, format: digestFormat + 1 }))).toBeNull();
    expect(Digest.safeParse({ ...digest, format: digestFormat + 1 }).error?.message).toContain("format");
  });

  test("[OP17] a snapshot of a higher format, or with a field that may restrict somebody", () => {
    expect(parseSnapshot(JSON.stringify(snapshot)).ok).toBe(true);
    expect(parseSnapshot(JSON.stringify({ ...snapshot, format: snapshotFormat + 1 }))).toMatchObject({
      ok: false,
      reason: expect.stringContaining("format") as string,
    });
    expect(parseSnapshot(JSON.stringify({ ...snapshot, ...more }))).toMatchObject({
      ok: false,
      reason: expect.stringContaining("fromTomorrow") as string,
    });
  });

  test("[OP17] a manifest of a higher format, or with a field that may count rows", () => {
    expect(Manifest.safeParse(manifest).success).toBe(true);
    const higher = Manifest.safeParse({ ...manifest, format: manifestFormat + 1 });
    expect(higher.error?.message).toContain("format");
    expect(Manifest.safeParse({ ...manifest, ...more }).error?.message).toContain("fromTomorrow");
  });
});
