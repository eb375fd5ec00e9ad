/**
 * A digest: what the auditor vouches for after a run, chained to the digest before it. Whoever keeps the chain, or its
 * newest sha256 alone, can tell later that a manifest was altered or has vanished, however well the rest was forged.
 * Does not show: that the newest digests are gone, with everything that only they list; keep the newest sha256 elsewhere.
 */
import * as z from "zod";
import { type EpochMs, HourText, isoOf } from "./hour.ts";
import { type BucketAddress, EventType, IdentitySumHex, compareBuckets } from "./ids.ts";
import { broken } from "./invariant.ts";
import { manifestKey } from "./manifest.ts";
import type { Tally } from "./tally.ts";
import { VerdictName } from "./verdict.ts";

export const digestFormat = 1;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What the auditor said of a bucket that it looked at. */
export const AuditVerdict = VerdictName.exclude(["open", "due", "overdue"]);
export type AuditVerdict = z.infer<typeof AuditVerdict>;

// Read by older code too, which ignores what it does not know: docs/adr/0023.
export const DigestEntry = z.object({
  type: EventType,
  hour: HourText,
  manifestKey: z.string().min(1),
  /** As the bucket froze it; where the verdict is `corrupt` or `missing`, maybe not what lies in R2. */
  manifestSha256: Sha256,
  verdict: AuditVerdict,
  rows: z.number().int().min(0),
  identitySum: IdentitySumHex,
});
export type DigestEntry = z.infer<typeof DigestEntry>;

export const Digest = z.object({
  format: z.literal(digestFormat),
  /** 1, 2, 3, … */
  sequence: z.number().int().min(1),
  writtenAt: z.string(),
  /** sha256 of the bytes of the digest before this one; null for the first. */
  previous: Sha256.nullable(),
  /** By hour, then type; no bucket twice. */
  buckets: z.array(DigestEntry).min(1),
});
export type Digest = z.infer<typeof Digest>;

/** The newest digest of a chain; before the first one, number 0 without a sha256. */
export interface ChainHead {
  readonly sequence: number;
  readonly sha256: string | null;
}

export const emptyChain: ChainHead = { sequence: 0, sha256: null };

/** A bucket with a verdict, as it goes into a digest. */
export interface VerifiedBucket {
  readonly address: BucketAddress;
  readonly manifestSha256: string;
  readonly verdict: AuditVerdict;
  readonly tally: Tally;
}

/** The digest that comes after `head`. Order is fixed here, so that equal input gives equal bytes. */
export function digestAfter(head: ChainHead, buckets: readonly VerifiedBucket[], now: EpochMs): Digest {
  if (buckets.length === 0) broken("a digest without a bucket says nothing");
  if ((head.sequence === 0) !== (head.sha256 === null)) broken("only the first digest has none before it");
  return {
    format: digestFormat,
    sequence: head.sequence + 1,
    writtenAt: isoOf(now),
    previous: head.sha256,
    buckets: buckets.toSorted((a, b) => compareBuckets(a.address, b.address)).map(entryOf),
  };
}

function entryOf({ address, manifestSha256, verdict, tally }: VerifiedBucket): DigestEntry {
  return {
    type: address.type,
    hour: address.hour,
    manifestKey: manifestKey(address),
    manifestSha256,
    verdict,
    rows: tally.rows,
    identitySum: tally.sum,
  };
}

/** The bytes of a digest as text: two-space JSON and a final newline. */
export function digestText(digest: Digest): string {
  return `${JSON.stringify(digest, null, 2)}\n`;
}

/** The digest that this text is; null if it is none of this format. */
export function digestOfText(text: string): Digest | null {
  try {
    const digest = Digest.safeParse(JSON.parse(text));
    return digest.success ? digest.data : null;
  } catch {
    return null;
  }
}

// ── Keys in R2 ─────────────────────────────────────────────────────────────────────────────────────────────

export const digestsPrefix = "digests/";

/** One digest a minute for longer than anybody will ask. */
const sequenceDigits = 12;

/** Keys sort as their numbers do. */
export function digestKey(sequence: number): string {
  if (!Number.isSafeInteger(sequence) || sequence < 1) broken(`no digest has number ${sequence}`);
  return `${digestsPrefix}${String(sequence).padStart(sequenceDigits, "0")}.json`;
}

/** The inverse of `digestKey`; null if the key is no digest's. */
export function sequenceOfKey(key: string): number | null {
  const [, digits] = /^digests\/(\d{12,15})\.json$/.exec(key) ?? [];
  const sequence = Number(digits);
  return digits !== undefined && sequence >= 1 && digestKey(sequence) === key ? sequence : null;
}
