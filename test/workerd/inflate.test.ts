/** gzip, inflated no faster than it is taken: the runtime's own stream does not wait. */
import { describe, expect, it } from "vitest";
import { inflated } from "../../platform/inflate.ts";
import { sleep } from "../../platform/timer.ts";

const MiB = 1024 * 1024;
/** Letters that no pattern repeats: they compress to something like half. */
const plain = new Uint8Array(12 * MiB);
for (let at = 0, state = 1; at < plain.length; at++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  plain[at] = 97 + ((state >>> 16) % 23);
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(zipped).arrayBuffer());
}

async function* slices(
  bytes: Uint8Array<ArrayBuffer>,
  sliceBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}

async function allOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const all: Uint8Array[] = [];
  for await (const piece of source) all.push(piece);
  return new Uint8Array(await new Blob(all).arrayBuffer());
}

describe("inflated", () => {
  it("[AU5] is all bytes in order, whatever the slices", async () => {
    const small = plain.slice(0, 100_001);
    const zipped = await gzipped(small);
    expect(await allOf(inflated(zipped))).toEqual(small);
    for (const sliceBytes of [1_000, 7_777, zipped.length, 2 * zipped.length])
      expect(await allOf(inflated(slices(zipped, sliceBytes)))).toEqual(small);
    expect(await allOf(inflated(slices(await gzipped(new Uint8Array()), 10)))).toHaveLength(0);
  });

  it("[AU5] takes no further slice before what came of the ones before is taken", async () => {
    const zipped = await gzipped(plain);
    const sliceBytes = Math.ceil(zipped.length / 12);
    let taken = 0;
    const counted = (async function* () {
      for await (const slice of slices(zipped, sliceBytes)) {
        taken++;
        yield slice;
      }
    })();
    let bytes = 0;
    let aheadBytesMost = 0;
    for await (const piece of inflated(counted)) {
      // Some time to run ahead, were there nobody to stop it.
      if (bytes < 3 * MiB) await sleep(20);
      bytes += piece.length;
      const aheadBytes = taken * (plain.length / 12) - bytes;
      aheadBytesMost = Math.max(aheadBytesMost, aheadBytes);
    }
    expect(aheadBytesMost).toBeLessThan(2.5 * MiB);
    expect([bytes, taken]).toEqual([plain.length, 12]);
  });

  it.each([
    ["cut off", async () => (await gzipped(plain.slice(0, MiB))).slice(0, 20_000)],
    ["no gzip", async () => new TextEncoder().encode("hello, this is no gzip at all")],
    ["followed by more", async () => new Uint8Array([...(await gzipped(plain.slice(0, 9))), 1, 2, 3])],
  ])("[AU5] throws if the bytes are %s", async (_name, make) => {
    await expect(allOf(inflated(await make()))).rejects.toThrow();
  });

  it.each([20_000, 100_000, 262_144])(
    "[AU5] may be left, and fails, while the next slice of %i bytes is waited for",
    async (sliceBytes) => {
      const zipped = await gzipped(plain.slice(0, 2 * MiB));
      async function* slow(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
        for await (const slice of slices(bytes, sliceBytes)) {
          await sleep(5);
          yield slice;
        }
      }
      for (const leaveAt of [1, 2]) {
        let taken = 0;
        for await (const piece of inflated(slow(zipped))) {
          expect(piece.length).toBeGreaterThan(0);
          if (++taken === leaveAt) break;
        }
        expect(taken).toBe(leaveAt);
      }
      expect(await allOf(inflated(slow(zipped)))).toHaveLength(2 * MiB);
      const damaged = zipped.slice();
      damaged.fill(0xff, 30_000, 30_100);
      await expect(allOf(inflated(slow(damaged)))).rejects.toThrow();
      await expect(allOf(inflated(slow(zipped.slice(0, -4))))).rejects.toThrow();
    },
    20_000,
  );

  it("[AU5] throws what its source throws, and lets go of it when it is left", async () => {
    const zipped = await gzipped(plain.slice(0, 2 * MiB));
    let ended = false;
    async function* failing(fail: boolean): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      try {
        for await (const slice of slices(zipped, 100_000)) {
          yield slice;
          if (fail) throw new Error("R2 went away");
        }
      } finally {
        ended = true;
      }
    }
    await expect(allOf(inflated(failing(true)))).rejects.toThrow("R2 went away");
    ended = false;
    for await (const piece of inflated(failing(false))) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    await expect.poll(() => ended).toBe(true);
  });
});
