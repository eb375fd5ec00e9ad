/** The codec in the runtime, whose compression hands nothing over by itself. */
import { expect, it } from "vitest";
import { encoderOf } from "../../domain/encoding.ts";
import { partBytesMax } from "../../domain/limits.ts";
import { partCodec } from "../../platform/part-codec.ts";
import { sleep } from "../../platform/timer.ts";

it.each([
  ["large", 1_100_000, 8],
  ["small", 5_000, 1_700],
])("[PA1] lets others have a turn while lines are compressed, in %s batches", async (_of, bytes, batches) => {
  const chunk = Uint8Array.from({ length: bytes }, (_, at) => 97 + ((at * at * 7) % 23));
  let turns = 0;
  let turnsBeforeLast = 0;
  function* chunks(): Generator<Uint8Array<ArrayBuffer>> {
    for (let no = 0; no < batches; no++) {
      turnsBeforeLast = turns;
      yield chunk;
    }
  }
  const encoding = { encoder: encoderOf("ndjson.gz"), typed: [], facts: {} };
  const encoded = partCodec.encode(encoding, chunks(), partBytesMax);
  const others = async (): Promise<void> => {
    for (; turns < 40; turns++) await sleep(0);
  };
  await Promise.all([encoded, others()]);
  expect((await encoded)?.bytes.length).toBeGreaterThan(0);
  // Eight MiB, a turn each, of which one may be missed; and not one for every batch.
  expect(turnsBeforeLast).toBeGreaterThanOrEqual(6);
  expect(turnsBeforeLast).toBeLessThanOrEqual(20);
});
