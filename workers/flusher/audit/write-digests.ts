/**
 * Writing digests: every verdict that no digest lists goes into the next one.
 *
 * Promises: auditors at work at the same time make one chain, and no verdict is left out; what stopped halfway is made
 * good by the next run, from the digests that lie in R2. Writes nothing, and asks R2 nothing, if no verdict waits.
 *
 *     take in the digests that the catalog has not seen      (another auditor's, or one whose run ended after its put)
 *     put the next number, create-only                        taken by another auditor: begin again
 *     take in what was written
 */
import { type ChainHead, digestAfter } from "../../../domain/digest.ts";
import type { EpochMs } from "../../../domain/hour.ts";
import { digestBucketsMax, digestTriesMax, digestsTakenInMax } from "../../../domain/limits.ts";
import { digestHead, takeInDigest, undigestedBuckets } from "../../../platform/catalog/digests.ts";
import { createDigest, newestSequence, readDigest } from "../../../platform/digests.ts";
import { log } from "../../../platform/log.ts";
import type { ObjectStore } from "../../../platform/objects.ts";

export interface DigestCounts {
  /** Buckets that were listed. */
  readonly progress: number;
  /** Digests that were written. */
  readonly digests: number;
}

export async function writeDigests(
  catalog: D1Database,
  objects: ObjectStore,
  now: EpochMs,
): Promise<DigestCounts> {
  let progress = 0;
  let digests = 0;
  for (let tries = 0; tries < digestTriesMax; tries++) {
    if ((await undigestedBuckets(catalog, 1)).length === 0) break;
    const head = await takeInChain(catalog, objects);
    const buckets = await undigestedBuckets(catalog, digestBucketsMax);
    if (buckets.length === 0) break;
    const written = await createDigest(objects, digestAfter(head, buckets, now));
    if (written === null) continue;
    progress += buckets.length;
    digests++;
    await takeInDigest(catalog, written);
  }
  return { progress, digests };
}

/** Brings the catalog up to the newest digest in R2, and answers that one. */
async function takeInChain(catalog: D1Database, objects: ObjectStore): Promise<ChainHead> {
  const known = await digestHead(catalog);
  const newest = await newestSequence(objects, known.sequence);
  let head = known;
  // Far behind, as after the catalog was restored from a copy, older digests are passed over: what they list and the
  // catalog has forgotten is listed once more.
  const first = Math.max(known.sequence + 1, newest - digestsTakenInMax + 1);
  for (let sequence = first; sequence <= newest; sequence++) {
    const found = await readDigest(objects, sequence);
    if (found === null) throw new Error(`digest ${sequence} is not there, though a later one is`);
    if (found.digest === null) log("auditor", "digest_unreadable", { sequence, sha256: found.sha256 });
    await takeInDigest(catalog, found);
    head = { sequence, sha256: found.sha256 };
  }
  return head;
}
