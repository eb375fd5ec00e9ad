import * as fc from "fast-check";
import { parquetMetadata } from "hyparquet";
import { describe, expect, it } from "vitest";
import { eventBytesMax, rowGroupBytes, rowGroupReadBytesMax } from "../../../domain/limits.ts";
import { columnsOf } from "../../../domain/parquet/columns.ts";
import { fileFacts } from "../../../domain/parquet/reader.ts";
import { lineOf, parquetOf, rowsIn } from "./make.ts";

const typed = columnsOf({
  properties: {
    page: { type: "string" },
    user: { properties: { name: { type: "string" }, mails: { items: { properties: { at: {} } } } } },
  },
});

describe("a Parquet part", () => {
  it("[FO4] has the same bytes for the same rows", () => {
    const lines = Array.from({ length: 300 }, (_, no) =>
      lineOf({ id: String(no), source: `/${no % 7}` }, `{"page":"/${no}"}`),
    );
    const bytes = parquetOf(lines, typed, { rows: "300" });
    expect(parquetOf(lines, typed, { rows: "300" })).toEqual(bytes);
    expect(parquetOf(lines.slice(1), typed, { rows: "300" })).not.toEqual(bytes);
  });

  it("[FO5] says what it was told of itself, with and without rows", async () => {
    const facts = { "hourseal.rows": "0", "hourseal.hour": "2026-11-23T10", "hourseal.type": "ä" };
    expect(fileFacts(parquetOf([], [], facts))).toEqual(facts);
    expect(fileFacts(parquetOf([lineOf({ id: "1" })], typed, facts))).toEqual(facts);
    expect(await rowsIn(parquetOf([]))).toEqual([]);
  });

  it("[FO5] has the bounds of each row group's columns, and none of documents", () => {
    const wide = "x".repeat(rowGroupBytes / 8);
    const lines = Array.from({ length: 20 }, (_, no) =>
      lineOf({ id: String(100 + no), time: `2026-11-23T10:00:${10 + no}Z` }, JSON.stringify(wide)),
    );
    const metadata = parquetMetadata(parquetOf(lines).slice().buffer);
    expect(metadata.row_groups.length).toBe(3);
    const bounds = metadata.row_groups.map(({ columns }) => {
      const of = (name: string) =>
        columns.find(({ meta_data: meta }) => meta?.path_in_schema.join(".") === name)?.meta_data?.statistics;
      expect(of("data")?.max_value).toBeUndefined();
      return [of("id")?.min_value, of("id")?.max_value];
    });
    expect(bounds).toEqual([
      ["100", "107"],
      ["108", "115"],
      ["116", "119"],
    ]);
  });

  it("[FO4] holds a row group in memory, not the whole part", () => {
    const lines = Array.from({ length: 40 }, (_, no) =>
      lineOf({ id: String(no) }, JSON.stringify("x".repeat(eventBytesMax - 1_000))),
    );
    const { row_groups: groups } = parquetMetadata(parquetOf(lines).slice().buffer);
    expect(groups.length).toBeGreaterThan(3);
    for (const { total_byte_size: bytes } of groups) {
      expect(Number(bytes)).toBeLessThanOrEqual(rowGroupBytes + 2 * eventBytesMax);
      expect(Number(bytes)).toBeLessThanOrEqual(rowGroupReadBytesMax);
    }
  });

  it("[FO6] reads back what was written, whatever the values", async () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
    const event = fc.record(
      {
        id: text,
        source: text,
        subject: text,
        data: fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              page: fc.oneof(text, fc.integer()),
              user: fc.record({ name: text, mails: fc.array(fc.record({ at: fc.jsonValue() })) }),
            },
            { requiredKeys: [] },
          ),
        ),
      },
      { requiredKeys: ["id", "source"] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 12 }), async (events) => {
        const bytes = parquetOf(
          events.map(({ data, ...members }) =>
            lineOf(members, data === undefined ? undefined : JSON.stringify(data)),
          ),
          typed,
        );
        const rows = await rowsIn(bytes);
        const found = rows.map(({ id, source, subject, data }) => ({
          id,
          source,
          subject,
          data: data instanceof Uint8Array ? new TextDecoder().decode(data) : null,
        }));
        const posted = events.map(({ id, source, subject, data }) => ({
          id,
          source,
          subject: subject ?? null,
          data: data === undefined ? null : JSON.stringify(data),
        }));
        expect(found).toEqual(
          posted.sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : 0)),
        );
      }),
      { numRuns: 60 },
    );
  });
});
