/** `npm run cost`, small: what it counts is there, and nothing of what local mode alone does is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { repositoryRoot } from "../../scripts/local/config.ts";

const Bills = z.array(
  z.looseObject({ events: z.number(), usd: z.number(), counts: z.record(z.string(), z.number()) }),
);

test("the bill of a few requests counts every kind of use, from the post to the retirement", () => {
  const dir = mkdtempSync(join(tmpdir(), "hourseal-cost-test-"));
  try {
    const json = join(dir, "bill.json");
    const args = ["bench/cost.ts", "--quick", "--only", "busy-20", "--json", json];
    execFileSync(process.execPath, args, { cwd: repositoryRoot, stdio: ["ignore", "pipe", "pipe"] });
    const [bill] = Bills.parse(JSON.parse(readFileSync(json, "utf8")));
    expect(bill?.events).toBe(800);
    expect(bill?.usd).toBeGreaterThan(0);
    const counts = bill?.counts ?? {};
    // Requests share calls, and calls share commits.
    expect(counts["worker_requests/POST /v1/events"]).toBe(40);
    expect(counts["object_requests/EventShard.append"]).toBeGreaterThan(0);
    expect(counts["object_requests/EventShard.append"]).toBeLessThanOrEqual(40);
    expect(counts["rows_written/EventShard INSERT batch"]).toBeGreaterThan(0);
    expect(counts["rows_written/EventShard INSERT batch"]).toBeLessThanOrEqual(40);
    expect(counts["rows_written/EventShard setAlarm"]).toBeGreaterThan(0);
    expect(counts["r2_class_a/put events"]).toBeGreaterThanOrEqual(3);
    expect(counts["d1_rows_written/INSERT buckets"]).toBeGreaterThan(0);
    expect(counts["objects_retired/EventShard"]).toBe(1);
    expect(Object.keys(counts).filter((use) => use.includes("LocalClock"))).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 180_000);
