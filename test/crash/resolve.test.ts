/**
 * Claims rest on durable rows. A row that a crash takes away after its identity was granted would be lost for good: the
 * client that sends it again is told that it is a duplicate.
 */
import { expect, it } from "vitest";
import { ForeignWriter } from "../../domain/commit.ts";
import { holderName } from "../../domain/ids.ts";
import { claims } from "../../domain/packed-rows.ts";
import { startOf } from "../../domain/hour.ts";
import { resolveForeign } from "../../durable-objects/event-shard/resolve.ts";
import { ShardStore } from "../../durable-objects/event-shard/store.ts";
import { hour, indexOf, packed, plan, rowNo } from "../domain/make.ts";
import { SqliteStorage } from "../fakes/sqlite-storage.ts";

it("[CL3] every row that is claimed would outlive a crash at that moment", async () => {
  const storage = SqliteStorage.blank();
  const store = new ShardStore(storage);
  store.open(hour, plan, startOf(hour));
  const writer = new ForeignWriter();
  const rows = packed([1, 2, 3].map((no) => rowNo(no, { claims: claims.dated })));
  for (let row = 0; row < rows.count; row++) writer.add(rows, row);
  store.commit(
    hour,
    { outcomes: [], batches: [], foreign: writer.finish(), claims: [], tags: [], duplicates: 0 },
    0,
  );

  let durableAtClaim = -1;
  const owner = holderName({ hour, index: indexOf(0) });
  const all = await resolveForeign(
    store,
    { hour, owner, plan, mayMove: false },
    {
      sync: () => storage.sync(),
      homePlan: async () => ({ known: true, plan }),
      claim: async (_home, { fingerprints }) => {
        const foreign = new ShardStore(storage.durableCopy()).foreignTotals(hour);
        durableAtClaim = foreign.appended.rows;
        return { decided: true, granted: new Uint8Array(fingerprints.length / 16).fill(1) };
      },
      enrolLater: async () => null,
    },
  );
  expect(all).toBe(true);
  expect(durableAtClaim).toBe(3);
});
