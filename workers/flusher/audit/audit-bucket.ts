/**
 * The audit of one sealed bucket: asks every hop for its own counters, reads every part back, and compares.
 *
 * Promises: a finding for every equation that does not hold, and `unaudited` for every counter that could not be had;
 * never a verdict from a guess. Parts that were read are noted, so that a long audit goes on where it stopped. An hour that
 * comes to its audit late is audited in full, however late: until then none of its objects retires.
 * Does not see: what was lost before an edge counted it as received, nor a fault in the code that both sides share.
 */
import * as z from "zod";
import type { EdgeAnswer, EdgeQuery } from "../../../domain/append-audit.ts";
import { type Heard, ledgerView, plain, shardFindings, shardQueries } from "../../../domain/audit.ts";
import { type EpochMs, endOf } from "../../../domain/hour.ts";
import { IdentitySet } from "../../../domain/identity-set.ts";
import type { BucketAddress, ShardIndex } from "../../../domain/ids.ts";
import { identitiesPerShardMax, forgetAfterWindowMs, windowMsDefault } from "../../../domain/limits.ts";
import { type HourLoad, loadOf } from "../../../domain/load.ts";
import { Manifest, bucketPrefix, formatsOf, manifestKey } from "../../../domain/manifest.ts";
import type { SealedSummary } from "../../../domain/messages.ts";
import { type Identities, PartRecount } from "../../../domain/recount.ts";
import { listingFindings, manifestFindings, partFindings } from "../../../domain/reread.ts";
import { Finding } from "../../../domain/verdict.ts";
import { readPartChecks, writePartCheck } from "../../../platform/catalog/audits.ts";
import { type ObjectStore, bytesOf, sha256Hex } from "../../../platform/objects.ts";
import { readPart } from "../../../platform/part-reader.ts";
import {
  type BucketNamespace,
  type HomesEnv,
  type LedgerNamespace,
  bucketStub,
  shardStub,
} from "../../../platform/stubs.ts";
import { claimFindings } from "./claims.ts";
import { hear } from "./hear.ts";
import { hearLedgers } from "./hear-events.ts";

export interface AuditEnv extends HomesEnv {
  readonly HOUR_BUCKET: BucketNamespace;
  readonly CATALOG: D1Database;
  readonly EDGE_LEDGER: LedgerNamespace;
}

const Findings = z.array(Finding);

export interface BucketAudit {
  /** None: it is balanced. */
  readonly findings: readonly Finding[];
  /** Null: it could not be read as what was sealed, which is a finding. */
  readonly manifest: Manifest | null;
  /** What the hour asked of its shards; null: its manifest or its ledger could not be read. */
  readonly load: HourLoad | null;
}

/** Everything about the bucket. `kept`: its ledgers wait for a verdict, however late it is. `timeIsUp` is asked between parts; null then: not finished, go on next time. */
export async function auditBucket(
  env: AuditEnv,
  objects: ObjectStore,
  address: BucketAddress,
  summary: SealedSummary,
  now: EpochMs,
  timeIsUp: () => boolean,
  kept = false,
): Promise<BucketAudit | null> {
  const manifest = await readManifest(objects, address, summary);
  if (!manifest.ok) return { findings: [manifest.finding], manifest: null, load: null };
  const rereadFindings = await rereadParts(env, objects, manifest.manifest, address, now, timeIsUp);
  if (rereadFindings === null) return null;
  const listing = await objects.list(bucketPrefix(address));
  const inR2 = [
    ...manifestFindings(manifest.manifest, bucketPrefix(address)),
    ...listingFindings(
      manifest.manifest,
      listing.map(({ key }) => key),
    ),
    ...rereadFindings,
  ];
  if (now >= retireAt(manifest.manifest) && !(kept && (await waitsForVerdict(env, address))))
    return { findings: [...inR2, retired], manifest: manifest.manifest, load: null };
  const ledger = ledgerView(await hearLedgers(env.EDGE_LEDGER, address));
  const answers = await hearShards(env, address, shardQueries(manifest.manifest, ledger));
  const findings = [
    ...inR2,
    ...ledger.findings,
    ...shardFindings(manifest.manifest, ledger, answers),
    ...(await claimFindings(env, objects, manifest.manifest)),
  ];
  return { findings, manifest: manifest.manifest, load: loadOf(manifest.manifest, ledger.events) };
}

