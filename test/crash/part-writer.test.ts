/** Putting one object whose bytes are frozen: every way in which its key can be taken or the reply be lost. */
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { parquetMetadata } from "hyparquet";
import { describe, expect, it } from "vitest";
import { encoderOf } from "../../domain/encoding.ts";
import { broken } from "../../domain/invariant.ts";
import { partBytesMax } from "../../domain/limits.ts";
import { ParquetRows } from "../../domain/parquet/writer.ts";
import { type PartEncoding, type RowChunks, partCodec } from "../../platform/part-codec.ts";
import { type EncodedPart, putExact, putPart } from "../../platform/part-writer.ts";
import {
  MemoryObjects,
  type ObjectFault,
  type ObjectOperation,
  failingObjects,
} from "../fakes/object-store.ts";
import { grouping, lineOf } from "../domain/parquet/make.ts";
import { sha256Of } from "./harness.ts";

const MiB = 1024 * 1024;
const key = "events/part-0-0";
const plain = new TextEncoder().encode('{"no":1}\n{"no":2}\n');
const part = await encoded(
  { encoder: encoderOf("ndjson.gz"), typed: [], facts: {} },
  [plain.subarray(0, 9), plain.subarray(9)].map((chunk) => chunk.slice()),
);
const stored = { put: "stored", bytes: part.bytes.length, sha256: part.sha256 };

async function encoded(encoding: PartEncoding, chunks: RowChunks): Promise<EncodedPart> {
  return (await partCodec.encode(encoding, chunks, partBytesMax)) ?? broken("more than a put takes");
}

function otherPart(level: number, bytes: Uint8Array): EncodedPart {
  const zipped = new Uint8Array(gzipSync(bytes, { level }));
  return { format: "ndjson.gz", bytes: zipped, sha256: sha256Of(zipped) };
}

/** The first call of this operation fails so; every other one works. */
function failingOnce(objects: MemoryObjects, operation: ObjectOperation, fault: ObjectFault) {
  let failed = false;
  return failingObjects(objects, (called) => {
    if (called !== operation || failed) return null;
    failed = true;
    return fault;
  });
}

describe("putPart", () => {
  it("[PA2] puts the part once, and finds its own when it puts it again", async () => {
    const objects = new MemoryObjects();
    expect(await putPart(objects, partCodec, key, part)).toEqual(stored);
    expect(await putPart(objects, partCodec, key, part)).toEqual(stored);
    expect(objects.created).toEqual([key]);
  });

  it("[PA3] looks a put up whose reply was lost, in the same call", async () => {
    const objects = failingOnce(new MemoryObjects(), "create", "after");
    expect(await putPart(objects, partCodec, key, part)).toEqual(stored);
  });

  it("[PA3] throws what failed if there is no object", async () => {
    const objects = new MemoryObjects();
    await expect(putPart(failingOnce(objects, "create", "before"), partCodec, key, part)).rejects.toThrow(
      "create",
    );
    expect(objects.contents()).toEqual([]);
  });

  it("[PA3] adopts the same rows from another compressor, with the digest that they have", async () => {
    const objects = new MemoryObjects();
    const other = otherPart(1, plain);
    expect(other.sha256).not.toBe(part.sha256);
    objects.plant(key, other.bytes, other.sha256);
    const adopted = { put: "stored", bytes: other.bytes.length, sha256: other.sha256 };
    expect(await putPart(objects, partCodec, key, part)).toEqual(adopted);
    objects.plant(key, other.bytes, null);
    expect(await putPart(objects, partCodec, key, part)).toEqual(adopted);
  });

  it("[PA3] calls other rows, and what cannot be read at all, a stray", async () => {
    const objects = new MemoryObjects();
    const other = otherPart(6, plain.subarray(9));
    objects.plant(key, other.bytes, other.sha256);
    expect(await putPart(objects, partCodec, key, part)).toEqual({ put: "stray" });
    objects.plant(key, plain.slice(), sha256Of(plain));
    expect(await putPart(objects, partCodec, key, part)).toEqual({ put: "stray" });
    objects.plant(key, new Uint8Array());
    expect(await putPart(objects, partCodec, key, part)).toEqual({ put: "stray" });
  });
});

