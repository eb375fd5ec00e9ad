/** Digests on the real R2 and D1: who writes them, races, lost replies and runs that end halfway. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type Digest,
  digestAfter,
  digestKey,
  digestOfText,
  digestsPrefix,
  emptyChain,
  sequenceOfKey,
} from "../../domain/digest.ts";
import { digestTriesMax, digestsTakenInMax } from "../../domain/limits.ts";
import { recordVerdict } from "../../platform/catalog/audits.ts";
import { getBucket } from "../../platform/catalog/buckets.ts";
import {
  digestHead,
  readForgotten,
  recountForgotten,
  undigestedBuckets,
} from "../../platform/catalog/digests.ts";
import { recordSealed } from "../../platform/catalog/sealed.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { createDigest, newestSequence } from "../../platform/digests.ts";
import { type ObjectStore, bytesOf, r2Objects, sha256Hex } from "../../platform/objects.ts";
import { writeDigests } from "../../workers/flusher/audit/write-digests.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";
import { at, bucket, finding, overriding, sealed, settings, type } from "./helpers.ts";

const db = env.CATALOG;
const objects = r2Objects(env.EVENTS);
const sealedAt = "2026-11-23T11:10:05Z";
const now = at("2026-11-23T11:12:00Z");
const later = at("2026-11-23T11:13:00Z");

beforeEach(async () => {
  await db.batch([
    db.prepare("DELETE FROM buckets"),
    db.prepare("DELETE FROM streams"),
    db.prepare("UPDATE digest_head SET sequence = 0, sha256 = NULL, forgotten = 0"),
  ]);
  const { objects: left } = await env.EVENTS.list();
  await env.EVENTS.delete(left.map(({ key }) => key));
});

async function seal(name: string) {
  await putStream(db, type(name), settings(), at("2026-11-23T10:00:00Z"));
  const address = bucket(name, "2026-11-23T10");
  await recordSealed(db, [{ address, dueAtMs: at(sealedAt), summary: sealed(sealedAt) }]);
  return address;
}

/** A bucket of that stream, sealed and with a verdict. */
async function verified(name: string, kind?: Parameters<typeof finding>[0], when = now) {
  const address = await seal(name);
  const findings = kind === undefined ? [] : [finding(kind)];
  await recordVerdict(db, { address, findings, attempts: 0, at: when });
  return address;
}

/** The whole chain; fails unless it is numbered without gaps and each digest names the one before. */
async function chain(): Promise<Digest[]> {
  const digests: Digest[] = [];
  let previous: string | null = null;
  for (const { key } of await objects.list(digestsPrefix)) {
    const found = await objects.get(key);
    const bytes = found === null ? new Uint8Array() : await bytesOf(found.body);
    const digest = digestOfText(new TextDecoder().decode(bytes));
    if (digest === null) throw new Error(`${key} is no digest`);
    digests.push(digest);
    expect(sequenceOfKey(key)).toBe(digests.length);
    expect(digest).toMatchObject({ sequence: digests.length, previous });
    previous = await sha256Hex(bytes);
  }
  return digests;
}

const listed = (digests: readonly Digest[]): string[][] =>
  digests.map(({ buckets }) => buckets.map((entry) => `${entry.type} ${entry.verdict}`));

const waiting = async (): Promise<string[]> =>
  (await undigestedBuckets(db, 100)).map(({ address }) => address.type);

/** The store with `create` done otherwise. */
function creating(create: ObjectStore["create"]): ObjectStore {
  return { ...objects, create };
}

const unreachable = (): Promise<never> => Promise.reject(new Error("R2 is away"));
const away: ObjectStore = { create: unreachable, head: unreachable, get: unreachable, list: unreachable };

it("[DG1] lists every verdict once, with what the seal said", async () => {
  await verified("b");
  const address = await verified("a", "missing");
  expect(await writeDigests(db, objects, now)).toEqual({ progress: 2, digests: 1 });
  const [digest, ...others] = await chain();
  expect(others).toEqual([]);
  expect(digest?.buckets.map(({ type: name }) => name)).toEqual(["a", "b"]);
  const { tally, manifestSha256 } = sealed(sealedAt);
  expect(digest?.buckets[0]).toMatchObject({
    ...address,
    manifestSha256,
    verdict: "missing",
    rows: tally.rows,
    identitySum: tally.sum,
  });
});

it("[DG6] asks R2 nothing while no verdict waits", async () => {
  expect(await writeDigests(db, away, now)).toEqual({ progress: 0, digests: 0 });
  await verified("a");
  await expect(writeDigests(db, away, now)).rejects.toThrow("away");
  await writeDigests(db, objects, now);
  expect(await writeDigests(db, away, later)).toEqual({ progress: 0, digests: 0 });
});

