/** Reading parts back as the auditor does: one recount of the same rows, whatever format they lie in. */
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { Format } from "../../domain/encoding.ts";
import { IdentitySet } from "../../domain/identity-set.ts";
import { type Part, partKey } from "../../domain/manifest.ts";
import { PartRecount } from "../../domain/recount.ts";
import type { PartReading } from "../../domain/reread.ts";
import { readPart } from "../../platform/part-reader.ts";
import { hour, indexOf, tallyOf, type } from "../domain/make.ts";
import { lineOf, parquetOf } from "../domain/parquet/make.ts";
import { sha256Of } from "../crash/harness.ts";
import { MemoryObjects } from "../fakes/object-store.ts";

const lines = ["1", "2", "ü"].map((id) => lineOf({ id, time: "2026-11-23T10:30:00Z" }, '{"a":1}'));

async function readingOf(
  format: Format,
  bytes: Uint8Array<ArrayBuffer>,
  sha256 = sha256Of(bytes),
): Promise<PartReading> {
  const objects = new MemoryObjects();
  const part: Part = {
    key: partKey({ type, hour }, indexOf(0), 0, format),
    format,
    origin: indexOf(0),
    bytes: bytes.length,
    sha256,
    tally: tallyOf([]),
    plainBytes: 0,
    homeHours: {},
    minTime: null,
    maxTime: null,
  };
  objects.plant(part.key, bytes, null);
  return readPart(objects, part, new PartRecount(type, new IdentitySet()));
}

it("[AU5] [FO8] counts the same rows in lines and in columns", async () => {
  const zipped = new Uint8Array(gzipSync(lines.map((line) => `${line}\n`).join("")));
  const [text, columns] = [
    await readingOf("ndjson.gz", zipped),
    await readingOf("parquet", parquetOf(lines)),
  ];
  expect(text.recount?.content.tally.rows).toBe(lines.length);
  expect(columns.recount?.content).toEqual({ ...text.recount?.content, plainBytes: 0 });
});

it("[AU5] says of bytes that cannot be read why, and what they are", async () => {
  for (const format of ["ndjson.gz", "parquet"] as const) {
    const reading = await readingOf(format, new Uint8Array(100));
    expect(reading).toMatchObject({ object: { bytes: 100 }, recount: null });
    expect(reading.undecodable).toContain("Error");
  }
});

it("[AU5] never decodes columns that are not the ones that were sealed: they may send a reader round in circles", async () => {
  const bytes = parquetOf(lines);
  const sealed = sha256Of(bytes);
  for (let at = 0; at < bytes.length; at++) {
    const bad = bytes.slice();
    bad[at] = (bad[at] ?? 0) ^ 0x55;
    expect(await readingOf("parquet", bad, sealed)).toEqual({
      object: { bytes: bytes.length, sha256: sha256Of(bad) },
      recount: null,
      undecodable: "they are not the bytes that were sealed",
    });
  }
});
