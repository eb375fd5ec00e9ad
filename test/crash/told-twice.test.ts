/**
 * A sealed bucket is told its verdict by two auditors at once. Whoever is answered records the verdict and tells nobody
 * again, so no answer may come before the telling is durable, whichever of the two wrote it.
 */
import { expect, it } from "vitest";
import { type EpochMs, startOf } from "../../domain/hour.ts";
import { broken } from "../../domain/invariant.ts";
import { dueAt } from "../../domain/plan.ts";
import { Bucket } from "../../durable-objects/hour-bucket/bucket.ts";
import { BucketStore } from "../../durable-objects/hour-bucket/store.ts";
import { hour, plan, type } from "../domain/make.ts";
import { MemoryObjects } from "../fakes/object-store.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";
import { plainCodec } from "./harness.ts";

const due = dueAt(hour, plan.graceMs);

/** A bucket without rows, sealed, on a disk that can be held up. */
async function sealedBucket(storage: SqliteStorage, disk: { flushed: Promise<void> }): Promise<Bucket> {
  const bucket = new Bucket(
    { type, hour },
    {
      sql: storage.sql,
      transactionSync: (act) => storage.transactionSync(act),
      sync: () => storage.sync(disk.flushed),
      deleteAll: () => storage.deleteAll(),
    },
    {
      objects: new MemoryObjects(),
      codec: plainCodec,
      schema: async () => null,
      now: async () => startOf(hour),
      armAlarm: async (atMs: EpochMs) => storage.setAlarm(atMs),
      abort: () => undefined,
      mayDelete: async () => true,
      jitter: () => 0.5,
      log: () => undefined,
      shard: () => broken("nobody enrolled"),
    },
  );
  expect(await bucket.seal({ nowMs: due, plan })).toMatchObject({ state: "sealed" });
  return bucket;
}

it("[BU11] [AU9] answers nobody before what either of them told is durable", async () => {
  const storage = SqliteStorage.blank();
  const disk = { flushed: Promise.resolve() };
  const bucket = await sealedBucket(storage, disk);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  disk.flushed = promise.then(() => undefined);

  const answers: string[] = [];
  const tell = async (who: string): Promise<void> => {
    await bucket.verified({ nowMs: due, verdict: "balanced" });
    answers.push(who);
  };
  const both = Promise.all([tell("first"), tell("second")]);
  await new Promise((settled) => setImmediate(settled));
  expect(answers).toEqual([]);
  expect(new BucketStore(storage.durableCopy()).record()?.verdict).not.toBe("balanced");

  resolve(undefined);
  await both;
  expect(answers).toEqual(["first", "second"]);
  expect(new BucketStore(storage.durableCopy()).record()?.verdict).toBe("balanced");
});