it("[DG3] a verdict that changed is listed again, one that stayed is not", async () => {
  await verified("a", "missing");
  await verified("b");
  await writeDigests(db, objects, now);
  await recordVerdict(db, { address: bucket("b", "2026-11-23T10"), findings: [], attempts: 0, at: later });
  expect(await waiting()).toEqual([]);
  await recordVerdict(db, { address: bucket("a", "2026-11-23T10"), findings: [], attempts: 1, at: later });
  expect(await waiting()).toEqual(["a"]);
  await writeDigests(db, objects, later);
  expect(listed(await chain())).toEqual([["a missing", "b balanced"], ["a balanced"]]);
});

it("[DG3] a digest that cannot be written delays no verdict, and the next run writes it", async () => {
  const address = await seal("a");
  const failing = overriding(env.EVENTS, { put: unreachable });
  await runFlusher({ ...env, EVENTS: failing }, now);
  expect((await getBucket(db, address))?.verdict).toBe("missing");
  expect(await waiting()).toEqual(["a"]);
  await runFlusher(env, now);
  expect(listed(await chain())).toEqual([["a missing"]]);
});

describe("[DG4] two auditors at once", () => {
  it("that know the same write it once", async () => {
    await verified("a");
    const slow = creating(async (...given) => {
      expect(await writeDigests(db, objects, later)).toEqual({ progress: 1, digests: 1 });
      return objects.create(...given);
    });
    expect(await writeDigests(db, slow, now)).toEqual({ progress: 0, digests: 0 });
    expect(listed(await chain())).toEqual([["a balanced"]]);
    expect(await waiting()).toEqual([]);
  });

  it("that would write the same bytes have both written them", async () => {
    await verified("a");
    const slow = creating(async (...given) => {
      await writeDigests(db, objects, now);
      return objects.create(...given);
    });
    await writeDigests(db, slow, now);
    expect(listed(await chain())).toEqual([["a balanced"]]);
    expect(await waiting()).toEqual([]);
  });

  it("that know different buckets leave none out: the loser takes the next number", async () => {
    await verified("a");
    let raced = false;
    const slow = creating(async (...given) => {
      if (!raced) {
        raced = true;
        // The other one's digest is there, and the catalog has not heard of it.
        const [only] = await undigestedBuckets(db, 1);
        await verified("b");
        await createDigest(objects, digestAfter(emptyChain, only === undefined ? [] : [only], later));
      }
      return objects.create(...given);
    });
    expect(await writeDigests(db, slow, now)).toEqual({ progress: 1, digests: 1 });
    expect(listed(await chain())).toEqual([["a balanced"], ["b balanced"]]);
    expect(await waiting()).toEqual([]);
  });

  it("and a verdict that changes between them: the last listing is the present verdict", async () => {
    const address = await verified("a", "missing");
    let raced = false;
    const slow = creating(async (...given) => {
      const reply = await objects.create(...given);
      if (!raced) {
        raced = true;
        // While this one's digest is on its way, the verdict changes twice and the other one lists the first change.
        await recordVerdict(db, { address, findings: [finding("corrupt")], attempts: 1, at: now });
        await writeDigests(db, objects, later);
        await recordVerdict(db, { address, findings: [finding("missing")], attempts: 1, at: later });
      }
      return reply;
    });
    await writeDigests(db, slow, now);
    expect(listed(await chain())).toEqual([["a missing"], ["a corrupt"], ["a missing"]]);
    expect(await waiting()).toEqual([]);
  });

  it("or six, without waiting for each other", async () => {
    for (let no = 0; no < 12; no++) await verified(`stream-${no}`);
    const auditors = Array.from({ length: 6 }, async (_, no) => {
      await verified(`own-${no}`);
      await writeDigests(db, objects, at(new Date(now + no).toISOString()));
    });
    const ended = await Promise.allSettled(auditors);
    expect(ended.filter(({ status }) => status === "rejected")).toEqual([]);
    await writeDigests(db, objects, later);
    const names = (await chain()).flatMap(({ buckets }) => buckets.map((entry) => entry.type));
    expect(new Set(names).size).toBe(18);
    expect(await waiting()).toEqual([]);
  });

  it("[DG3] gives up after so many lost numbers, and leaves the rest to the next run", async () => {
    await verified("a");
    let lost = 0;
    const unlucky = creating(() => {
      lost++;
      return Promise.resolve("exists");
    });
    expect(await writeDigests(db, unlucky, now)).toEqual({ progress: 0, digests: 0 });
    expect(lost).toBe(digestTriesMax);
    expect(await waiting()).toEqual(["a"]);
  });
});

