import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type HomeAnswer,
  claimsOf,
  hasHour,
  rowStates,
  stateOf,
  undatedHomeIndex,
} from "../../domain/claim.ts";
import { type ClaimOutcome, type Commit, decideCommit } from "../../domain/commit.ts";
import { type BucketPhase, decideEnrol, decidePlan, isForgotten } from "../../domain/enrol.ts";
import { endOf, epochMs, hourOf, startOf } from "../../domain/hour.ts";
import type { HolderName } from "../../domain/ids.ts";
import {
  foreignRowsMax,
  plausibleEdgeMs,
  forgetAfterWindowMs,
  sqliteRowBytesMax,
  undatedHomes,
} from "../../domain/limits.ts";
import { PackedRows, claims } from "../../domain/packed-rows.ts";
import { type Plan, protocolVersion } from "../../domain/plan.ts";
import {
  appendOf,
  fingerprintNo,
  hour,
  hourOfText,
  indexOf,
  noIdentities,
  ownerOf,
  packedNos,
  plan,
  rowNo,
  tallyOf,
} from "./make.ts";

function grantedBy(commit: Commit): number[][] {
  return commit.outcomes.map((outcome) => [
    ...("granted" in outcome ? outcome.granted : outcome.acceptedRows),
  ]);
}

function claimOf(owner: HolderName, numbers: readonly number[]) {
  return { kind: "claim" as const, owner, fingerprints: packedNos(numbers) };
}

describe("the answers of a row's homes", () => {
  const answer = fc.constantFrom<HomeAnswer>("granted", "denied", "forgotten", "unreached");

  it("[CL1] grant the row only if every one of them granted it", () => {
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 2 }), (answers) => {
        const state = stateOf(answers);
        expect(state === rowStates.granted).toBe(answers.every((one) => one === "granted"));
        expect(state === rowStates.denied).toBe(answers.includes("denied"));
      }),
    );
  });

  it("[CL5] let it pass unguarded if one has forgotten and no other denied it or stayed away", () => {
    expect(stateOf(["forgotten"])).toBe(rowStates.unguarded);
    expect(stateOf(["forgotten", "granted"])).toBe(rowStates.unguarded);
    expect(stateOf(["forgotten", "denied"])).toBe(rowStates.denied);
    expect(stateOf(["forgotten", "unreached"])).toBe(rowStates.unresolved);
    expect(stateOf(["unreached"])).toBe(rowStates.unresolved);
  });
});

