import { describe, expect, it } from "vitest";
import { type HomeCheck, homeFindings, moveFindings } from "../../domain/audit-claims.ts";
import { type Heard, ledgerView, shardQueries } from "../../domain/audit.ts";
import { type Manifest, type ShardCounters, countersFault, manifestOf } from "../../domain/manifest.ts";
import type { OwnedAnswer } from "../../domain/messages.ts";
import { type Receipt, receiptFault } from "../../domain/receipt.ts";
import type { Finding } from "../../domain/verdict.ts";
import { countersOfShard, hour, hourOfText, indexOf, plan, tallyOf, type } from "./make.ts";

const earlier = hourOfText("2026-11-23T09");
const later = hourOfText("2026-11-23T11");
const holder = countersOfShard(0, tallyOf([1, 2]));

function said(findings: readonly Finding[]): unknown[] {
  return findings.map(({ kind, hop, where, rows }) => [kind, hop, where, rows]);
}

function heard<Value>(value: Value): Heard<Value> {
  return { heard: true, value };
}

function sealed(shards: readonly ShardCounters[], of = hour): Manifest {
  const sealedAt = "2026-11-23T11:10:00.000Z";
  return manifestOf({ address: { type, hour: of }, sealedAt, plan, parts: [], shards, strays: [] });
}

describe("what a home told a holder", () => {
  const where = `shard ${hour}/0 at home ${earlier}/3`;
  const check = (answer: Partial<OwnedAnswer>): HomeCheck => ({
    home: { kind: "dated", hour: earlier, index: indexOf(3) },
    granted: tallyOf([1, 2]),
    denied: 2,
    owned: heard({ owned: tallyOf([1, 2]), known: 2, ...answer }),
  });

  it("[AU12] is what the home recorded for it", () => {
    expect(homeFindings(holder, true, [check({})])).toEqual([]);
    expect(said(homeFindings(holder, true, [check({ owned: tallyOf([1]) })]))).toEqual([
      ["missing", "homes", where, 1],
    ]);
    expect(said(homeFindings(holder, true, [check({ owned: tallyOf([1, 2, 5]) })]))).toEqual([
      ["surplus", "homes", where, 1],
    ]);
    expect(said(homeFindings(holder, true, [check({ owned: tallyOf([1, 5]) })]))).toEqual([
      ["corrupt", "homes", where, 0],
    ]);
  });

  it("[AU12] has a reason for every denial: the home knows the identity", () => {
    expect(said(homeFindings(holder, true, [check({ known: 1 })]))).toEqual([
      ["missing", "denials", where, 1],
    ]);
  });

  it("[AU12] [AU8] is not compared while rows of the holder wait: a home may have granted them unheard", () => {
    const waits = ["unaudited", "homes", `shard ${hour}/0`, 0];
    expect(said(homeFindings(holder, false, [check({ owned: tallyOf([1, 2, 5]) })]))).toEqual([waits]);
    expect(said(homeFindings(holder, false, [check({ known: 0 })]))).toEqual([
      ["missing", "denials", where, 2],
      waits,
    ]);
  });

  it("[AU12] [AU8] leaves the bucket unaudited if the home cannot be asked", () => {
    const home = { kind: "undated", index: 5 } as const;
    const away = { home, granted: tallyOf([1]), denied: 0 };
    expect(said(homeFindings(holder, true, [{ ...away, owned: { heard: false, why: "away" } }]))).toEqual([
      ["unaudited", "homes", `shard ${hour}/0 at undated home 5`, 0],
    ]);
  });
});

