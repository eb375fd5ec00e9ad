/**
 * The chain of digests in R2: finding its newest, reading one, writing the next.
 *
 * Numbers are given without gaps, so whether a number is taken says on which side of it the chain ends: the newest one
 * is found by a handful of lookups from the last that is known, however long the history is.
 */
import { type Digest, digestKey, digestOfText, digestText } from "../domain/digest.ts";
import { type ObjectStore, bytesOf, sha256Hex } from "./objects.ts";

/** The number of the newest digest; `known` is one that is there, or 0. */
export async function newestSequence(objects: ObjectStore, known: number): Promise<number> {
  const isThere = async (sequence: number): Promise<boolean> =>
    (await objects.head(digestKey(sequence))) !== null;
  let there = known;
  let step = 1;
  for (; await isThere(there + step); step *= 2) there += step;
  let absent = there + step;
  while (absent - there > 1) {
    const middle = Math.floor((there + absent) / 2);
    if (await isThere(middle)) there = middle;
    else absent = middle;
  }
  return there;
}

export interface FoundDigest {
  readonly sequence: number;
  readonly sha256: string;
  /** Null: what lies there is no digest of that number. It is chained on all the same, and `verify` names it. */
  readonly digest: Digest | null;
}

/** What lies under a number; null if nothing does. */
export async function readDigest(objects: ObjectStore, sequence: number): Promise<FoundDigest | null> {
  const found = await objects.get(digestKey(sequence));
  if (found === null) return null;
  const bytes = await bytesOf(found.body);
  const digest = digestOfText(new TextDecoder().decode(bytes));
  return {
    sequence,
    sha256: await sha256Hex(bytes),
    digest: digest?.sequence === sequence ? digest : null,
  };
}

/** Writes the digest under its number, create-only. Null: another auditor has the number; read again. */
export async function createDigest(objects: ObjectStore, digest: Digest): Promise<FoundDigest | null> {
  const bytes = new Uint8Array(new TextEncoder().encode(digestText(digest)));
  const sha256 = await sha256Hex(bytes);
  const { sequence } = digest;
  const written: FoundDigest = { sequence, sha256, digest };
  try {
    if ((await objects.create(digestKey(sequence), bytes, sha256)) === "created") return written;
  } catch (error) {
    // The reply may be lost and the digest there, this one or another auditor's.
    const found = await readDigest(objects, sequence);
    if (found === null) throw error;
    return found.sha256 === sha256 ? written : null;
  }
  return (await readDigest(objects, sequence))?.sha256 === sha256 ? written : null;
}
