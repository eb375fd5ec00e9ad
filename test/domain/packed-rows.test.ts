import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochMs, hourOf } from "../../domain/hour.ts";
import { broken } from "../../domain/invariant.ts";
import {
  PackedRows,
  type Row,
  RowRuns,
  claims,
  headerBytes,
  packRows,
  selectRows,
} from "../../domain/packed-rows.ts";
import { hexOf, packed, rowNo, textOf } from "./make.ts";

const timeMs = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }).map(epochMs),
);
const row: fc.Arbitrary<Row> = fc.record({
  fingerprint: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  hashes: fc.record({
    source: fc.integer({ min: 0, max: 0xffff_ffff }),
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
  }),
  homeHour: fc
    .integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 })
    .map((ms) => hourOf(epochMs(ms))),
  timeMs,
  claims: fc.constantFrom(claims.none, claims.dated, claims.undated, claims.both),
  line: fc.string({ unit: "binary", maxLength: 30 }).map((text) => `${text}\n`),
});
const rows = fc.array(row, { maxLength: 12 });
/** Some of them follow one another, as the rows of an append do of which all are kept. */
const runsOfPicks = fc.array(
  fc
    .tuple(fc.nat({ max: 30 }), fc.integer({ min: 1, max: 12 }))
    .map(([first, count]) => Array.from({ length: count }, (_, at) => first + at)),
  { maxLength: 6 },
);

/** Everything that a reader can ask of packed rows, and that it must be able to without a throw. */
function readAll(view: PackedRows): number {
  let bytes = 4 + view.count * headerBytes;
  for (let index = 0; index < view.count; index++) {
    expect(view.fingerprintAt(index) + 16).toBeLessThanOrEqual(view.bytes.length);
    expect(view.line(index)).toHaveLength(view.lineBytes(index));
    expect(typeof view.hash(index, "id")).toBe("number");
    expect(typeof view.homeHour(index)).toBe("string");
    expect(typeof view.timeMs(index)).toBe("number");
    bytes += view.lineBytes(index);
  }
  return bytes;
}

describe("packed rows", () => {
  it("[EV2] are read back as they were packed, wherever in a buffer they lie", () => {
    fc.assert(
      fc.property(rows, fc.nat({ max: 9 }), (list, offset) => {
        const bytes = packRows(list);
        const within = new Uint8Array(offset + bytes.length + 3);
        within.set(bytes, offset);
        const view = PackedRows.read(within.subarray(offset, offset + bytes.length));
        expect(view?.count).toBe(list.length);
        list.forEach((expected, index) => {
          const at = view?.fingerprintAt(index) ?? 0;
          expect(hexOf(view?.bytes.subarray(at, at + 16) ?? new Uint8Array())).toBe(
            hexOf(expected.fingerprint),
          );
          expect(view?.hash(index, "source")).toBe(expected.hashes.source);
          expect(view?.hash(index, "id")).toBe(expected.hashes.id);
          expect(view?.claims(index)).toBe(expected.claims);
          expect(view?.homeHour(index)).toBe(expected.homeHour);
          expect(view?.timeMs(index)).toEqual(expected.timeMs ?? Number.NaN);
          expect(textOf(view?.line(index) ?? new Uint8Array())).toBe(expected.line);
        });
      }),
    );
  });

  it("[EV2] are the same bytes if the platform's encoder writes them in place, whatever characters they hold", () => {
    const encoder = new TextEncoder();
    const line = fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: "binary-ascii" }) },
      fc.string({ unit: "binary" }),
      fc.constant("\ud800"),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(row, line), { maxLength: 5 }), (list) => {
        const given = list.map(([one, text]) => ({ ...one, line: `${text}\n` }));
        expect(packRows(given, (text, to) => encoder.encodeInto(text, to))).toEqual(packRows(given));
      }),
      { numRuns: 500 },
    );
  });

  it("[CL4] selected from several appends are those rows, headers and all", () => {
    fc.assert(
      fc.property(rows, rows, runsOfPicks, (first, second, picks) => {
        const all = [...first, ...second];
        const selected = picks.flat().filter((pick) => pick < all.length);
        const views = [packed(first), packed(second)];
        const kept = new RowRuns();
        for (const pick of selected) {
          const [view, at] = pick < first.length ? [views[0], pick] : [views[1], pick - first.length];
          kept.add(view ?? broken("two views"), at);
        }
        const bytes = selectRows(kept.runs);
        expect(bytes).toEqual(packRows(selected.map((pick) => all[pick] ?? broken("a row"))));
      }),
    );
  });

  it("[SH3] that do not add up are no rows at all", () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 50 }), (list, cut, more) => {
        const bytes = packRows(list);
        expect(PackedRows.read(bytes.subarray(0, cut % bytes.length))).toBeNull();
        expect(PackedRows.read(new Uint8Array([...bytes, ...more]))).toBeNull();
      }),
    );
  });

  it("[SH3] forged or damaged are null or a view that adds up, and never throw", () => {
    const damage = fc.record({
      at: fc.nat(),
      with: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 127, 128, 255)),
      count: fc.option(fc.constantFrom(0, 1, 2, 1_000, 0x7fff_ffff, 0xffff_ffff)),
      length: fc.option(fc.constantFrom(0, 1, 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff)),
      cut: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(rows, fc.array(damage, { minLength: 1, maxLength: 4 }), (list, damages) => {
        let bytes = packRows(list);
        for (const one of damages) {
          bytes = bytes.slice(0, Math.max(0, bytes.length - one.cut));
          const view = new DataView(bytes.buffer);
          if (bytes.length > 0) bytes[one.at % bytes.length] = one.with;
          if (one.count !== null && bytes.length >= 4) view.setUint32(0, one.count, true);
          const lengthAt = 4 + (one.at % Math.max(1, list.length)) * headerBytes + 32;
          if (one.length !== null && bytes.length >= lengthAt + 4) view.setUint32(lengthAt, one.length, true);
        }
        const found = PackedRows.read(bytes);
        if (found !== null) expect(readAll(found)).toBe(bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("[SH3] of arbitrary bytes are null or a view that adds up", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (bytes.length > 4) bytes.set([bytes[0] ?? 0, 0, 0, 0].map((byte) => byte % 6));
        const found = PackedRows.read(bytes);
        if (found !== null) expect(readAll(found)).toBe(bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("[SH3] have no row outside their count", () => {
    const view = packed([rowNo(1)]);
    expect(() => view.fingerprintAt(1)).toThrow(RangeError);
    expect(() => view.hash(-1, "source")).toThrow(RangeError);
  });
});
