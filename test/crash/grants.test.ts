/**
 * What homes told a holder is heard a page at a time, however much it is: every denial is asked about, in bounded calls.
 */
import { expect, it } from "vitest";
import { fingerprintBytes } from "../../domain/fingerprint.ts";
import { startOf } from "../../domain/hour.ts";
import { claimRowsMax, grantsPageBytes } from "../../domain/limits.ts";
import { Fingerprints, type HomeAddress } from "../../domain/messages.ts";
import { Shard } from "../../durable-objects/event-shard/shard.ts";
import { ShardStore } from "../../durable-objects/event-shard/store.ts";
import type { HomesEnv } from "../../platform/stubs.ts";
import { holderFindings } from "../../workers/flusher/audit/claims.ts";
import { countersOfShard, hour, hourOfText, indexOf, plan, tallyOf, type } from "../domain/make.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";

const home: HomeAddress = { kind: "dated", hour: hourOfText("2026-11-23T08"), index: indexOf(0) };
const rounds = 5;
const deniedPerRound = 30_000;

function holderWith(storage: SqliteStorage): Shard {
  const store = new ShardStore(storage);
  store.open(hour, plan, startOf(hour));
  for (let round = 0; round < rounds; round++) {
    const denied = new Uint8Array(deniedPerRound * fingerprintBytes).fill(round + 1);
    store.resolve(hour, [], [], [{ home, granted: tallyOf([round]), denied }], null);
  }
  const unused = async (): Promise<never> => {
    throw new Error("reads only");
  };
  return new Shard({ type, hour, index: indexOf(0) }, storage, {
    objects: { head: unused, get: unused, create: unused, list: unused },
    codec: { encode: unused, contentSha256: unused, sha256: unused },
    schema: unused,
    now: unused,
    enrol: unused,
    homePlan: unused,
    claim: unused,
    wakeBucket: unused,
    armAlarm: unused,
    mayDelete: async () => true,
    abort: () => undefined,
    log: () => undefined,
  });
}

it("[AU12] asks a home about every denied identity, though they take several pages and calls", async () => {
  const holder = holderWith(SqliteStorage.blank());
  const pages: number[] = [];
  const asked: number[] = [];
  const env = {
    EVENT_SHARD: {
      getByName: () => ({
        grants: async (seq: number) => {
          const page = holder.grants(seq);
          pages.push(page.answers.reduce((sum, { denied }) => sum + denied.length, 0));
          return page;
        },
        ownedBy: async (_owner: string, fingerprints: Uint8Array) => {
          asked.push(Fingerprints.parse(fingerprints).length / fingerprintBytes);
          // The home knows all but one of the last round.
          const unknown =
            fingerprints[0] === rounds && fingerprints.length > 0 && asked.length === 15 ? 1 : 0;
          return {
            owned: tallyOf([0, 1, 2, 3, 4]),
            known: fingerprints.length / fingerprintBytes - unknown,
          };
        },
      }),
    },
  } as unknown as HomesEnv;
  const findings = await holderFindings(env, type, countersOfShard(0, tallyOf([])));
  expect(pages.length).toBeGreaterThan(1);
  for (const bytes of pages) expect(bytes).toBeLessThan(grantsPageBytes + deniedPerRound * fingerprintBytes);
  expect(asked.reduce((sum, count) => sum + count, 0)).toBe(rounds * deniedPerRound);
  expect(Math.max(...asked)).toBeLessThanOrEqual(claimRowsMax);
  expect(findings).toMatchObject([{ kind: "missing", hop: "denials", rows: 1 }]);
});

it("a page of fingerprints is at most what one call may carry, and whole", () => {
  const of = (bytes: number): boolean => Fingerprints.safeParse(new Uint8Array(bytes)).success;
  expect(of(claimRowsMax * fingerprintBytes)).toBe(true);
  expect(of((claimRowsMax + 1) * fingerprintBytes)).toBe(false);
  expect(of(fingerprintBytes - 1)).toBe(false);
});
