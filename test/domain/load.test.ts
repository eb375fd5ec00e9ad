import { describe, expect, it } from "vitest";
import { shardBytesTarget, shardRowsTarget } from "../../domain/limits.ts";
import { type HourLoad, loadOf, shardsNeeded } from "../../domain/load.ts";
import { type Manifest, manifestOf } from "../../domain/manifest.ts";
import { countersOfShard, hour, hourOfText, indexOf, plan, tallyOf, type } from "./make.ts";

function manifest(more: Partial<Manifest>): Manifest {
  const empty = { address: { type, hour }, sealedAt: "", plan: { ...plan, shards: 2 }, parts: [] };
  return { ...manifestOf({ ...empty, shards: [], strays: [] }), ...more };
}

function load(more: Partial<HourLoad>): HourLoad {
  const nothing = { rows: 0, busiestRows: 0, spilledRows: 0, bytes: 0, busiestBytes: 0, spilledBytes: 0 };
  return { shards: 1, failed: 0, ...nothing, ...more };
}

describe("what an hour asked of its shards", () => {
  it("[PL2] is counted from its own shards, duplicates too, overflow apart; rows that moved here are not its load", () => {
    const shards = [
      countersOfShard(0, tallyOf([1, 2]), { duplicates: 5 }),
      countersOfShard(1, tallyOf([3])),
      countersOfShard(2, tallyOf([4, 5, 6])),
      countersOfShard(0, tallyOf([7]), { hour: hourOfText("2026-11-23T09") }),
    ];
    expect(loadOf(manifest({ shards }), { failed: 7 })).toMatchObject({
      shards: 2,
      rows: 11,
      busiestRows: 7,
      spilledRows: 3,
      failed: 7,
    });
    expect(loadOf(manifest({ shards }), { failed: 0, quarantined: 4 })).toMatchObject({ quarantined: 4 });
  });

  it("counts bytes by the shards that put them", () => {
    const part = (origin: Manifest["parts"][number]["origin"], plainBytes: number) =>
      ({ origin, plainBytes, format: "ndjson.gz" }) as Manifest["parts"][number];
    const parts = [part(indexOf(0), 5), part(indexOf(0), 6), part(indexOf(1), 7), part(indexOf(2), 3)];
    expect(loadOf(manifest({ parts: [...parts, part("merged", 100)] }), { failed: 0 })).toMatchObject({
      bytes: 21,
      busiestBytes: 11,
      spilledBytes: 3,
    });
  });

  it("is nothing if nothing came", () => {
    const empty = loadOf(manifest({ plan: null }), { failed: 0 });
    expect(empty).toEqual(load({ shards: 0 }));
    expect(shardsNeeded(empty)).toBe(0);
  });
});

describe("[PL2] the shards that an hour needed", () => {
  const rows = (shards: number, total: number, busiest: number, spilled = 0): HourLoad =>
    load({
      shards,
      rows: total * shardRowsTarget,
      busiestRows: busiest * shardRowsTarget,
      spilledRows: spilled * shardRowsTarget,
    });

  it.each([
    ["one that is within its target", rows(1, 1, 1), 1],
    ["one that is past it", rows(1, 1.7, 1.7), 1.7],
    ["two of which one has more: by that one, not by the average", rows(2, 2, 1.5), 3],
    ["many of which each has as much", rows(8, 6, 6 / 8), 6],
    ["one that spilled: what it could not take counts", rows(1, 3, 2, 1), 3],
    ["two that spilled: an even share each", rows(2, 6, 2, 2), 6],
    ["many with one hot key: more shards would not part it, and are not asked for", rows(16, 4, 2), 128 / 15],
    ["one by its bytes", load({ bytes: 2.5 * shardBytesTarget, busiestBytes: 2.5 * shardBytesTarget }), 2.5],
  ])("%s", (_name, hours, needed) => {
    expect(shardsNeeded(hours)).toBeCloseTo(needed, 10);
  });

  it("of a hot key do not run away: given what it asked for, the next hour asks for no more", () => {
    const hot = 2 * shardRowsTarget;
    const others = 2 * shardRowsTarget;
    const counts = [1];
    for (let hours = 0; hours < 10; hours++) {
      const shards = counts.at(-1) ?? 1;
      const busiestRows = hot + others / shards;
      counts.push(Math.ceil(shardsNeeded(load({ shards, rows: hot + others, busiestRows }))));
    }
    expect(Math.max(...counts)).toBeLessThanOrEqual(8);
    expect(counts.at(-1)).toBe(counts.at(-2));
  });
});
