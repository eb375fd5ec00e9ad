/** The chain of digests as verify reads it from the objects, and what it prints of it. */
import { type ChainFault, type ChainReport, ChainWalk } from "../../domain/chain.ts";
import { digestOfText, digestsPrefix } from "../../domain/digest.ts";
import type { ObjectSource } from "./objects.ts";
import { sha256Of } from "./sha256.ts";
import type { BucketReport } from "./verify.ts";

/** Walks the chain: before the buckets are looked at, for it says which of them have expired. */
export async function walkChain(source: ObjectSource): Promise<ChainWalk> {
  const walk = new ChainWalk();
  for await (const key of source.list(digestsPrefix)) {
    const bytes = (await source.get(key)) ?? new Uint8Array();
    walk.add(key, sha256Of(bytes), digestOfText(new TextDecoder().decode(bytes)));
  }
  return walk;
}

/** `reports` are of all buckets: their manifests are what the chain is compared with. */
export function chainReport(walk: ChainWalk, reports: readonly BucketReport[]): ChainReport {
  return walk.finish(
    reports.flatMap(({ type, hour, manifest }) => (manifest === null ? [] : [{ type, hour, ...manifest }])),
  );
}

const faultsPrintedMax = 20;

/** The lines that verify prints of the chain; the first fault is the first of them. */
export function chainLines({ digests, newest, listed, expired, faults, waiting }: ChainReport): string[] {
  const shown = faults.slice(0, faultsPrintedMax).map(faultLine);
  const more = faults.length - shown.length;
  const lines = shown.map((line, index) =>
    index === 0 ? `first fault of the digests: ${line}` : `    ${line}`,
  );
  if (more > 0) lines.push(`    and ${more} more`);
  if (digests === 0) {
    lines.push("note: there is no digest; nothing but the manifests themselves says which there must be");
    return lines;
  }
  if (waiting > 0)
    lines.push(`note: ${waiting} manifests are in no digest yet; the auditor may not have come to them`);
  const verdict = faults.length === 0 ? "all there and unaltered" : `${faults.length} faults`;
  const gone = expired === 0 ? "" : `, ${expired} of them expired`;
  lines.push(
    `${digests} digests list ${listed} manifests${gone}: ${verdict}; the newest is number ${newest.sequence}, sha256 ${newest.sha256}`,
  );
  return lines;
}

function faultLine({ kind, where, detail }: ChainFault): string {
  return `${kind}: ${where}: ${detail}`;
}