describe("rows that move", () => {
  const tally = tallyOf([1, 2]);
  const out = countersOfShard(0, tally, { delivered: tallyOf([]), reassignedOut: [{ hour: later, tally }] });
  const into = countersOfShard(0, tallyOf([]), { delivered: tally, reassignedIn: [{ hour, tally }] });
  const to = `shard ${hour}/0 to ${later}`;
  const from = `shard ${hour}/0 from ${hour}`;
  const forward = (other: Heard<Manifest | null>): unknown[] =>
    said(moveFindings(sealed([out]), () => other));
  const backward = (other: Heard<Manifest | null>): unknown[] =>
    said(moveFindings(sealed([into], later), () => other));

  it("[AU12] arrive as they left", () => {
    expect(forward(heard(sealed([into], later)))).toEqual([]);
    expect(backward(heard(sealed([out])))).toEqual([]);
    expect(moveFindings(sealed([holder]), () => ({ heard: false, why: "nobody asks" }))).toEqual([]);
  });

  it("[AU12] are missing if the other bucket says less, surplus if it says more", () => {
    const one = { ...into, reassignedIn: [{ hour, tally: tallyOf([1]) }] };
    const three = { ...into, reassignedIn: [{ hour, tally: tallyOf([1, 2, 3]) }] };
    const swapped = { ...into, reassignedIn: [{ hour, tally: tallyOf([1, 3]) }] };
    expect(forward(heard(sealed([one], later)))).toEqual([["missing", "moves", to, 1]]);
    expect(forward(heard(sealed([three], later)))).toEqual([["surplus", "moves", to, 1]]);
    expect(forward(heard(sealed([swapped], later)))).toEqual([["corrupt", "moves", to, 0]]);
    const less = { ...out, reassignedOut: [{ hour: later, tally: tallyOf([1]) }] };
    expect(backward(heard(sealed([less])))).toEqual([["surplus", "moves", from, 1]]);
  });

  it("[AU12] are named if the other bucket knows nothing of them, or names another hour", () => {
    expect(forward(heard(sealed([], later)))).toEqual([["missing", "moves", to, 2]]);
    expect(backward(heard(sealed([])))).toEqual([["surplus", "moves", from, 2]]);
    const elsewhere = { ...into, reassignedIn: [{ hour: earlier, tally }] };
    expect(forward(heard(sealed([elsewhere], later)))).toEqual([["missing", "moves", to, 2]]);
    const otherHolder = { ...into, hour: earlier };
    expect(forward(heard(sealed([otherHolder], later)))).toEqual([["missing", "moves", to, 2]]);
  });

  it("[AU12] [AU8] are unaudited while the other bucket is not sealed or cannot be read", () => {
    expect(forward(heard(null))).toEqual([["unaudited", "moves", to, 0]]);
    expect(backward({ heard: false, why: "away" })).toEqual([["unaudited", "moves", from, 0]]);
  });

  it("[AU4] came = went: delivered, denied or moved on", () => {
    const full = countersOfShard(0, tallyOf([1, 2]), {
      reassignedIn: [{ hour: earlier, tally: tallyOf([3, 4]) }],
      delivered: tallyOf([1, 3]),
      denied: tallyOf([2]),
      reassignedOut: [{ hour: later, tally: tallyOf([4]) }],
    });
    expect([countersFault(full), countersFault(out), countersFault(into)]).toEqual([null, null, null]);
    const changes: Partial<ShardCounters>[] = [
      { accepted: tallyOf([1]) },
      { reassignedIn: [] },
      { delivered: tallyOf([1, 3, 5]) },
      { denied: tallyOf([]) },
      { denied: tallyOf([9]) },
      { reassignedOut: [] },
    ];
    const faults = changes.map((change) => countersFault({ ...full, ...change }));
    expect(faults).toEqual([
      `shard ${hour}/0 took 3 rows and let 4 go`,
      `shard ${hour}/0 took 2 rows and let 4 go`,
      `shard ${hour}/0 took 4 rows and let 5 go`,
      `shard ${hour}/0 took 4 rows and let 3 go`,
      `shard ${hour}/0 took 4 rows and let 4 go`,
      `shard ${hour}/0 took 4 rows and let 3 go`,
    ]);
    const receipt: Receipt = {
      counters: { ...full, denied: tallyOf([]) },
      formats: ["ndjson.gz"],
      parts: [],
      tail: null,
      strays: [],
    };
    expect(receiptFault(receipt)).toContain("let 3 go");
  });

  it("[AU12] bring no appends of their own: a shard of another hour is not asked about edges here", () => {
    const guest = { ...into, hour: earlier, index: indexOf(9) };
    expect([...shardQueries(sealed([holder, guest]), ledgerView([])).keys()]).toEqual([0]);
  });
});
