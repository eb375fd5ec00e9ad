/** Hearing holders, their homes, and the buckets at the other end of moves, for the equations of audit-claims.ts. */
import { type Heard, plain } from "../../../domain/audit.ts";
import { type HomeCheck, homeFindings, moveFindings } from "../../../domain/audit-claims.ts";
import type { Hour } from "../../../domain/hour.ts";
import { holderName } from "../../../domain/ids.ts";
import { Manifest, type ShardCounters, manifestKey } from "../../../domain/manifest.ts";
import type { Finding } from "../../../domain/verdict.ts";
import { type ObjectStore, bytesOf } from "../../../platform/objects.ts";
import { type HomesEnv, homeStub, shardStub } from "../../../platform/stubs.ts";
import { hear } from "./hear.ts";

export async function claimFindings(
  env: HomesEnv,
  objects: ObjectStore,
  manifest: Manifest,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const shard of manifest.shards) findings.push(...(await holderFindings(env, manifest, shard)));
  const ends = new Map<Hour, Heard<Manifest | null>>();
  for (const { reassignedIn, reassignedOut } of manifest.shards) {
    for (const move of [reassignedIn, reassignedOut]) {
      if (move !== null && !ends.has(move.hour)) {
        ends.set(move.hour, await hear(manifestOf(objects, { type: manifest.type, hour: move.hour })));
      }
    }
  }
  const notAsked: Heard<Manifest | null> = { heard: false, why: "it was not asked" };
  return [...findings, ...moveFindings(manifest, (hour) => ends.get(hour) ?? notAsked)];
}

async function holderFindings(env: HomesEnv, { type }: Manifest, shard: ShardCounters): Promise<Finding[]> {
  const { hour, index } = shard;
  const grants = await hear(shardStub(env.EVENT_SHARD, { type, hour, index }).grants());
  if (!grants.heard) return [plain("unaudited", "homes", `shard ${holderName(shard)}`, grants.why)];
  const checks: HomeCheck[] = [];
  for (const granted of grants.value) {
    const home = homeStub(env, type, granted.home);
    checks.push({ granted, owned: await hear(home.ownedBy(holderName(shard), granted.denied)) });
  }
  return homeFindings(shard, checks);
}

async function manifestOf(
  objects: ObjectStore,
  address: Parameters<typeof manifestKey>[0],
): Promise<Manifest | null> {
  const found = await objects.get(manifestKey(address));
  if (found === null) return null;
  return Manifest.parse(JSON.parse(new TextDecoder().decode(await bytesOf(found.body))));
}