describe("a home that is asked for identities", () => {
  it("[CL2] gives each to the first who asks, and to that one again", () => {
    const identities = noIdentities();
    const [one, other] = [ownerOf(1), ownerOf(2)];
    const first = decideCommit(identities, [claimOf(one, [1, 2]), claimOf(other, [2, 3])]);
    expect(grantedBy(first)).toEqual([
      [1, 1],
      [0, 1],
    ]);
    expect(first.claims).toEqual([
      { owner: one, fingerprints: packedNos([1, 2]) },
      { owner: other, fingerprints: packedNos([3]) },
    ]);
    const again = decideCommit(identities, [claimOf(other, [1, 2, 3]), claimOf(one, [1, 2, 3])]);
    expect(grantedBy(again)).toEqual([
      [0, 0, 1],
      [1, 1, 0],
    ]);
    expect(again.claims).toEqual([]);
  });

  it("[CL2] denies what it has as a row, and calls a duplicate what it has granted", () => {
    const identities = noIdentities();
    const commit = decideCommit(identities, [
      appendOf(1, 1, [rowNo(1)]),
      claimOf(ownerOf(1), [1, 2]),
      appendOf(1, 2, [rowNo(2), rowNo(3)]),
    ]);
    expect(grantedBy(commit)).toEqual([[1], [0, 1], [0, 1]]);
    expect(commit.batches[0]?.content.tally).toEqual(tallyOf([1, 3]));
  });

  it("[CL2] decides any order of claims and appends as a map of owners would", () => {
    const numbers = fc.array(fc.nat({ max: 12 }), { maxLength: 6 });
    const step = fc.record({ owner: fc.nat({ max: 3 }), numbers });
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 4 }), (commits) => {
        const identities = noIdentities();
        const owners = new Map<number, number>();
        let no = 0;
        for (const steps of commits) {
          const waiting = steps.map((one) =>
            // Owner 0 is the home itself.
            one.owner === 0
              ? appendOf(
                  1,
                  ++no,
                  one.numbers.map((each) => rowNo(each)),
                )
              : claimOf(ownerOf(one.owner), one.numbers),
          );
          const expected = steps.map((one) =>
            one.numbers.map((each) => {
              const before = owners.get(each);
              if (before === undefined) owners.set(each, one.owner);
              return before === undefined || (before === one.owner && one.owner !== 0) ? 1 : 0;
            }),
          );
          expect(grantedBy(decideCommit(identities, waiting))).toEqual(expected);
        }
        for (const owner of [1, 2, 3]) {
          const recorded = [...owners].filter(([, of]) => of === owner).map(([each]) => each);
          const { owned } = identities.ownedBy(ownerOf(owner), new Uint8Array());
          expect(owned).toEqual(tallyOf(recorded));
          expect(identities.owns(ownerOf(owner))).toBe(recorded.length > 0);
        }
      }),
    );
  });

  it("[CL2] does not deny an identity for a foreign row of its own: another home decides that one", () => {
    // The same identity with two dates, each taken in the other one's hour: two denials would lose both rows.
    const identities = noIdentities();
    const foreign = rowNo(1, { claims: claims.dated, homeHour: hourOfText("2026-11-23T09") });
    const taken = decideCommit(identities, [appendOf(1, 1, [foreign])]);
    expect(grantedBy(taken)).toEqual([[1]]);
    const claim = decideCommit(identities, [claimOf(ownerOf(1), [1]), claimOf(ownerOf(2), [1])]);
    expect(grantedBy(claim)).toEqual([[1], [0]]);
    expect(claim.claims).toEqual([{ owner: ownerOf(1), fingerprints: packedNos([1]) }]);
    expect(grantedBy(decideCommit(identities, [appendOf(1, 2, [rowNo(1)])]))).toEqual([[0]]);
  });

  it("[CL3] keeps the rows that must be claimed apart from those that are sure, as they came", () => {
    const foreign = [rowNo(2, { claims: claims.dated }), rowNo(4, { claims: claims.both, timeMs: null })];
    const commit = decideCommit(noIdentities(), [
      appendOf(1, 1, [rowNo(1), ...foreign]),
      appendOf(1, 2, [rowNo(2), rowNo(3)]),
    ]);
    expect(commit.batches.map(({ content }) => content.tally)).toEqual([tallyOf([1, 3])]);
    expect(commit.foreign.map(({ content }) => content.tally)).toEqual([tallyOf([2, 4])]);
    const kept = PackedRows.read(commit.foreign[0]?.rows ?? new Uint8Array());
    expect([0, 1].map((row) => kept?.claims(row))).toEqual([claims.dated, claims.both]);
    expect(commit.tags.map(({ accepted }) => accepted)).toEqual([tallyOf([1, 2, 4]), tallyOf([3])]);
  });

  it("[SH7] cuts foreign rows so that each run fits a SQLite row", () => {
    const rows = Array.from({ length: foreignRowsMax + 1 }, (_, no) => rowNo(no, { claims: claims.dated }));
    const { foreign } = decideCommit(noIdentities(), [appendOf(1, 1, rows)]);
    expect(foreign.map(({ content }) => content.tally.rows)).toEqual([foreignRowsMax, 1]);
    for (const run of foreign) expect(run.rows.length).toBeLessThan(sqliteRowBytesMax);
  });

  it("[CL2] answers an empty claim with nothing", () => {
    const [outcome] = decideCommit(noIdentities(), [claimOf(ownerOf(1), [])]).outcomes;
    expect(outcome satisfies ClaimOutcome | object | undefined).toEqual({ granted: new Uint8Array() });
  });
});

