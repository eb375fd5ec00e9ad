/**
 * Walking the chain of digests, and comparing it with the manifests that are there.
 *
 * Promises: to name every digest that is missing or altered, and every manifest that is missing or altered since it was
 * listed; in the order in which the auditor wrote, so that the first fault comes first. To say which hours have expired,
 * and to name one that is listed as expired and never was as balanced.
 * Does not promise: to see that the newest digests are gone together with what only they list, or that somebody wrote
 * the whole chain anew. For that, compare its end with a number and a sha256 that were kept elsewhere.
 */
import {
  type ChainHead,
  type Digest,
  type DigestEntry,
  digestKey,
  emptyChain,
  sequenceOfKey,
} from "./digest.ts";
import { manifestKey } from "./manifest.ts";

/** `unlisted`: a manifest that no digest lists, though one lists an hour of its stream that was sealed after it. */
export type ChainFaultKind = "altered" | "missing" | "unlisted" | "surplus";

export interface ChainFault {
  readonly kind: ChainFaultKind;
  /** The object at fault. */
  readonly where: string;
  readonly detail: string;
}

/** A manifest object as it was found. */
export interface FoundManifest {
  readonly key: string;
  readonly type: string;
  readonly hour: string;
  readonly sha256: string;
  /** When it says that it was sealed; null if it cannot be read. */
  readonly sealedAt: string | null;
}

export interface ChainReport {
  readonly digests: number;
  readonly newest: ChainHead;
  /** Manifests that the chain lists. */
  readonly listed: number;
  /** Of those, hours that have expired. */
  readonly expired: number;
  readonly faults: readonly ChainFault[];
  /** Manifests that no digest lists, and that none need list yet. */
  readonly waiting: number;
}

interface Listing {
  readonly entry: DigestEntry;
  readonly sequence: number;
}

export class ChainWalk {
  /** Faults with the number of the digest at which they show. */
  readonly #faults: { readonly at: number; readonly fault: ChainFault }[] = [];
  readonly #altered = new Set<number>();
  /** The first listing of each manifest: a manifest is created once, so that one holds. */
  readonly #listings = new Map<string, Listing>();
  /** Manifests that were listed as balanced. */
  readonly #balanced = new Set<string>();
  /** Manifests whose hours are listed as expired, with the sha256 that they then had. */
  readonly #expired = new Map<string, string>();
  #newest: ChainHead = emptyChain;
  #digests = 0;

  /** The next object under `digests/`, in key order; null for one that is no digest of this format. */
  add(key: string, sha256: string, digest: Digest | null): void {
    const sequence = sequenceOfKey(key);
    if (sequence === null) {
      this.#fault(Infinity, "surplus", key, "no digest has such a key");
      return;
    }
    const before = this.#newest;
    this.#newest = { sequence, sha256 };
    this.#digests++;
    this.#missingBetween(before.sequence + 1, sequence - 1);
    if (digest === null) {
      this.#alter(sequence, "it is no digest of this format");
    } else if (digest.sequence !== sequence) {
      this.#alter(sequence, `it says that it is number ${digest.sequence}`);
    } else {
      this.#link(before, digest);
      for (const entry of digest.buckets) this.#list(entry, sequence);
    }
  }

  /** Whether the digests added so far list the hour of this manifest as expired: its parts may be gone. */
  hasExpired(key: string, sha256: string): boolean {
    return this.#expired.get(key) === sha256;
  }

