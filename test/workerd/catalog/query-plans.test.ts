/** Queries that cron runs every minute must not walk the sealed and balanced history. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { selectAwaits, selectUnverified } from "../../../platform/catalog/audits.ts";
import { selectBuckets, selectUnsettled } from "../../../platform/catalog/buckets.ts";
import { selectUndigested } from "../../../platform/catalog/digests.ts";
import { selectBehind, selectDue } from "../../../platform/catalog/due.ts";
import { markExpired, selectUndeleted } from "../../../platform/catalog/expiry.ts";
import { selectUnsettledByStream } from "../../../platform/catalog/metrics.ts";
import { at, bucket, hour, overriding, type } from "../helpers.ts";

const now = at("2026-11-23T11:10:00Z");

/** The steps of the plan of the statement that `select` prepares. */
async function planOf(select: (db: D1Database) => D1PreparedStatement): Promise<string[]> {
  const explaining = overriding(env.CATALOG, {
    prepare: (query: string) => env.CATALOG.prepare(`EXPLAIN QUERY PLAN ${query}`),
  });
  const { results } = await select(explaining).all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}

it("the seal queue reads due rows only", async () => {
  const plan = await planOf((db) => selectDue(db, now, 600));
  expect(plan.filter((step) => step.includes(" buckets"))).toEqual(["SCAN buckets USING INDEX buckets_due"]);
  expect(plan.some((step) => step.startsWith("SEARCH streams USING"))).toBe(true);
});

it("the audit queue reads rows that wait for an audit only", async () => {
  const plan = await planOf((db) => selectUnverified(db, now, 600));
  expect(plan.filter((step) => step.includes(" buckets"))).toEqual([
    "SCAN buckets USING INDEX buckets_audit",
  ]);
  expect(plan.some((step) => step.startsWith("SEARCH streams USING"))).toBe(true);
});

it("[DG6] verdicts that wait for a digest are found without walking those that do not, and are not sorted", async () => {
  expect(await planOf((db) => selectUndigested(db, 1_000))).toEqual([
    "SCAN buckets USING INDEX buckets_undigested",
  ]);
});

it("streams with due hours are found by index", async () => {
  const plan = await planOf((db) => selectBehind(db, now, 600));
  expect(plan[0]).toBe("SEARCH streams USING INDEX streams_due (due_at_ms<?)");
});

it("[AU13] whether an hour waits for its audit is asked of that hour's buckets, and of streams that are behind", async () => {
  const plan = await planOf((db) => selectAwaits(db, hour("2026-11-23T10"), now));
  expect(plan).toContain("SEARCH streams USING INDEX streams_due (due_at_ms<?)");
  expect(plan).toContain("SEARCH buckets USING INDEX buckets_unsettled (hour=?)");
});

it("the report lists what is not balanced without walking what is", async () => {
  const late = { dueBefore: now, sealedBefore: now };
  expect(await planOf((db) => selectUnsettled(db, late, {}, null, 1_000))).toEqual([
    "SCAN buckets USING INDEX buckets_unsettled",
  ]);
  const after = bucket("a", "2026-11-23T10");
  expect(await planOf((db) => selectUnsettled(db, late, {}, after, 1_000))).toEqual([
    "SEARCH buckets USING INDEX buckets_unsettled ((hour,type)>(?,?))",
  ]);
});

it("a page of a listing is found by index, from wherever it starts, and is not sorted", async () => {
  const after = bucket("a", "2026-11-23T10");
  expect(await planOf((db) => selectBuckets(db, {}, after, 100))).toEqual([
    "SEARCH buckets USING INDEX buckets_by_hour ((hour,type)>(?,?))",
  ]);
  expect(await planOf((db) => selectBuckets(db, { type: type("a") }, after, 100))).toEqual([
    "SEARCH buckets USING INDEX sqlite_autoindex_buckets_1 (type=? AND hour>?)",
  ]);
});

it("[OP8] what the metrics say of buckets that are not balanced walks no others", async () => {
  const plan = await planOf((db) => selectUnsettledByStream(db, now));
  expect(plan.filter((step) => step.includes(" buckets"))).toEqual([
    "SCAN buckets USING INDEX buckets_unsettled",
  ]);
});

it("[EX7] hours that may expire are found by index, and so are those that still have parts", async () => {
  const steps = JSON.stringify([{ type: "a", version: 1, before: "2026-11-23T10" }]);
  const plan = await planOf((db) => markExpired(db, steps, now, 100));
  expect(plan.filter((step) => / (buckets|oldest|kept)\b/.test(step))).toEqual([
    "SEARCH buckets USING COVERING INDEX sqlite_autoindex_buckets_1 (type=? AND hour=?)",
    "SEARCH kept USING COVERING INDEX sqlite_autoindex_buckets_1 (type=? AND hour=?)",
    "SEARCH oldest USING INDEX buckets_kept (type=? AND hour<?)",
  ]);
  const deleting = await planOf((db) => selectUndeleted(db, now, 100));
  expect(deleting.filter((step) => step.includes(" buckets"))).toEqual([
    "SEARCH buckets USING INDEX buckets_undeleted (delete_at_ms>? AND delete_at_ms<?)",
  ]);
});