describe("putPart of columns", () => {
  const encoding = { encoder: encoderOf("parquet"), typed: [], facts: { "hourseal.rows": "2" } };
  const rows = ["1", "2"].map((id) => `${lineOf({ id }, '{"a":1}')}\n`);
  const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));
  const encode = (lines: readonly string[]): Promise<EncodedPart> =>
    encoded(encoding, [bytesOf(lines.join(""))]);

  it("[FO4] [PA1] encodes the same rows into the same bytes, however they come in chunks", async () => {
    const [a, b] = [await encode(rows), await encode(rows)];
    expect(b).toEqual(a);
    expect(await encoded(encoding, rows.map(bytesOf))).toEqual(a);
    expect((await encode(rows.toReversed())).sha256).not.toBe(a.sha256);
  });

  it("[PA1] [FO4] writes as the encoder does by whose number the part was frozen", async () => {
    const lines = Array.from({ length: 9 }, (_, no) =>
      bytesOf(`${lineOf({ id: `${no}` }, JSON.stringify("x".repeat(MiB)))}\n`),
    );
    const made = await Promise.all([2, 3].map((encoder) => encoded({ ...encoding, encoder }, lines)));
    const groups = made.map(({ bytes }) => parquetMetadata(bytes.slice().buffer).row_groups.length);
    expect(groups).toEqual([2, 3]);
    expect(encoderOf("parquet")).toBe(3);
    const digests = await Promise.all(made.map(({ bytes }) => partCodec.contentSha256("parquet", bytes)));
    expect(new Set(digests).size).toBe(1);
    await expect(partCodec.encode({ ...encoding, encoder: 4 }, lines, 1_000)).rejects.toThrow("no encoder 4");
  });

  it("[PA3] [FO8] adopts the same rows from another compressor, and calls other rows a stray", async () => {
    const columns = await encode(rows);
    const stronger = new ParquetRows(
      [],
      (bytes) => gzipSync(bytes, { level: 9, memLevel: 1 }),
      10_000,
      grouping,
    );
    stronger.addText(rows.join(""));
    const other = stronger.finish({}) ?? broken("a file of two rows is too large");
    expect(sha256Of(other)).not.toBe(columns.sha256);
    const objects = new MemoryObjects();
    objects.plant(key, other, sha256Of(other));
    expect(await putPart(objects, partCodec, key, columns)).toEqual({
      put: "stored",
      bytes: other.length,
      sha256: sha256Of(other),
    });
    for (const bytes of [(await encode(rows.slice(1))).bytes, part.bytes, new Uint8Array()]) {
      objects.plant(key, bytes, sha256Of(bytes));
      expect(await putPart(objects, partCodec, key, columns)).toEqual({ put: "stray" });
    }
  });
});

describe("putExact", () => {
  const bytes = plain.slice();

  it("[BU5] creates the object once, and is content to find it", async () => {
    const objects = new MemoryObjects();
    await putExact(objects, partCodec, key, bytes);
    await putExact(objects, partCodec, key, bytes);
    await putExact(failingOnce(objects, "create", "after"), partCodec, key, bytes);
    expect(objects.created).toEqual([key]);
  });

  it("[BU5] stops if other bytes lie under its key", async () => {
    const objects = new MemoryObjects();
    objects.plant(key, bytes, null);
    await expect(putExact(objects, partCodec, key, bytes)).rejects.toThrow("other bytes");
    objects.plant(key, bytes.slice(1), sha256Of(bytes.slice(1)));
    await expect(putExact(objects, partCodec, key, bytes)).rejects.toThrow("other bytes");
  });

  it("[BU5] throws what failed if there is no object, and creates it the next time", async () => {
    const objects = failingOnce(new MemoryObjects(), "create", "before");
    await expect(putExact(objects, partCodec, key, bytes)).rejects.toThrow("create");
    await putExact(objects, partCodec, key, bytes);
    expect(await objects.head(key)).toMatchObject({ bytes: bytes.length });
  });
});

describe("encode", () => {
  const line = `${lineOf({ id: "1" }, JSON.stringify({ a: "x".repeat(1_000) }))}\n`;
  const chunk = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

  it.each(["ndjson.gz", "parquet"] as const)(
    "[PA6] gives up a part of %s that is one byte larger than it may be, and takes no more rows",
    async (format) => {
      const encoding = { encoder: encoderOf(format), typed: [], facts: {} };
      const whole = await encoded(encoding, [chunk(line)]);
      expect(await partCodec.encode(encoding, [chunk(line)], whole.bytes.length)).toEqual(whole);
      expect(await partCodec.encode(encoding, [chunk(line)], whole.bytes.length - 1)).toBeNull();
      let taken = 0;
      const endless = (async function* () {
        for (; ; taken++) yield chunk(randomLine());
      })();
      expect(await partCodec.encode(encoding, endless, 1_000)).toBeNull();
      expect(taken).toBeLessThan(200);
    },
  );

  it.each(["ndjson.gz", "parquet"] as const)("[PA3] throws what its rows of %s throw", async (format) => {
    const rows = (async function* () {
      yield chunk(line);
      throw new Error("a shard does not answer");
    })();
    await expect(
      partCodec.encode({ encoder: encoderOf(format), typed: [], facts: {} }, rows, 1_000),
    ).rejects.toThrow("a shard does not answer");
  });
});

/** Some 100 KB that do not compress. */
function randomLine(): string {
  return `${lineOf({ id: "1" }, JSON.stringify({ a: randomBytes(75_000).toString("base64") }))}\n`;
}
