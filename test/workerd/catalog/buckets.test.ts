import { env } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { pageRowsMax } from "../../../domain/limits.ts";
import {
  type Page,
  type CatalogBucket,
  listBuckets,
  listUnsettled,
} from "../../../platform/catalog/buckets.ts";
import { recordVerdict } from "../../../platform/catalog/audits.ts";
import { recordSealed } from "../../../platform/catalog/sealed.ts";
import { bucketTotals } from "../../../platform/catalog/totals.ts";
import { at, bucket, finding, hour, sealed, type } from "../helpers.ts";

const db = env.CATALOG;

beforeEach(async () => {
  await db.prepare("DELETE FROM buckets").run();
});

const names = (page: Page<CatalogBucket>): string[] =>
  page.items.map(({ address }) => `${address.hour}/${address.type}`);

async function seal(name: string, hourText: string): Promise<void> {
  const dueAtMs = at(`${hourText}:10:00Z`);
  await recordSealed(db, [
    { address: bucket(name, hourText), dueAtMs, summary: sealed(`${hourText}:10:05Z`, "a", 5) },
  ]);
}

async function due(name: string, hourText: string): Promise<void> {
  const dueAtMs = at(`${hourText}:10:00Z`);
  await db
    .prepare("INSERT INTO buckets (type, hour, state, due_at_ms, retry_at_ms) VALUES (?1, ?2, 'due', ?3, ?3)")
    .bind(name, hourText, dueAtMs)
    .run();
}

it("pages meet without a gap or an overlap, at the limit and one past it", async () => {
  for (const name of ["a", "b", "c"]) {
    for (const hourText of ["2026-11-23T10", "2026-11-23T11"]) await seal(name, hourText);
  }
  const whole = names(await listBuckets(db, {}, null, 6));
  expect(whole).toHaveLength(6);
  for (let limit = 1; limit <= 7; limit++) {
    const seen: string[] = [];
    let after: Page<CatalogBucket>["next"] = null;
    let pages = 0;
    do {
      const page: Page<CatalogBucket> = await listBuckets(db, {}, after, limit);
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...names(page));
      after = page.next;
      pages++;
    } while (after !== null);
    expect(seen).toEqual(whole);
    expect(pages).toBe(Math.ceil(6 / limit));
  }
});

it("no page is larger than the limit of all pages", async () => {
  await expect(listBuckets(db, {}, null, pageRowsMax + 1)).rejects.toThrow(RangeError);
  await expect(listBuckets(db, {}, null, 0)).rejects.toThrow(RangeError);
});

it("filters are conjunctions; the range of hours is half-open", async () => {
  await seal("a", "2026-11-23T10");
  await seal("a", "2026-11-23T11");
  await seal("b", "2026-11-23T11");
  await due("a", "2026-11-23T12");
  await recordVerdict(db, {
    address: bucket("a", "2026-11-23T10"),
    findings: [],
    attempts: 0,
    at: at("2026-11-23T12:00:00Z"),
  });
  const list = async (filter: Parameters<typeof listBuckets>[1]) =>
    names(await listBuckets(db, filter, null, 10));
  expect(await list({ type: type("a") })).toHaveLength(3);
  expect(await list({ from: hour("2026-11-23T11"), to: hour("2026-11-23T12") })).toEqual([
    "2026-11-23T11/a",
    "2026-11-23T11/b",
  ]);
  expect(await list({ state: "due" })).toEqual(["2026-11-23T12/a"]);
  expect(await list({ verdict: "balanced", type: type("b") })).toEqual([]);
  expect(await list({ verdict: "balanced" })).toEqual(["2026-11-23T10/a"]);
});

it("what is unsettled: late seals, late audits and faults; nothing that still has time", async () => {
  const now = at("2026-11-23T12:12:00Z");
  const late = { dueBefore: at("2026-11-23T12:07:00Z"), sealedBefore: at("2026-11-23T12:07:00Z") };
  await due("late", "2026-11-23T11");
  await due("in-time", "2026-11-23T12");
  await seal("unaudited", "2026-11-23T11");
  await seal("fresh", "2026-11-23T12");
  await seal("fine", "2026-11-23T10");
  await seal("faulty", "2026-11-23T10");
  await recordVerdict(db, { address: bucket("fine", "2026-11-23T10"), findings: [], attempts: 0, at: now });
  await recordVerdict(db, {
    address: bucket("faulty", "2026-11-23T10"),
    findings: [finding("missing")],
    attempts: 0,
    at: now,
  });
  const page = await listUnsettled(db, late, {}, null, 10);
  expect(names(page)).toEqual(["2026-11-23T10/faulty", "2026-11-23T11/late", "2026-11-23T11/unaudited"]);
  expect(names(await listUnsettled(db, late, { type: type("late") }, null, 10))).toEqual([
    "2026-11-23T11/late",
  ]);
  const first = await listUnsettled(db, late, {}, null, 1);
  expect(names(await listUnsettled(db, late, {}, first.next, 1))).toEqual(["2026-11-23T11/late"]);
});

it("totals count every bucket of the range once", async () => {
  await due("late", "2026-11-23T10");
  await due("in-time", "2026-11-23T12");
  await seal("a", "2026-11-23T10");
  await seal("a", "2026-11-23T11");
  await recordVerdict(db, {
    address: bucket("a", "2026-11-23T10"),
    findings: [],
    attempts: 0,
    at: at("2026-11-23T12:00:00Z"),
  });
  const totals = await bucketTotals(db, at("2026-11-23T11:00:00Z"), {});
  const sorted = totals.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  expect(sorted).toEqual([
    { state: "due", verdict: null, late: false, buckets: 1, rows: 0, bytes: 0 },
    { state: "due", verdict: null, late: true, buckets: 1, rows: 0, bytes: 0 },
    { state: "sealed", verdict: "balanced", late: false, buckets: 1, rows: 5, bytes: 100 },
    { state: "sealed", verdict: null, late: false, buckets: 1, rows: 5, bytes: 100 },
  ]);
  expect(
    await bucketTotals(db, at("2026-11-23T11:00:00Z"), { type: type("a"), from: hour("2026-11-23T11") }),
  ).toEqual([{ state: "sealed", verdict: null, late: false, buckets: 1, rows: 5, bytes: 100 }]);
  expect(await bucketTotals(db, at("2026-11-23T11:00:00Z"), { to: hour("2026-11-23T10") })).toEqual([]);
});
