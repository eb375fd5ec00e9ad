import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Claimed, Identities } from "../../domain/identities.ts";
import { fingerprintNo, ownerOf, packedNos, tallyOf } from "./make.ts";

/** Identities by number: `home` and `foreign` are rows, a number is a claim of that owner. */
const step = fc.record({
  by: fc.constantFrom("home" as const, "foreign" as const, 1, 2, 3),
  no: fc.nat({ max: 12 }),
});

type Answer = Claimed | boolean;

/** What a home answers, kept in sets and a map. */
class Model {
  readonly rows: number[] = [];
  readonly foreign: number[] = [];
  readonly owners = new Map<number, number>();

  answer({ by, no }: { by: "home" | "foreign" | number; no: number }): Answer {
    const seen = this.rows.includes(no) || this.owners.has(no);
    if (typeof by !== "number") {
      if (seen) return false;
      this.rows.push(no);
      if (by === "foreign") this.foreign.push(no);
      return true;
    }
    const owner = this.owners.get(no);
    if (owner !== undefined) return owner === by ? "granted_before" : "denied";
    if (seen && !this.foreign.includes(no)) return "denied";
    this.owners.set(no, by);
    return "granted";
  }

  ownedBy(owner: number): number[] {
    return [...this.owners].flatMap(([no, of]) => (of === owner ? [no] : []));
  }

  /** A home that wakes with what this one would have stored, a claim a row of its own. */
  woken(): Identities {
    return Identities.restore({
      rows: [packedNos(this.rows)],
      foreign: this.foreign.map((no) => packedNos([no])),
      claims: [...this.owners].map(([no, of]) => ({ owner: ownerOf(of), fingerprints: packedNos([no]) })),
    });
  }
}

describe("the identities of a home", () => {
  it("[SH4] [CL2] are decided as sets and a map of owners would, and the same after a wake", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.array(step, { maxLength: 40 }), (before, after) => {
        const model = new Model();
        let identities = new Identities();
        const answer = ({ by, no }: (typeof before)[number]): Answer =>
          typeof by === "number"
            ? identities.claim(fingerprintNo(no), ownerOf(by))
            : identities.addRow(fingerprintNo(no), 0, by === "foreign");
        for (const one of before) expect(answer(one)).toBe(model.answer(one));
        identities = model.woken();
        for (const one of after) expect(answer(one)).toBe(model.answer(one));
        expect(identities.size).toBe(new Set([...model.rows, ...model.owners.keys()]).size);
        for (const owner of [1, 2, 3, 4]) {
          const owned = model.ownedBy(owner);
          expect(identities.owns(ownerOf(owner))).toBe(owned.length > 0);
          const asked = packedNos([0, 1, 99]);
          expect(identities.ownedBy(ownerOf(owner), asked)).toEqual({
            owned: tallyOf(owned),
            known: [0, 1, 99].filter((no) => model.rows.includes(no) || model.owners.has(no)).length,
          });
        }
      }),
    );
  });

  it("[CL2] counts an owner from the first identity that it was granted, not from the first that it asked for", () => {
    const identities = new Identities();
    identities.addRow(fingerprintNo(1), 0, false);
    expect([identities.claim(fingerprintNo(1), ownerOf(1)), identities.owns(ownerOf(1))]).toEqual([
      "denied",
      false,
    ]);
    expect([identities.claim(fingerprintNo(2), ownerOf(1)), identities.owns(ownerOf(1))]).toEqual([
      "granted",
      true,
    ]);
  });

  it("[SH11] [CL2] take no more memory the more owners have them", () => {
    const claimed = (owners: number): Identities => {
      const identities = new Identities();
      for (let no = 0; no < 5_000; no++) identities.claim(fingerprintNo(no), ownerOf(no % owners));
      return identities;
    };
    expect(claimed(1_000).tableBytes).toBe(5_120 * 20 + 8_192 * 4);
    expect(claimed(1).tableBytes).toBe(claimed(1_000).tableBytes);
  });
});
