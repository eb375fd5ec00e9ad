/**
 * Recounts every sealed bucket straight from its objects: the manifest, each part's bytes and each row.
 *
 * Promises: a missing, changed, added or repeated row or part of a sealed bucket is found and named. Of an hour that has
 * expired, by the digests, the manifest is checked and that nothing else lies there; parts that are left are not read.
 * Does not promise: to see that a whole hour with its manifest is gone, which the digests show (`chain.ts`), or that
 * rows never reached their part, which the audit in the Worker knows from its counters. Hours without a manifest between
 * others are listed as notes.
 */
import type { ChainWalk } from "../../domain/chain.ts";
import { IdentitySet } from "../../domain/identity-set.ts";
import { Manifest, type Part, formatsOf } from "../../domain/manifest.ts";
import { PartRecount } from "../../domain/recount.ts";
import { listingFindings, manifestFindings, partFindings } from "../../domain/reread.ts";
import { type Finding, type VerdictName, verdictOf } from "../../domain/verdict.ts";
import type { ObjectSource } from "./objects.ts";
import { readPart } from "./part.ts";
import { addressOf, bucketsOf } from "./prefixes.ts";
import { sha256Of } from "./sha256.ts";

export interface BucketReport {
  readonly type: string;
  readonly hour: string;
  /** Rows that were read, whatever the manifest says. */
  readonly rows: number;
  readonly parts: number;
  readonly bytes: number;
  /** The manifest object, whatever it holds; null if there is none. */
  readonly manifest: {
    readonly key: string;
    readonly sha256: string;
    /** Null if it cannot be read. */
    readonly sealedAt: string | null;
  } | null;
  /** `open`: there is no manifest yet, and nothing to verify. */
  readonly verdict: VerdictName;
  readonly findings: readonly Finding[];
}

/** Reports bucket by bucket, in key order. `digests`: all of them were added, so that what has expired is known. */
export async function* verifyBuckets(
  source: ObjectSource,
  digests: Pick<ChainWalk, "hasExpired">,
): AsyncGenerator<BucketReport> {
  const everywhere = new IdentitySet();
  for await (const { prefix, keys } of bucketsOf(source.list("events/"))) {
    yield await verifyBucket({ source, digests, everywhere }, prefix, keys);
  }
}

interface VerifyContext {
  readonly source: ObjectSource;
  readonly digests: Pick<ChainWalk, "hasExpired">;
  /** Identities of all buckets before this one. */
  readonly everywhere: IdentitySet;
}

async function verifyBucket(
  { source, digests, everywhere }: VerifyContext,
  prefix: string,
  keys: readonly string[],
): Promise<BucketReport> {
  const address = addressOf(prefix);
  const type = address?.type ?? prefix;
  const none = { type, hour: address?.hour ?? "", rows: 0, parts: 0, bytes: 0, manifest: null };
  if (address === null) return broken(none, prefix, "surplus", "objects under no bucket's prefix");
  const manifestAt = `${prefix}_manifest.json`;
  if (!keys.includes(manifestAt)) {
    if (!keys.includes(`${prefix}_SUCCESS`)) return { ...none, verdict: "open", findings: [] };
    return broken(none, manifestAt, "missing", "the bucket was sealed and its manifest is gone");
  }
  const bytes = (await source.get(manifestAt)) ?? new Uint8Array();
  const manifest = Manifest.safeParse(jsonOf(bytes));
  const sealedAt = manifest.data?.sealedAt ?? null;
  const base = { ...none, manifest: { key: manifestAt, sha256: sha256Of(bytes), sealedAt } };
  if (!manifest.success) return broken(base, manifestAt, "corrupt", "it is no manifest of this format");

  const itself = manifestFindings(manifest.data, prefix);
  if (digests.hasExpired(manifestAt, base.manifest.sha256)) {
    const surplus = listingFindings(manifest.data, keys).filter(({ kind }) => kind === "surplus");
    const found = [...itself, ...surplus];
    return { ...base, verdict: found.length === 0 ? "expired" : verdictOf(found), findings: found };
  }
  const findings = [...itself, ...listingFindings(manifest.data, keys)];
  // Each format holds every row: the first one is held against the other buckets, and each against itself.
  const formats = formatsOf(manifest.data);
  const [first] = formats;
  let rows = 0;
  for (const format of formats) {
    const bucket = new IdentitySet();
    for (const part of manifest.data.parts.filter((listed) => listed.format === format)) {
      const elsewhere = { rows: 0 };
      const identities = {
        add(fingerprint: Uint8Array): boolean {
          const isNew = bucket.add(fingerprint);
          if (isNew && format === first && !everywhere.add(fingerprint)) elsewhere.rows++;
          return isNew;
        },
      };
      const reading = await readPart(
        part,
        await source.get(part.key),
        new PartRecount(manifest.data.type, identities),
      );
      if (format === first) rows += reading.recount?.content.tally.rows ?? 0;
      findings.push(...partFindings(part, reading));
      if (elsewhere.rows > 0) findings.push(repeatedElsewhere(part, elsewhere.rows));
    }
  }
  const { parts, bytes: partBytes } = manifest.data;
  return {
    ...base,
    rows,
    parts: parts.length,
    bytes: partBytes,
    verdict: verdictOf(findings),
    findings,
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function broken(
  base: Omit<BucketReport, "verdict" | "findings">,
  where: string,
  kind: "missing" | "corrupt" | "surplus",
  detail: string,
): BucketReport {
  const hop = kind === "surplus" ? "listing" : "manifest";
  const finding: Finding = { kind, hop, where, rows: 0, expected: null, found: null, detail };
  return { ...base, verdict: kind, findings: [finding] };
}

function repeatedElsewhere(part: Part, rows: number): Finding {
  const detail = "identities that a bucket before it in key order holds too";
  return { kind: "surplus", hop: "reread", where: part.key, rows, expected: null, found: null, detail };
}
