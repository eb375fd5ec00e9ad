/** Reading parts back as the auditor does: one recount of the same rows, whatever format they lie in. */
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { Format } from "../../domain/encoding.ts";
import { IdentitySet } from "../../domain/identity-set.ts";
import { type Part, partKey } from "../../domain/manifest.ts";
import { PartRecount } from "../../domain/recount.ts";
import type { PartReading } from "../../domain/reread.ts";
import type { ObjectStore } from "../../platform/objects.ts";
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
  const part = partOf(format, bytes, sha256);
  objects.plant(part.key, bytes, null);
  return readPart(objects, part, new PartRecount(type, new IdentitySet()));
}

function partOf(format: Format, bytes: Uint8Array<ArrayBuffer>, sha256 = sha256Of(bytes)): Part {
  return {
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

/** Of more than one piece, for it does not compress. */
const large = new Uint8Array(
  gzipSync(
    Array.from(
      { length: 200 },
      (_, no) => `${lineOf({ id: `${no}` }, JSON.stringify(randomBytes(2_000).toString("base64")))}\n`,
    ).join(""),
  ),
);

it.each([
  ["damaged at its begin", (bytes: Uint8Array) => void bytes.fill(0x55, 20, 40)],
  ["damaged in the middle", (bytes: Uint8Array) => void bytes.fill(0x55, bytes.length / 2)],
])("[AU5] tells what a part of lines is that is %s, all of its bytes included", async (_, damage) => {
  const bytes = large.slice();
  damage(bytes);
  const reading = await readingOf("ndjson.gz", bytes);
  expect(reading.object).toEqual({ bytes: bytes.length, sha256: sha256Of(bytes) });
  expect(reading.recount).toBeNull();
  expect(reading.undecodable).toContain("Error");
});

it("[AU5] counts bytes behind the end of the lines as bytes of the object", async () => {
  const bytes = Uint8Array.from([...large, ...new Uint8Array(300_000)]);
  expect((await readingOf("ndjson.gz", bytes)).object).toEqual({
    bytes: bytes.length,
    sha256: sha256Of(bytes),
  });
});

it("[AU5] says nothing of a part that R2 gives half of", async () => {
  const half = large.slice(0, large.length / 2);
  const objects = new MemoryObjects();
  const part = partOf("ndjson.gz", large);
  objects.plant(part.key, large, null);
  const away: ObjectStore = {
    create: (...given) => objects.create(...given),
    head: (key) => objects.head(key),
    list: (prefix) => objects.list(prefix),
    async get(key) {
      const found = await objects.get(key);
      let sent = false;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent) controller.error(new Error("R2 is away"));
          else controller.enqueue(half);
          sent = true;
        },
      });
      return found === null ? null : { ...found, body };
    },
  };
  await expect(readPart(away, part, new PartRecount(type, new IdentitySet()))).rejects.toThrow("R2 is away");
});