/**
 * True if the bucket has never heard that it balances, so that neither it nor a shard of its has begun to retire. It is
 * asked, because a verdict that it heard may have been lost on its way to the catalog. The ledgers wait for the catalog.
 */
async function waitsForVerdict({ HOUR_BUCKET }: AuditEnv, address: BucketAddress): Promise<boolean> {
  const says = await hear(bucketStub(HOUR_BUCKET, address).describe());
  return says.heard && Waiting.safeParse(JSON.parse(says.value)).success;
}

const Waiting = z.looseObject({ phase: z.literal("sealed"), verdict: z.null() });

/** From then on the bucket's objects may be gone, and with them every counter that is not in R2. */
function retireAt({ hour, plan }: Manifest): number {
  return endOf(hour) + (plan?.windowMs ?? windowMsDefault) + forgetAfterWindowMs;
}

const retired: Finding = plain(
  "unaudited",
  "edge_to_shard",
  "ledger and shards",
  "the hour is past its window and its objects have retired; only what lies in R2 was checked",
);

async function readManifest(
  objects: ObjectStore,
  address: BucketAddress,
  summary: SealedSummary,
): Promise<
  { readonly ok: true; readonly manifest: Manifest } | { readonly ok: false; readonly finding: Finding }
> {
  const key = manifestKey(address);
  const found = await objects.get(key);
  const fault = (kind: Finding["kind"], detail: string): { ok: false; finding: Finding } => ({
    ok: false,
    finding: {
      kind,
      hop: "manifest",
      where: key,
      rows: summary.tally.rows,
      expected: summary.tally,
      found: null,
      detail,
    },
  });
  if (found === null) return fault("missing", "the manifest is not there");
  const bytes = await bytesOf(found.body);
  const sha256 = await sha256Hex(bytes);
  if (sha256 !== summary.manifestSha256) {
    return fault("corrupt", `its sha256 is ${sha256}; the bucket froze ${summary.manifestSha256}`);
  }
  const manifest = Manifest.safeParse(jsonOf(bytes));
  return manifest.success
    ? { ok: true, manifest: manifest.data }
    : fault("corrupt", "it is no manifest of this format");
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

async function rereadParts(
  env: AuditEnv,
  objects: ObjectStore,
  manifest: Manifest,
  address: BucketAddress,
  now: EpochMs,
  timeIsUp: () => boolean,
): Promise<Finding[] | null> {
  const checked = await readPartChecks(env.CATALOG, address, Findings);
  const findings: Finding[] = [];
  // One format after the other: each holds every row once, and one set of identities is in memory at a time.
  for (const format of formatsOf(manifest)) {
    const identities = identitiesFor(manifest);
    for (const part of manifest.parts.filter((listed) => listed.format === format)) {
      const known = checked.get(part.key);
      if (known !== undefined) {
        findings.push(...known);
        continue;
      }
      if (timeIsUp()) return null;
      const outcome = partFindings(
        part,
        await readPart(objects, part, new PartRecount(manifest.type, identities)),
      );
      // A single part is read again faster than it is noted.
      if (manifest.parts.length > 1)
        await writePartCheck(env.CATALOG, address, { key: part.key, outcome, at: now });
      findings.push(...outcome);
    }
  }
  return findings;
}

/** Past the bound, repeats show as a sum that is not the ledger's; below it they are also named row by row. */
function identitiesFor(manifest: Manifest): Identities {
  return manifest.rows <= identitiesPerShardMax ? new IdentitySet() : { add: () => true };
}

async function hearShards(
  env: AuditEnv,
  address: BucketAddress,
  queries: ReadonlyMap<ShardIndex, EdgeQuery[]>,
): Promise<Map<ShardIndex, Heard<readonly EdgeAnswer[]>>> {
  const answers = new Map<ShardIndex, Heard<readonly EdgeAnswer[]>>();
  for (const [index, query] of queries) {
    answers.set(index, await hear(shardStub(env.EVENT_SHARD, { ...address, index }).lookUpAppends(query)));
  }
  return answers;
}