describe("[DG5] what stopped halfway", () => {
  it("a put whose reply was lost is found", async () => {
    await verified("a");
    const lossy = creating(async (...given) => {
      await objects.create(...given);
      throw new Error("the reply was lost");
    });
    expect(await writeDigests(db, lossy, now)).toEqual({ progress: 1, digests: 1 });
    expect(listed(await chain())).toEqual([["a balanced"]]);
    expect(await waiting()).toEqual([]);
  });

  it("a put that failed is made by the next run", async () => {
    await verified("a");
    await expect(writeDigests(db, creating(unreachable), now)).rejects.toThrow("away");
    expect(await chain()).toEqual([]);
    await writeDigests(db, objects, later);
    expect(listed(await chain())).toEqual([["a balanced"]]);
  });

  it("a run that ended between its put and the catalog is made good, and its buckets are not listed again", async () => {
    await verified("a");
    const once = overriding(db, { batch: unreachable });
    await expect(writeDigests(once, objects, now)).rejects.toThrow("away");
    expect(await waiting()).toEqual(["a"]);
    expect(await writeDigests(db, objects, later)).toEqual({ progress: 0, digests: 0 });
    expect(await waiting()).toEqual([]);
    await verified("b");
    await writeDigests(db, objects, later);
    expect(listed(await chain())).toEqual([["a balanced"], ["b balanced"]]);
  });

  it("an unreadable digest is chained on, and stops nobody", async () => {
    const bytes = new Uint8Array(new TextEncoder().encode("{}"));
    await objects.create(digestKey(1), bytes, await sha256Hex(bytes));
    await verified("a");
    await writeDigests(db, objects, now);
    const found = await objects.get(digestKey(2));
    const digest = digestOfText(new TextDecoder().decode(found === null ? bytes : await bytesOf(found.body)));
    expect(digest).toMatchObject({ sequence: 2, previous: await sha256Hex(bytes), buckets: [{ type: "a" }] });
  });
});

describe("[DG6] the newest digest", () => {
  async function put(count: number): Promise<void> {
    for (let no = 1; no <= count; no++) await env.EVENTS.put(digestKey(no), "{}");
  }

  it("is found by few lookups, from whatever is known", async () => {
    await put(70);
    for (const [known, most] of [
      [70, 1],
      [69, 3],
      [60, 8],
      [0, 14],
    ] as const) {
      let lookups = 0;
      const counting: ObjectStore = {
        ...objects,
        list: unreachable,
        head: (key) => {
          lookups++;
          return objects.head(key);
        },
      };
      expect(await newestSequence(counting, known)).toBe(70);
      expect(lookups).toBeLessThanOrEqual(most);
    }
    expect(await newestSequence(objects, 0)).toBe(70);
  });

  it("is found by a catalog that forgot everything; what it no longer knows to be listed is listed once more", async () => {
    await put(digestsTakenInMax + 5);
    await verified("a");
    let reads = 0;
    const counting: ObjectStore = {
      ...objects,
      get: (key) => {
        reads++;
        return objects.get(key);
      },
    };
    await writeDigests(db, counting, now);
    expect(reads).toBe(digestsTakenInMax);
    expect(await digestHead(db)).toMatchObject({ sequence: digestsTakenInMax + 6 });
    expect(await waiting()).toEqual([]);
  });
});

it("[AU14] a catalog that was set back counts what digests list and it does not know, until it is put back", async () => {
  await verified("kept");
  const { address, ...gone } = {
    address: await verified("gone"),
    dueAtMs: at(sealedAt),
    summary: sealed(sealedAt),
  };
  await writeDigests(db, objects, now);
  expect(await readForgotten(db)).toMatchObject({ forgotten: 0 });
  // A copy from before the seal: the bucket is not in it, nor is the digest.
  await db.batch([
    db.prepare("DELETE FROM buckets WHERE type = ?1").bind(address.type),
    db.prepare("UPDATE digest_head SET sequence = 0, sha256 = NULL"),
  ]);
  await verified("new", undefined, later);
  await writeDigests(db, objects, later);
  expect(await readForgotten(db)).toMatchObject({ forgotten: 1 });
  const all = (await chain()).flatMap(({ buckets }) => buckets);
  await recountForgotten(db, [], true);
  await recountForgotten(db, all, false);
  expect(await readForgotten(db), "counted again, it is the same").toMatchObject({ forgotten: 1 });
  await recordSealed(db, [{ address, ...gone }]);
  await recountForgotten(db, [], true);
  await recountForgotten(db, all, false);
  expect(await readForgotten(db)).toMatchObject({ forgotten: 0 });
});
