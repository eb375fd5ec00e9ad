import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChainReport, ChainWalk, type FoundManifest } from "../../domain/chain.ts";
import {
  type ChainHead,
  type Digest,
  type VerifiedBucket,
  digestAfter,
  digestKey,
  digestOfText,
  digestText,
  emptyChain,
} from "../../domain/digest.ts";
import { epochMs, hourOf, isoOf } from "../../domain/hour.ts";
import { manifestKey } from "../../domain/manifest.ts";
import { tallyOf, type } from "./make.ts";

const startMs = Date.parse("2026-11-23T10:00:00Z");

/** Hour number `no` of the test's stream, sealed ten minutes after its end unless told otherwise. */
function manifestNo(no: number, sealedHourNo = no + 1): FoundManifest & VerifiedBucket {
  const address = { type, hour: hourOf(epochMs(startMs + no * 3_600_000)) };
  const sha256 = shaOf(`manifest ${no}`);
  return {
    ...address,
    key: manifestKey(address),
    sha256,
    sealedAt: isoOf(epochMs(startMs + sealedHourNo * 3_600_000 + 600_000)),
    address,
    manifestSha256: sha256,
    verdict: "balanced",
    tally: tallyOf([no]),
  };
}

function shaOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The texts of a chain whose digests list these hours. */
function chainOf(listed: readonly (readonly number[])[]): string[] {
  let head: ChainHead = emptyChain;
  return listed.map((numbers) => {
    const text = digestText(
      digestAfter(
        head,
        numbers.map((no) => manifestNo(no)),
        epochMs(startMs),
      ),
    );
    head = { sequence: head.sequence + 1, sha256: shaOf(text) };
    return text;
  });
}

/** Walks these objects; a null one is not there. */
function walk(texts: readonly (string | null)[], manifests: readonly FoundManifest[]): ChainReport {
  const chain = new ChainWalk();
  for (const [index, text] of texts.entries()) {
    if (text !== null) chain.add(digestKey(index + 1), shaOf(text), digestOfText(text));
  }
  return chain.finish(manifests);
}

function named({ faults }: ChainReport): string[] {
  return faults.map(({ kind, where }) => `${kind} ${where}`);
}

function forged(text: string, change: (digest: Digest) => void): string {
  const digest = digestOfText(text);
  if (digest === null) throw new Error("not a digest");
  change(digest);
  return digestText(digest);
}

const all = [0, 1, 2, 3, 4].map((no) => manifestNo(no));
const texts = chainOf([[0], [1, 2], [3], [4]]);
const key = (no: number): string => manifestNo(no).key;

it("[DG7] a sound chain has no fault", () => {
  const report = walk(texts, all);
  expect(report).toEqual({
    digests: 4,
    newest: { sequence: 4, sha256: shaOf(texts[3] ?? "") },
    listed: 5,
    expired: 0,
    faults: [],
    waiting: 0,
  });
});

it("[DG3] a bucket may be listed again, with another verdict", () => {
  const again = chainOf([[0, 1], [1], [1, 2]]);
  expect(walk(again, all.slice(0, 3))).toMatchObject({ listed: 3, faults: [] });
});

describe("[DG7] the walk names", () => {
  it("a manifest that is missing, by the digest that lists it", () => {
    const report = walk(texts, [...all.slice(0, 2), ...all.slice(3)]);
    expect(named(report)).toEqual([`missing ${key(2)}`]);
    expect(report.faults[0]?.detail).toBe("digest 2 lists it as balanced with 1 rows, and it is not there");
  });

  it("a manifest that is altered", () => {
    const altered = all.map((manifest, no) =>
      no === 3 ? { ...manifest, sha256: shaOf("other") } : manifest,
    );
    expect(named(walk(texts, altered))).toEqual([`altered ${key(3)}`]);
  });

  it("the first fault first, in the order in which the auditor wrote", () => {
    const altered = all.map((manifest, no) =>
      no === 1 ? { ...manifest, sha256: shaOf("other") } : manifest,
    );
    const report = walk([texts[0] ?? "", texts[1] ?? "", "{}", texts[3] ?? ""], altered.slice(1));
    expect(named(report).slice(0, 3)).toEqual([
      `missing ${key(0)}`,
      `altered ${key(1)}`,
      `altered ${digestKey(3)}`,
    ]);
  });

  it.each([1, 2, 3])("digest %d if it is missing, once, with those after it", (no) => {
    const report = walk(
      texts.map((text, index) => (index + 1 === no ? null : text)),
      all,
    );
    expect(named(report)[0]).toBe(`missing ${digestKey(no)}`);
    expect(named(report).filter((fault) => fault.includes("digests/"))).toHaveLength(1);
  });

  it("several missing digests by the first of them", () => {
    const report = walk([texts[0] ?? "", null, null, texts[3] ?? ""], all);
    expect(report.faults[0]).toEqual({
      kind: "missing",
      where: digestKey(2),
      detail: "it is not there, nor are those up to number 3, though a later one is",
    });
  });

  it("a digest that was forged to fit a forged manifest, by the digest after it", () => {
    const forgery = forged(texts[1] ?? "", ({ buckets }) => {
      for (const entry of buckets) entry.manifestSha256 = shaOf("forged");
    });
    const manifests = all.map((manifest, no) =>
      no === 1 || no === 2 ? { ...manifest, sha256: shaOf("forged") } : manifest,
    );
    expect(named(walk([texts[0] ?? "", forgery, ...texts.slice(2)], manifests))).toEqual([
      `altered ${digestKey(2)}`,
    ]);
  });

  it("a digest that is altered in any place", () => {
    const text = texts[1] ?? "";
    fc.assert(
      fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom("0", "x", " ", '"'), (at, char) => {
        fc.pre(text[at] !== char);
        const bad = text.slice(0, at) + char + text.slice(at + 1);
        expect(named(walk([texts[0] ?? "", bad, ...texts.slice(2)], all))).toContain(
          `altered ${digestKey(2)}`,
        );
      }),
    );
  });

  it("a digest under another's number", () => {
    const [first = "", second = "", third = ""] = texts;
    expect(named(walk([first, third, second, texts[3] ?? ""], all))[0]).toBe(`altered ${digestKey(2)}`);
  });

  it("a first digest that names one before it", () => {
    const bad = forged(texts[0] ?? "", (digest) => (digest.previous = shaOf("nothing")));
    expect(named(walk([bad], all.slice(0, 1)))).toEqual([`altered ${digestKey(1)}`]);
  });

  it("a digest that lists another object as a bucket's manifest", () => {
    const bad = forged(texts[3] ?? "", ({ buckets }) => {
      for (const entry of buckets) entry.manifestKey = key(0);
    });
    expect(named(walk([...texts.slice(0, 3), bad], all.slice(0, 4)))).toEqual([`altered ${digestKey(4)}`]);
  });

  it("a digest that contradicts an earlier one", () => {
    const bad = forged(chainOf([[0], [0]])[1] ?? "", ({ buckets }) => {
      for (const entry of buckets) entry.manifestSha256 = shaOf("other");
    });
    expect(named(walk([texts[0] ?? "", bad], all.slice(0, 1)))).toEqual([`altered ${digestKey(2)}`]);
  });

  it("objects that are no digests", () => {
    const chain = new ChainWalk();
    chain.add("digests/readme.txt", shaOf(""), null);
    expect(named(chain.finish([]))).toEqual(["surplus digests/readme.txt"]);
  });
});

