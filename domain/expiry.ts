/**
 * When an hour expires, and what is deleted of it then. Its manifest is not: it says for ever what was there.
 *
 *   1. record     the catalog notes that the hour expires: past its stream's retention, balanced, waiting for no audit, and
 *                 listed as balanced in a digest
 *   2. list       the next digest lists it as `expired`, with its manifest's sha256
 *   3. delete     `_SUCCESS` first, so that nothing takes half an hour for a whole one, then the parts
 *   4. note       that nothing of it is left to delete
 *
 * Safe to stop after each. What reads R2 alone knows from the digest, which is there before anything is gone.
 */
import { type EpochMs, type Hour, epochMs, hourOf } from "./hour.ts";
import { broken } from "./invariant.ts";
import type { BucketAddress } from "./ids.ts";
import { type Part, bucketPrefix, manifestKey, successKey } from "./manifest.ts";

/** Hours before this one ended `retentionMs` or longer ago. */
export function expiredBefore(retentionMs: number, now: EpochMs): Hour {
  return hourOf(epochMs(now - retentionMs));
}

/** What is deleted of an expired hour, in this order. Nothing outside its own prefix, and never its manifest. */
export function deletedOf(
  manifest: BucketAddress & {
    readonly parts: readonly Pick<Part, "key">[];
    readonly strays: readonly string[];
  },
): readonly string[] {
  const prefix = bucketPrefix(manifest);
  const keys = [successKey(manifest), ...manifest.parts.map(({ key }) => key), ...manifest.strays];
  for (const key of keys) {
    const name = key.slice(prefix.length);
    if (!key.startsWith(prefix) || name.includes("/") || key === manifestKey(manifest)) {
      broken(`the manifest of ${prefix} lists ${key}`);
    }
  }
  return keys;
}
