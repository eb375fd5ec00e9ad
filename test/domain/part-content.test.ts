import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endOf, epochMs, hourNumber, isoOf, plusHours, startOf } from "../../domain/hour.ts";
import { PartContent } from "../../domain/manifest.ts";
import { ContentCounter, addContents } from "../../domain/part-content.ts";
import { rowLine } from "../../domain/row-line.ts";
import { fingerprintNo, hour, packed, rowNo, tallyOf } from "./make.ts";

const rows = fc.array(
  fc.record({
    no: fc.nat({ max: 1_000 }),
    before: fc.nat({ max: 2 }),
    timeMs: fc.option(fc.integer({ min: startOf(hour), max: endOf(hour) }), { nil: Number.NaN }),
    lineBytes: fc.nat({ max: 500 }),
    schemaVersion: fc.nat({ max: 11 }),
  }),
  { maxLength: 20 },
);
type Rows = typeof rows extends fc.Arbitrary<infer Value> ? Value : never;

function contentOf(list: Rows): PartContent {
  const counter = new ContentCounter();
  for (const { no, before, timeMs, lineBytes, schemaVersion } of list)
    counter.add(fingerprintNo(no), 0, hourNumber(plusHours(hour, -before)), timeMs, lineBytes, schemaVersion);
  return counter.content();
}

describe("the content of a part", () => {
  it("[AU4] is what its rows hold", () => {
    fc.assert(
      fc.property(rows, (list) => {
        const times = list.map(({ timeMs }) => timeMs).filter((ms) => !Number.isNaN(ms));
        const byVersion = Map.groupBy(list, ({ schemaVersion }) => schemaVersion);
        byVersion.delete(0);
        const byHour = Map.groupBy(list, ({ before }) => plusHours(hour, -before));
        const isoOrNull = (ms: number): string | null => (times.length === 0 ? null : isoOf(epochMs(ms)));
        expect(contentOf(list)).toEqual({
          tally: tallyOf(list.map(({ no }) => no)),
          plainBytes: list.reduce((sum, { lineBytes }) => sum + lineBytes, 0),
          homeHours: Object.fromEntries([...byHour].map(([home, found]) => [home, found.length])),
          minTime: isoOrNull(times.length === 0 ? 0 : Math.min(...times)),
          maxTime: isoOrNull(times.length === 0 ? 0 : Math.max(...times)),
          ...(byVersion.size === 0
            ? {}
            : {
                schemaVersions: Object.fromEntries(
                  [...byVersion].map(([version, found]) => [version, found.length]),
                ),
              }),
        });
        expect(PartContent.safeParse(contentOf(list)).success).toBe(true);
      }),
    );
  });

  it("[AU4] of batches adds up to the content of all their rows, to the byte as JSON", () => {
    fc.assert(
      fc.property(rows, fc.array(fc.nat({ max: 20 }), { maxLength: 3 }), (list, cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), list.length];
        const batches = at.slice(1).map((end, index) => list.slice(at[index], end));
        const added = addContents(batches.map(contentOf));
        expect(JSON.stringify(added)).toBe(JSON.stringify(contentOf(batches.flat())));
      }),
    );
  });

  it("[AU4] of packed rows is counted from their headers", () => {
    const counter = new ContentCounter();
    const view = packed([rowNo(1), rowNo(2, { timeMs: null, line: "€\n" })]);
    counter.addRow(view, 0);
    counter.addRow(view, 1);
    expect([counter.rows, counter.bytes]).toEqual([2, view.line(0).length + 4]);
    expect(counter.content()).toEqual({
      tally: tallyOf([1, 2]),
      plainBytes: view.line(0).length + 4,
      homeHours: { [hour]: 2 },
      minTime: isoOf(epochMs(startOf(hour) + 1)),
      maxTime: isoOf(epochMs(startOf(hour) + 1)),
    });
  });

  it("[SC4] counts rows by the schema that they were checked by", () => {
    const counter = new ContentCounter();
    const line = (version: number) => rowLine("{}", "2026-11-23T10:00:00.000Z", hour, version);
    const view = packed([1, 2, 2, 0].map((version, no) => rowNo(no, { line: line(version) })));
    for (let row = 0; row < view.count; row++) counter.addRow(view, row);
    expect(counter.content().schemaVersions).toEqual({ 1: 1, 2: 2 });
  });

  it("[BU6] of nothing is nothing", () => {
    const nothing = { tally: tallyOf([]), plainBytes: 0, homeHours: {}, minTime: null, maxTime: null };
    expect(addContents([])).toEqual(nothing);
    expect(new ContentCounter().content()).toEqual(nothing);
  });
});