describe("the plan of an hour", () => {
  const other: Plan = { ...plan, shards: 3 };

  it("[CL6] is what the first one proposes, and stays so for enrolments and claims", () => {
    expect(decidePlan(null, hour, other, startOf(hour))).toEqual({
      reply: { known: true, plan: other },
      fix: true,
    });
    expect(decidePlan(other, hour, plan, startOf(hour))).toEqual({
      reply: { known: true, plan: other },
      fix: false,
    });
    const request = { protocol: protocolVersion, hour, index: indexOf(0) };
    const planned = { phase: "planned" as BucketPhase, plan: other };
    expect(decideEnrol(planned, hour, { ...request, plan }, startOf(hour)).reply).toEqual({
      enrolled: false,
      why: "wrong_plan",
      plan: other,
    });
    expect(decideEnrol(planned, hour, { ...request, plan: other }, startOf(hour))).toMatchObject({
      act: "open",
      plan: other,
    });
  });

  it("[CL5] [CL6] is not known once an hour without one is past the window; one that is fixed stays", () => {
    const past = epochMs(endOf(hour) + plan.windowMs + forgetAfterWindowMs / 2);
    expect([
      isForgotten(hour, plan.windowMs, epochMs(past - 1)),
      isForgotten(hour, plan.windowMs, past),
    ]).toEqual([false, true]);
    expect(decidePlan(null, hour, plan, past)).toEqual({ reply: { known: false }, fix: false });
    expect(decidePlan(other, hour, plan, past)).toEqual({ reply: { known: true, plan: other }, fix: false });
  });

  it("[CL4] does not concern a shard that moves its rows here from another hour", () => {
    const moving = { protocol: protocolVersion, hour: hourOfText("2026-11-23T09"), index: indexOf(7), plan };
    for (const phase of ["planned", "open"] as const) {
      expect(decideEnrol({ phase, plan: other }, hour, moving, startOf(hour)).reply).toEqual({
        enrolled: true,
        plan: other,
      });
    }
  });
});

describe("where an event without a home row is claimed", () => {
  const now = startOf(hour);

  it("[CL7] is an undated home if its date cannot be written", () => {
    for (const at of [-8.64e15, 8.64e15]) {
      expect(hasHour(epochMs(at))).toBe(false);
      expect(claimsOf(epochMs(at), now, plan.windowMs)).toBe(claims.undated);
    }
    for (const text of ["0000-01-01T00", "9999-12-31T23"]) {
      const first = startOf(hourOfText(text));
      expect([hasHour(first), hourOf(first)]).toEqual([true, text]);
    }
    expect(hasHour(epochMs(startOf(hourOfText("0000-01-01T00")) - 1))).toBe(false);
    expect(hasHour(endOf(hourOfText("9999-12-31T23")))).toBe(false);
  });

  it("[CL7] shares a home with every retry within a day", () => {
    const at = fc.integer({ min: -40 * 86_400_000, max: 10 * 86_400_000 });
    fc.assert(
      fc.property(at, fc.nat({ max: plausibleEdgeMs }), (offset, later) => {
        const timeMs = epochMs(now + offset);
        const [first, second] = [now, epochMs(now + later)].map((when) =>
          claimsOf(timeMs, when, plan.windowMs),
        );
        expect((first ?? 0) & (second ?? 0)).not.toBe(0);
      }),
    );
  });

  it("[CL7] is one of the undated homes, spread by the fingerprint", () => {
    const homes = Array.from({ length: 800 }, (_, no) => undatedHomeIndex(fingerprintNo(no), 0));
    expect(new Set(homes).size).toBe(undatedHomes);
    expect(Math.max(...homes)).toBe(undatedHomes - 1);
    const shifted = new Uint8Array([7, ...fingerprintNo(1)]);
    expect(undatedHomeIndex(shifted, 1)).toBe(undatedHomeIndex(fingerprintNo(1), 0));
  });
});
