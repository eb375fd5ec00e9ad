/**
 * Hours past their stream's retention: recorded as expired before the digests are written, their parts deleted after.
 *
 * Promises: only a balanced hour expires, and only parts that its own manifest lists are deleted, after a digest has
 * listed it as expired; bounded by run, and repeated safely after any end. An hour whose manifest is not the one that was
 * sealed keeps what it has. One that R2 does not let go, as under a bucket lock, is tried again later, behind the others.
 */
import { deletedOf } from "../../../domain/expiry.ts";
import { type EpochMs, epochMs } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { BrokenInvariant } from "../../../domain/invariant.ts";
import { deleteParallelismMax, deleteRetryMs, hoursExpiredPerRoundMax } from "../../../domain/limits.ts";
import { Manifest, manifestKey } from "../../../domain/manifest.ts";
import {
  type UndeletedHour,
  postponeDelete,
  recordDeleted,
  recordExpired,
  undeletedHours,
} from "../../../platform/catalog/expiry.ts";
import { deleteObjects } from "../../../platform/delete-objects.ts";
import { log } from "../../../platform/log.ts";
import { bytesOf, r2Objects, sha256Hex } from "../../../platform/objects.ts";
import { inParallel } from "../../../platform/parallel.ts";

export interface ExpireEnv {
  readonly CATALOG: D1Database;
  readonly EVENTS: R2Bucket;
}

/** One round of recording. */
export async function expireDue(env: ExpireEnv, now: EpochMs): Promise<{ readonly progress: number }> {
  return { progress: await recordExpired(env.CATALOG, now, hoursExpiredPerRoundMax) };
}

/** One round of deleting: progress is how many hours have nothing left to delete. */
export async function deleteExpired(
  env: ExpireEnv,
  now: EpochMs,
  timeIsUp: () => boolean = () => false,
): Promise<{ readonly progress: number }> {
  const hours = await undeletedHours(env.CATALOG, now, hoursExpiredPerRoundMax);
  const done: BucketAddress[] = [];
  const failed: BucketAddress[] = [];
  await inParallel(hours, deleteParallelismMax, async (hour) => {
    if (timeIsUp()) return;
    try {
      await deleteHour(env, hour);
      done.push(hour.address);
    } catch (error) {
      const isBroken = error instanceof BrokenInvariant;
      log("flusher", "delete_failed", { ...hour.address, error: String(error), broken: isBroken });
      failed.push(hour.address);
    }
  });
  if (failed.length > 0) await postponeDelete(env.CATALOG, failed, epochMs(now + deleteRetryMs));
  if (done.length > 0) await recordDeleted(env.CATALOG, done);
  return { progress: done.length };
}

async function deleteHour({ EVENTS }: ExpireEnv, { address, manifestSha256 }: UndeletedHour): Promise<void> {
  const found = await r2Objects(EVENTS).get(manifestKey(address));
  if (found === null) throw new Error("its manifest is not there");
  const bytes = await bytesOf(found.body);
  const sha256 = await sha256Hex(bytes);
  if (sha256 !== manifestSha256) throw new Error(`its manifest's sha256 is ${sha256}, not ${manifestSha256}`);
  await deleteObjects(EVENTS, deletedOf(Manifest.parse(JSON.parse(new TextDecoder().decode(bytes)))));
}