  /** The end of the chain, and every manifest that was found. */
  finish(manifests: Iterable<FoundManifest>): ChainReport {
    const found = new Map([...manifests].map((manifest) => [manifest.key, manifest]));
    for (const [key, { entry, sequence }] of this.#listings) {
      const manifest = found.get(key);
      const listed = `digest ${sequence} lists it as ${entry.verdict} with ${entry.rows} rows`;
      if (manifest === undefined) this.#fault(sequence, "missing", key, `${listed}, and it is not there`);
      else if (manifest.sha256 !== entry.manifestSha256) {
        const detail = `its sha256 is ${manifest.sha256}; ${listed} and sha256 ${entry.manifestSha256}`;
        this.#fault(sequence, "altered", key, detail);
      }
    }
    const waiting = this.#unlisted(found);
    return {
      digests: this.#digests,
      newest: this.#newest,
      listed: this.#listings.size,
      expired: this.#expired.size,
      // The sort is stable: faults of one digest stay in the order in which it lists.
      faults: this.#faults.toSorted((a, b) => (a.at === b.at ? 0 : a.at - b.at)).map(({ fault }) => fault),
      waiting,
    };
  }

  #missingBetween(first: number, last: number): void {
    if (first > last) return;
    const others = last === first ? "" : `, nor are those up to number ${last}`;
    this.#fault(first, "missing", digestKey(first), `it is not there${others}, though a later one is`);
  }

  /** `previous` speaks of the digest before; after a gap there is none to speak of. */
  #link(before: ChainHead, { sequence, previous }: Digest): void {
    if (before.sequence !== sequence - 1 || before.sha256 === previous) return;
    if (before.sha256 === null) this.#alter(sequence, "it is the first, and names one before it");
    else if (!this.#altered.has(before.sequence)) {
      this.#alter(before.sequence, `its sha256 is ${before.sha256}; the digest after it says ${previous}`);
    }
  }

  #list(entry: DigestEntry, sequence: number): void {
    const key = manifestKey(entry);
    if (entry.manifestKey !== key) {
      this.#alter(sequence, `it lists ${entry.manifestKey} as the manifest of ${entry.type} ${entry.hour}`);
      return;
    }
    const first = this.#listings.get(key);
    if (first === undefined) this.#listings.set(key, { entry, sequence });
    else if (first.entry.manifestSha256 !== entry.manifestSha256) {
      this.#alter(sequence, `it lists another sha256 for ${key} than digest ${first.sequence} does`);
      return;
    }
    if (entry.verdict === "balanced") this.#balanced.add(key);
    if (entry.verdict !== "expired") return;
    if (this.#balanced.has(key)) this.#expired.set(key, entry.manifestSha256);
    else this.#alter(sequence, `it lists ${key} as expired, and no digest before it lists it as balanced`);
  }

  /**
   * The auditor takes up a stream's hours in their order. So a manifest that no digest lists, of an hour before one that
   * is listed and was sealed later, was passed over by the auditor or is not this system's. Of any other unlisted one
   * nothing can be said: the auditor may not have come to it. Answers how many those are.
   */
  #unlisted(found: ReadonlyMap<string, FoundManifest>): number {
    const latest = new Map<string, FoundManifest[]>();
    for (const key of this.#listings.keys()) {
      const manifest = found.get(key);
      if (manifest === undefined || manifest.sealedAt === null) continue;
      const others = latest.get(manifest.type);
      if (others === undefined) latest.set(manifest.type, [manifest]);
      else others.push(manifest);
    }
    let waiting = 0;
    for (const manifest of found.values()) {
      if (this.#listings.has(manifest.key)) continue;
      const later = latest
        .get(manifest.type)
        ?.find(({ hour, sealedAt }) => hour > manifest.hour && (sealedAt ?? "") > (manifest.sealedAt ?? ""));
      if (later === undefined) waiting++;
      else {
        const by = this.#listings.get(later.key)?.sequence;
        const detail = `no digest lists it, though digest ${by} lists ${later.hour}, which was sealed later`;
        this.#fault(Infinity, "unlisted", manifest.key, detail);
      }
    }
    return waiting;
  }

  #alter(sequence: number, detail: string): void {
    this.#altered.add(sequence);
    this.#fault(sequence, "altered", digestKey(sequence), detail);
  }

  #fault(at: number, kind: ChainFaultKind, where: string, detail: string): void {
    this.#faults.push({ at, fault: { kind, where, detail } });
  }
}