describe("[DG8] a manifest that no digest lists", () => {
  it("is a note while no later hour of its stream is listed", () => {
    expect(walk(texts, [...all, manifestNo(5), manifestNo(6)])).toMatchObject({ faults: [], waiting: 2 });
    expect(walk([], all)).toMatchObject({ digests: 0, faults: [], waiting: 5 });
  });

  it("is a fault once an hour that was sealed after it is", () => {
    const report = walk(chainOf([[0], [2]]), all.slice(0, 3));
    expect(named(report)).toEqual([`unlisted ${key(1)}`]);
    expect(report.faults[0]?.detail).toBe(
      "no digest lists it, though digest 2 lists 2026-11-23T12, which was sealed later",
    );
  });

  it("is a note if it was sealed after the later hours", () => {
    const late = manifestNo(1, 9);
    expect(walk(chainOf([[0], [2]]), [manifestNo(0), late, manifestNo(2)])).toMatchObject({
      faults: [],
      waiting: 1,
    });
  });

  it("is a fault if it does not say when it was sealed", () => {
    const report = walk(chainOf([[0], [2]]), [
      manifestNo(0),
      { ...manifestNo(1), sealedAt: null },
      manifestNo(2),
    ]);
    expect(named(report)).toEqual([`unlisted ${key(1)}`]);
  });

  it("is not judged by other streams", () => {
    const other = { ...manifestNo(0), key: "events/type=other/x/_manifest.json", type: "other" };
    expect(walk(texts, [...all, other])).toMatchObject({ faults: [], waiting: 1 });
  });
});

describe("[EX4] an hour that a digest lists as expired", () => {
  /** A chain that lists hour 0 as these, one digest after the other. */
  function chainWith(verdicts: readonly VerifiedBucket["verdict"][]): string[] {
    let head: ChainHead = emptyChain;
    return verdicts.map((verdict) => {
      const text = digestText(digestAfter(head, [{ ...manifestNo(0), verdict }], epochMs(startMs)));
      head = { sequence: head.sequence + 1, sha256: shaOf(text) };
      return text;
    });
  }
  function walkOf(digests: readonly string[]): ChainWalk {
    const chain = new ChainWalk();
    for (const [index, text] of digests.entries())
      chain.add(digestKey(index + 1), shaOf(text), digestOfText(text));
    return chain;
  }
  const { sha256 } = manifestNo(0);

  it("has expired, with that manifest and no other, whatever is listed after", () => {
    for (const verdicts of [["balanced", "expired"] as const, ["balanced", "expired", "missing"] as const]) {
      const chain = walkOf(chainWith(verdicts));
      expect(chain.hasExpired(key(0), sha256)).toBe(true);
      expect(chain.hasExpired(key(0), shaOf("another"))).toBe(false);
      expect(chain.hasExpired(key(1), manifestNo(1).sha256)).toBe(false);
      expect(chain.finish([manifestNo(0)])).toMatchObject({ listed: 1, expired: 1, faults: [] });
    }
  });

  it("still has to have its manifest", () => {
    expect(named(walkOf(chainWith(["balanced", "expired"])).finish([]))).toEqual([`missing ${key(0)}`]);
  });

  it.each([[["expired"]], [["missing", "expired"]]] as const)(
    "has not, and the digest is at fault, if none before it lists it as balanced: %j",
    (verdicts) => {
      const chain = walkOf(chainWith(verdicts));
      expect(chain.hasExpired(key(0), sha256)).toBe(false);
      const report = chain.finish([manifestNo(0)]);
      expect(named(report)).toEqual([`altered ${digestKey(verdicts.length)}`]);
      expect(report.faults[0]?.detail).toContain("no digest before it lists it as balanced");
    },
  );
});
