/** One party's way to R2: slow, failing, losing replies, and now and then with somebody else's object under the key. */
import type { ObjectStore } from "../../platform/objects.ts";
import { r2Objects } from "../../platform/objects.ts";
import { gunzip, gzip } from "./codec.ts";
import type { HostDeps } from "./host.ts";
import type { Party } from "./network.ts";
import type { Order } from "./orders.ts";
import type { AroundR2, SimulatedR2 } from "./r2.ts";

const usualMs = 60;
const slowMs = 90_000;

/** Keys that somebody else took: strays are lawful there and nowhere else. */
export type Planted = Set<string>;

/** The binding as one party has it. */
export function bucketOf(party: Party, r2: SimulatedR2, deps: HostDeps): R2Bucket {
  const { scheduler, random, trace, network } = deps;
  const around: AroundR2 = async (operation, key, effect) => {
    const name = key.slice(key.lastIndexOf("/") + 1);
    const what = `${party.name} → R2 ${operation} ${name}`;
    const silence = new Promise<never>(() => undefined);
    if (party.ended) return silence;
    const { objectFails, objectReplyLost, slow } = network.rates;
    const callMs = random.delayMs(usualMs, slowMs, slow);
    party.mayCrash(callMs + usualMs);
    await scheduler.sleep(callMs);
    if (random.chance(objectFails)) {
      if (party.ended) return silence;
      trace.note(`${what}: failed`);
      throw new Error(`R2 ${operation} of ${name} failed`);
    }
    if (operation === "put" && party.ended && key.includes("/part-")) trace.reach("part_put_by_dead_object");
    trace.note(what);
    const reply = effect();
    const lost = random.chance(objectReplyLost);
    await scheduler.sleep(random.delayMs(usualMs / 2, slowMs, slow / 2));
    if (party.ended) return silence;
    if (!lost) return reply;
    if (operation === "put") trace.reach(replyLostOf(key));
    trace.note(`${what}: the reply was lost`);
    throw new Error(`the reply to R2 ${operation} of ${name} was lost`);
  };
  return r2.bucket(around);
}

function replyLostOf(key: string): Order {
  if (key.startsWith("digests/")) return "digest_reply_lost";
  return key.endsWith("/_manifest.json") ? "manifest_reply_lost" : "part_reply_lost";
}

/** The objects as a shard or a bucket has them. */
export function objectsOf(party: Party, r2: SimulatedR2, planted: Planted, deps: HostDeps): ObjectStore {
  const { random, trace, network } = deps;
  const objects = r2Objects(bucketOf(party, r2, deps));
  return {
    ...objects,
    create: (key, bytes, sha256) => {
      if (key.includes("/part-") && random.chance(network.rates.objectPlanted)) plant(key, bytes);
      return objects.create(key, bytes, sha256);
    },
  };

  /** Takes the key before the put does: with other content, or, if it is of lines, with the same in other bytes. */
  function plant(key: string, bytes: Uint8Array<ArrayBuffer>): void {
    if (r2.held.has(key) || planted.size > 2) return;
    const same = random.chance(0.5) && key.endsWith(".gz");
    trace.note(`somebody puts ${same ? "the same content" : "other content"} at ${key}`);
    if (same) trace.reach("adopted");
    planted.add(key);
    r2.plant(key, same ? gzip(gunzip(bytes), 9) : gzip(new TextEncoder().encode("not ours\n"), 1));
  }
}
