/** Hearing holders, their homes, and the buckets at the other end of moves, for the equations of audit-claims.ts. */
import { type Heard, plain } from "../../../domain/audit.ts";
import { type HomeCheck, homeFindings, moveFindings } from "../../../domain/audit-claims.ts";
import { fingerprintBytes } from "../../../domain/fingerprint.ts";
import type { Hour } from "../../../domain/hour.ts";
import { type EventType, type Holder, type HolderName, holderName } from "../../../domain/ids.ts";
import { claimRowsMax } from "../../../domain/limits.ts";
import { Manifest, manifestKey } from "../../../domain/manifest.ts";
import {
  type GrantedAt,
  type GrantsPage,
  HomeAddress,
  type OwnedAnswer,
  type UndatedHomeRpc,
} from "../../../domain/messages.ts";
import { addTallies, zeroTally } from "../../../domain/tally.ts";
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
  for (const shard of manifest.shards) findings.push(...(await holderFindings(env, manifest.type, shard)));
  const ends = new Map<Hour, Heard<Manifest | null>>();
  for (const { hour } of manifest.shards.flatMap((shard) => [
    ...shard.reassignedIn,
    ...shard.reassignedOut,
  ])) {
    if (!ends.has(hour)) ends.set(hour, await hear(manifestOf(objects, { type: manifest.type, hour })));
  }
  const notAsked: Heard<Manifest | null> = { heard: false, why: "it was not asked" };
  return [...findings, ...moveFindings(manifest, (hour) => ends.get(hour) ?? notAsked)];
}

/** What the homes of one holder's foreign rows say of it. */
export async function holderFindings(env: HomesEnv, type: EventType, shard: Holder): Promise<Finding[]> {
  const { hour, index } = shard;
  const holder = shardStub(env.EVENT_SHARD, { type, hour, index });
  const checks = new Map<string, HomeCheck>();
  let settled = true;
  for (let seq: number | null = 0; seq !== null;) {
    const page: Heard<GrantsPage> = await hear(holder.grants(seq));
    if (!page.heard) return [plain("unaudited", "homes", `shard ${holderName(shard)}`, page.why)];
    settled &&= page.value.settled;
    for (const [name, answers] of Map.groupBy(page.value.answers, ({ home }) => JSON.stringify(home))) {
      const home = HomeAddress.parse(JSON.parse(name));
      checks.set(
        name,
        await checked(homeStub(env, type, home), holderName(shard), home, answers, checks.get(name)),
      );
    }
    seq = page.value.next;
  }
  return homeFindings(shard, settled, [...checks.values()]);
}

/** One home's check with more of its answers. Denied identities are asked about in bounded calls. */
async function checked(
  stub: Pick<UndatedHomeRpc, "ownedBy">,
  holder: HolderName,
  home: HomeAddress,
  answers: readonly GrantedAt[],
  before: HomeCheck | undefined,
): Promise<HomeCheck> {
  const denied = joined(answers.map((answer) => answer.denied));
  let owned: Heard<OwnedAnswer> = before?.owned ?? { heard: true, value: { owned: zeroTally, known: 0 } };
  const stepBytes = claimRowsMax * fingerprintBytes;
  for (let at = 0; owned.heard && (at === 0 || at < denied.length); at += stepBytes) {
    const { known } = owned.value;
    const answer = await hear(stub.ownedBy(holder, denied.slice(at, at + stepBytes)));
    owned = answer.heard
      ? { heard: true, value: { owned: answer.value.owned, known: known + answer.value.known } }
      : answer;
  }
  return {
    home,
    granted: addTallies([before?.granted ?? zeroTally, ...answers.map(({ granted }) => granted)]),
    denied: (before?.denied ?? 0) + denied.length / fingerprintBytes,
    owned,
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function manifestOf(
  objects: ObjectStore,
  address: Parameters<typeof manifestKey>[0],
): Promise<Manifest | null> {
  const found = await objects.get(manifestKey(address));
  if (found === null) return null;
  return Manifest.parse(JSON.parse(new TextDecoder().decode(await bytesOf(found.body))));
}
