import { randomFillSync } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeSegment } from "../../domain/segment.ts";
import { rowLine } from "../../domain/row-line.ts";
import * as limits from "../../domain/limits.ts";
import { bucketPrefix, partKey } from "../../domain/manifest.ts";
import { EventType, ShardIndex, shardName } from "../../domain/ids.ts";
import { hour } from "./make.ts";

describe("the limits", () => {
  it("[PA6] leave room for what gzip adds to bytes that cannot be compressed", () => {
    const plain = randomFillSync(new Uint8Array(limits.partBytesTarget + limits.batchPayloadBytesMax));
    expect(gzipSync(plain, { level: 1 }).length).toBeLessThanOrEqual(limits.partBytesMax);
  });

  it("[SH7] leave room for the largest event with its envelope in one batch", () => {
    const event = "x".repeat(limits.eventBytesMax);
    const line = rowLine(event, "2026-11-23T10:00:00.000Z", hour);
    expect(line.length).toBeLessThanOrEqual(limits.batchPayloadBytesMax);
  });

  it("[KE6] keep keys and names of the longest type below what R2 and objects take", () => {
    const type = EventType.parse("€".repeat(limits.typeBytesMax / 3));
    const address = { type, hour, index: ShardIndex.parse(limits.shardsMax - 1) };
    expect(encodeSegment(type)).toHaveLength(limits.typeBytesMax * 3);
    expect(partKey(address, address.index, 999_999, "ndjson.gz").length).toBeLessThanOrEqual(1_024);
    expect(bucketPrefix(address).length).toBeLessThan(1_024);
    expect(new TextEncoder().encode(shardName(address)).length).toBeLessThan(1_024);
  });

  it("[BU2] end the longest grace before anything retires, and open no bucket a whole hour early", () => {
    expect(limits.graceMsMax).toBeLessThan(limits.windowMsDefault);
    expect(limits.openEarlyMsMax).toBeLessThan(3_600_000);
  });
});
