/** Bytes grown in the runtime are put as they stand in their buffer, without what the buffer has left. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { GrowingBytes } from "../../domain/growing-bytes.ts";
import { broken } from "../../domain/invariant.ts";
import { partBytesMax } from "../../domain/limits.ts";
import { bytesOf, r2Objects, sha256Hex } from "../../platform/objects.ts";

it("[PA6] puts what was added, from a buffer that is larger", async () => {
  const piece = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 9)) & 0xff);
  const growing = new GrowingBytes(partBytesMax);
  for (let no = 0; no < 20; no++) growing.add(piece);
  const bytes = growing.finish() ?? broken("six million bytes were too many");
  expect(bytes.length).toBe(6_000_000);
  expect(bytes.buffer.byteLength).toBeGreaterThan(6_000_000);
  const objects = r2Objects(env.EVENTS);
  const sha256 = await sha256Hex(bytes);
  expect(await objects.create("grown", bytes, sha256)).toBe("created");
  const found = await objects.get("grown");
  expect(found?.object).toMatchObject({ bytes: 6_000_000, sha256 });
  const back = found === null ? new Uint8Array() : await bytesOf(found.body);
  expect(await new Blob([back]).bytes()).toEqual(await new Blob(Array(20).fill(piece)).bytes());
});
