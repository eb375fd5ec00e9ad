/** A Parquet part is counted as its rows' lines are: both say the same of the same rows. */
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { IdentitySet } from "../../../domain/identity-set.ts";
import { columnsOf } from "../../../domain/parquet/columns.ts";
import { microsOf, msOfMicros } from "../../../domain/parquet/micros.ts";
import { contentSha256, readRowGroups } from "../../../domain/parquet/reader.ts";
import { ParquetRows } from "../../../domain/parquet/writer.ts";
import { broken } from "../../../domain/invariant.ts";
import { utf8Length } from "../../../domain/event/utf8.ts";
import { countedColumns } from "../../../domain/part-row.ts";
import { PartRecount, type Recount } from "../../../domain/recount.ts";
import { type } from "../make.ts";
import { grouping, lineOf, parquetOf } from "./make.ts";

const gunzip = (bytes: Uint8Array): Uint8Array => gunzipSync(bytes);

const lines = [
  lineOf({ id: "1", time: "2026-11-23T10:59:59.999999Z" }),
  lineOf({ id: "ü\u0000", time: "2026-11-23T12:00:00+01:30" }, '{"a":[1,null]}'),
  lineOf({ id: "3", source: "urn:é" }, undefined, true),
  lineOf({ id: "4", time: "1969-12-31T23:59:59.9995Z" }, "7"),
  lineOf({ id: "5", time: "2016-12-31T23:59:60.5Z" }),
];

async function recountOf(bytes: Uint8Array<ArrayBuffer>, ofType: string = type): Promise<Recount> {
  const recount = new PartRecount(ofType, new IdentitySet());
  for await (const rows of readRowGroups(bytes, gunzip, countedColumns))
    for (const row of rows) recount.addColumns(row);
  return recount.finish();
}

function recountOfLines(of: readonly string[]): Recount {
  const recount = new PartRecount(type, new IdentitySet());
  const text = of.map((line) => `${line}\n`).join("");
  recount.addText(text, utf8Length(text));
  return recount.finish();
}

describe("the recount of a Parquet part", () => {
  it("[FO8] says what the recount of the same rows' lines says, but not how long the lines were", async () => {
    const expected = recountOfLines(lines);
    expect(expected.content.tally.rows).toBe(lines.length);
    expect(await recountOf(parquetOf(lines))).toEqual({
      ...expected,
      content: { ...expected.content, plainBytes: 0 },
    });
  });

  it("[FO8] sees a row too few, a row twice and a row of another stream", async () => {
    const { content } = recountOfLines(lines);
    const fewer = await recountOf(parquetOf(lines.slice(1)));
    expect(fewer.content.tally.rows).toBe(lines.length - 1);
    expect(fewer.content.tally.sum).not.toBe(content.tally.sum);
    expect((await recountOf(parquetOf([...lines, ...lines.slice(0, 1)]))).repeatedRows).toBe(1);
    expect((await recountOf(parquetOf(lines), "another")).badRows).toBe(lines.length);
  });

  it("[FO8] counts a row without a column as bad, and goes on", () => {
    const recount = new PartRecount(type, new IdentitySet());
    recount.addColumns({ id: "1", source: "/test", type, time: null, received_at: 0n, schema_version: null });
    recount.addColumns({
      id: "1",
      source: "/test",
      type,
      time: null,
      received_at: 0n,
      home_hour: "1970-01-01T00",
      schema_version: null,
    });
    const { content, badRows, faults } = recount.finish();
    expect([content.tally.rows, badRows]).toEqual([1, 1]);
    expect(JSON.stringify(faults)).toContain("home_hour");
  });

  it.each([
    ["1969-12-31T23:59:59.9995Z", -1],
    ["1970-01-01T00:00:00.000999Z", 0],
    ["2026-11-23T10:59:59.999999Z", Date.parse("2026-11-23T10:59:59.999Z")],
  ])("%s lies in its millisecond", (text, ms) => {
    expect(msOfMicros(microsOf(text) ?? 0n)).toBe(ms);
  });
});

describe("the digest of a Parquet part's content", () => {
  it("[FO8] is that of its rows, whatever compressed them", async () => {
    const stored = new ParquetRows([], (bytes) => gzipSync(bytes, { level: 0 }), 100_000, grouping);
    for (const line of lines) stored.addLine(line);
    const other = stored.finish({ "hourseal.rows": "5" }) ?? broken("a file of five rows is too large");
    const bytes = parquetOf(lines);
    expect(other).not.toEqual(bytes);
    expect(await contentSha256(other, gunzip)).toBe(await contentSha256(bytes, gunzip));
  });

  it("[FO8] is another with other rows, data, extensions or typed columns", async () => {
    const one = lineOf({ id: "1" }, '{"a":1}');
    const typed = columnsOf({ properties: { a: { type: "integer" } } });
    const parts = [
      parquetOf([one]),
      parquetOf([lineOf({ id: "1" }, '{"a": 1}')]),
      parquetOf([lineOf({ id: "1", extra: "x" }, '{"a":1}')]),
      parquetOf([lineOf({ id: "1", extra: "y" }, '{"a":1}')]),
      parquetOf([one, one]),
      parquetOf([one], typed),
      parquetOf([]),
    ];
    const digests = await Promise.all(parts.map((bytes) => contentSha256(bytes, gunzip)));
    expect(new Set(digests).size).toBe(parts.length);
  });

  it("[FO8] is none of bytes that are no Parquet", async () => {
    await expect(contentSha256(new Uint8Array(100), gunzip)).rejects.toThrow();
  });
});
