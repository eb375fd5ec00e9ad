/** Putting one object whose bytes are frozen: every way in which its key can be taken or the reply be lost. */
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type EncodedPart, gzipCodec, putExact, putPart } from "../../platform/part-writer.ts";
import {
  MemoryObjects,
  type ObjectFault,
  type ObjectOperation,
  failingObjects,
} from "../fakes/object-store.ts";
import { sha256Of } from "./harness.ts";

const key = "events/part-0-0";
const plain = new TextEncoder().encode('{"no":1}\n{"no":2}\n');
const part = await gzipCodec.encode([plain.subarray(0, 5), plain.subarray(5)].map((chunk) => chunk.slice()));
const stored = { put: "stored", bytes: part.bytes.length, sha256: part.sha256 };

function otherPart(level: number, bytes: Uint8Array): EncodedPart {
  const zipped = new Uint8Array(gzipSync(bytes, { level }));
  return { bytes: zipped, sha256: sha256Of(zipped) };
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
    expect(await putPart(objects, gzipCodec, key, part)).toEqual(stored);
    expect(await putPart(objects, gzipCodec, key, part)).toEqual(stored);
    expect(objects.created).toEqual([key]);
  });

  it("[PA3] looks a put up whose reply was lost, in the same call", async () => {
    const objects = failingOnce(new MemoryObjects(), "create", "after");
    expect(await putPart(objects, gzipCodec, key, part)).toEqual(stored);
  });

  it("[PA3] throws what failed if there is no object", async () => {
    const objects = new MemoryObjects();
    await expect(putPart(failingOnce(objects, "create", "before"), gzipCodec, key, part)).rejects.toThrow(
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
    expect(await putPart(objects, gzipCodec, key, part)).toEqual(adopted);
    objects.plant(key, other.bytes, null);
    expect(await putPart(objects, gzipCodec, key, part)).toEqual(adopted);
  });

  it("[PA3] calls other rows, and what cannot be read at all, a stray", async () => {
    const objects = new MemoryObjects();
    const other = otherPart(6, plain.subarray(9));
    objects.plant(key, other.bytes, other.sha256);
    expect(await putPart(objects, gzipCodec, key, part)).toEqual({ put: "stray" });
    objects.plant(key, plain.slice(), sha256Of(plain));
    expect(await putPart(objects, gzipCodec, key, part)).toEqual({ put: "stray" });
    objects.plant(key, new Uint8Array());
    expect(await putPart(objects, gzipCodec, key, part)).toEqual({ put: "stray" });
  });
});

describe("putExact", () => {
  const bytes = plain.slice();

  it("[BU5] creates the object once, and is content to find it", async () => {
    const objects = new MemoryObjects();
    await putExact(objects, gzipCodec, key, bytes);
    await putExact(objects, gzipCodec, key, bytes);
    await putExact(failingOnce(objects, "create", "after"), gzipCodec, key, bytes);
    expect(objects.created).toEqual([key]);
  });

  it("[BU5] stops if other bytes lie under its key", async () => {
    const objects = new MemoryObjects();
    objects.plant(key, bytes, null);
    await expect(putExact(objects, gzipCodec, key, bytes)).rejects.toThrow("other bytes");
    objects.plant(key, bytes.slice(1), sha256Of(bytes.slice(1)));
    await expect(putExact(objects, gzipCodec, key, bytes)).rejects.toThrow("other bytes");
  });

  it("[BU5] throws what failed if there is no object, and creates it the next time", async () => {
    const objects = failingOnce(new MemoryObjects(), "create", "before");
    await expect(putExact(objects, gzipCodec, key, bytes)).rejects.toThrow("create");
    await putExact(objects, gzipCodec, key, bytes);
    expect(await objects.head(key)).toMatchObject({ bytes: bytes.length });
  });
});
