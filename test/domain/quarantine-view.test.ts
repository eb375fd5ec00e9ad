import { expect, it } from "vitest";
import { quarantineNewestShown, quarantineReasonsShown, quarantineViewRowsMax } from "../../domain/limits.ts";
import type { Quarantined } from "../../domain/quarantine.ts";
import { QuarantineSample } from "../../domain/view/quarantine.ts";
import { hourOfText } from "./make.ts";

const hour = hourOfText("2026-11-23T10");

const row = (second: number, code: string, pointer?: string): Quarantined => ({
  receivedAt: new Date(second * 1_000).toISOString(),
  type: "shop.order",
  id: "x",
  source: "shop",
  code,
  detail: `${code} at ${second}`,
  ...(pointer === undefined ? {} : { pointer }),
  position: 0,
  schemaVersion: 1,
  event: "{}",
});

const sampleOf = (rows: readonly (Quarantined | null)[]): QuarantineSample => {
  const sample = new QuarantineSample();
  for (const one of rows) sample.take(hour, one);
  return sample;
};

it("[QU4] tells reasons by rule and place, most events first, and of each what the newest says", () => {
  const rows = [row(5, "schema_violation", "/data/a"), row(9, "unknown_type"), null];
  const view = sampleOf([...rows, row(7, "schema_violation", "/data/a"), row(1, "schema_violation")]).view();
  expect(view.reasons).toEqual([
    { code: "schema_violation", pointer: "/data/a", detail: "schema_violation at 7", events: 2 },
    { code: "schema_violation", pointer: null, detail: "schema_violation at 1", events: 1 },
    { code: "unknown_type", pointer: null, detail: "unknown_type at 9", events: 1 },
  ]);
  expect(view).toMatchObject({ events: 4, whole: true, otherEvents: 0 });
  expect(view.newest.map(({ detail }) => detail)).toEqual([
    "unknown_type at 9",
    "schema_violation at 7",
    "schema_violation at 5",
    "schema_violation at 1",
  ]);
});

it("[QU4] looks at as many rows as it may, those of other streams too, and says that there are more", () => {
  const most = sampleOf(Array.from({ length: quarantineViewRowsMax - 1 }, () => null));
  expect([most.take(hour, row(1, "a")), most.view().whole]).toEqual([true, true]);
  expect([most.take(hour, row(2, "b")), most.view().whole]).toEqual([false, false]);
  expect(most.view().events).toBe(1);
});

it.each([
  [quarantineReasonsShown, 0],
  [quarantineReasonsShown + 1, 1],
])("[QU4] of %i reasons the largest are listed, %i events are of others", (count, others) => {
  const view = sampleOf(Array.from({ length: count }, (_, at) => row(at, "a", `/data/${at}`))).view();
  expect([view.reasons.length, view.otherEvents]).toEqual([quarantineReasonsShown, others]);
});

it.each([quarantineNewestShown, quarantineNewestShown + 1])(
  "[QU4] of %i events the newest are listed",
  (count) => {
    const { newest } = sampleOf(Array.from({ length: count }, (_, at) => row(at + 1, "a"))).view();
    expect([newest.length, newest[0]?.detail]).toEqual([quarantineNewestShown, `a at ${count}`]);
  },
);
