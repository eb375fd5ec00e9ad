import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LedgerView, ledgerView, shardQueries } from "../../domain/audit.ts";
import { AppendNo } from "../../domain/ids.ts";
import { type BucketAccount, type ShardAccount, zeroCounts } from "../../domain/ledger.ts";
import type { Tally } from "../../domain/tally.ts";
import { verdictOf } from "../../domain/verdict.ts";
import { type Counters, anyHistory, countersOf, findingsOf, ledgers } from "./history.ts";
import { edgeOf, indexOf, tallyOf } from "./make.ts";

const nothing = tallyOf([]);

/** One edge that sent rows 1 to 4 to shard 0: two accepted, one duplicate, one unresolved and committed. */
function story(): Counters {
  const account: ShardAccount = {
    edge: edgeOf(1),
    index: indexOf(0),
    sentThrough: 2,
    sent: tallyOf([1, 2, 3, 4]),
    accepted: tallyOf([1, 2]),
    duplicate: tallyOf([3]),
    refused: nothing,
    unresolved: [{ no: AppendNo.parse(2), tally: tallyOf([4]) }],
    refusedAppends: [],
  };
  const base = countersOf({ shards: 1, edges: [] });
  const [shard] = base.manifest.shards;
  if (shard === undefined) throw new Error("a shard is in the manifest");
  const accepted = tallyOf([1, 2, 4]);
  return {
    accounts: [
      {
        heard: true,
        value: {
          shards: [account],
          edges: [{ edge: edgeOf(1), sentThrough: 2 }],
          events: { ...zeroCounts, received: 4, accepted: 2, duplicates: 1, failed: 1 },
          strayOutcomes: 0,
        },
      },
    ],
    manifest: { ...base.manifest, shards: [{ ...shard, accepted, delivered: accepted }] },
    answers: new Map([
      [
        indexOf(0),
        {
          heard: true,
          value: [
            {
              edge: edgeOf(1),
              known: true,
              resolved: tallyOf([1, 2]),
              unresolved: tallyOf([4]),
              unanswered: nothing,
            },
          ],
        },
      ],
    ]),
  };
}

function ledger(more: Partial<BucketAccount>, account: Partial<ShardAccount> = {}): Counters {
  const { accounts, ...rest } = story();
  const [heard] = accounts;
  if (heard?.heard !== true) throw new Error("a ledger is heard");
  const shards = heard.value.shards.map((one) => Object.assign(one, account));
  return { ...rest, accounts: [{ heard: true, value: { ...heard.value, shards, ...more } }] };
}

function sealedWith(accepted: Tally): Counters {
  const counters = story();
  const shards = counters.manifest.shards.map((one) => Object.assign(one, { accepted }));
  return { ...counters, manifest: { ...counters.manifest, shards } };
}

function answers(answer: object, known = true): Counters {
  const resolved = tallyOf([1, 2]);
  const value = [
    { edge: edgeOf(1), known, resolved, unresolved: tallyOf([4]), unanswered: nothing, ...answer },
  ];
  return { ...story(), answers: new Map([[indexOf(0), { heard: true, value }]]) };
}

/** Kind, hop, place and rows: what a finding must say. */
function said(counters: Counters): unknown[] {
  return findingsOf(counters).map(({ kind, hop, where, rows }) => [kind, hop, where, rows]);
}

const edgeToShard = `edge ${edgeOf(1)} to shard 0`;
const atShard = `shard 0, edge ${edgeOf(1)}`;
const counts = { ...zeroCounts, received: 4, accepted: 2, duplicates: 1, failed: 1 };

const forged: [name: string, counters: Counters, findings: unknown[]][] = [
  ["nothing at all", story(), []],
  [
    "[AU1] an event received and answered by nobody",
    ledger({ events: { ...counts, received: 6 } }),
    [["missing", "edge", "ledger", 2]],
  ],
  [
    "[AU1] an event answered twice",
    ledger({ events: { ...counts, refused: 1 } }),
    [["surplus", "edge", "ledger", 1]],
  ],
  ["[AU2] outcomes of unsent appends", ledger({ strayOutcomes: 3 }), [["corrupt", "edge", "ledger", 0]]],
  [
    "[AU2] a row sent and never accounted for",
    ledger({}, { sent: tallyOf([1, 2, 3, 4, 5]) }),
    [["missing", "edge", edgeToShard, 1]],
  ],
  [
    "[AU2] rows answered that were never sent",
    ledger({}, { duplicate: tallyOf([3, 5, 6]) }),
    [["surplus", "edge", edgeToShard, 2]],
  ],
  [
    "[AU2] another row than was sent",
    ledger({}, { refused: nothing, duplicate: tallyOf([5]) }),
    [["corrupt", "edge", edgeToShard, 0]],
  ],
  [
    "[AU3] an acknowledged row that the shard did not commit",
    answers({ resolved: tallyOf([1]) }),
    [
      ["missing", "edge_to_shard", atShard, 1],
      ["surplus", "shard", "shard 0", 1],
    ],
  ],
  [
    "[AU3] a committed row that was not acknowledged",
    answers({ resolved: tallyOf([1, 2, 7]) }),
    [
      ["surplus", "edge_to_shard", atShard, 1],
      ["missing", "shard", "shard 0", 1],
    ],
  ],
  [
    "[AU3] another row committed than was acknowledged",
    answers({ resolved: tallyOf([1, 7]) }),
    [
      ["corrupt", "edge_to_shard", atShard, 0],
      ["corrupt", "shard", "shard 0", 0],
    ],
  ],
  [
    "[AU3] a shard that committed nothing of what it acknowledged",
    { ...story(), answers: new Map([[indexOf(0), { heard: true, value: [] }]]) },
    [
      ["missing", "edge_to_shard", atShard, 2],
      ["surplus", "shard", "shard 0", 3],
    ],
  ],
  [
    "[AU3] rows committed and not in the manifest",
    sealedWith(tallyOf([1])),
    [["missing", "shard", "shard 0", 2]],
  ],
  [
    "[AU3] rows in the manifest that no append brought",
    sealedWith(tallyOf([1, 2, 4, 5])),
    [["surplus", "shard", "shard 0", 1]],
  ],
  [
    "[AU7] a shard that acknowledged rows and is not in the manifest",
    { ...story(), manifest: { ...story().manifest, shards: [] } },
    [
      ["missing", "enrolment", "shard 0", 3],
      ["missing", "shard", "shard 0", 3],
    ],
  ],
  [
    "[AU8] a ledger that could not be read",
    { ...story(), accounts: [...story().accounts, { heard: false, why: "away" }] },
    [["unaudited", "edge", "ledger 1", 0]],
  ],
  [
    "[AU8] a shard that could not be asked",
    { ...story(), answers: new Map([[indexOf(0), { heard: false, why: "away" }]]) },
    [["unaudited", "edge_to_shard", "shard 0", 0]],
  ],
  [
    "[AU8] rows of an edge that no ledger knows",
    {
      ...answers({ resolved: nothing, unresolved: nothing, unanswered: tallyOf([1, 2, 4]) }, false),
      accounts: [],
    },
    [["unaudited", "edge_to_shard", "shard 0", 0]],
  ],
];

describe("the audit's equations", () => {
  it.each(forged)("[AU9] name %s", (_name, counters, findings) => {
    expect(said(counters)).toEqual(findings);
  });

  it("[AU9] say what was expected and what was found", () => {
    const [finding] = findingsOf(answers({ resolved: tallyOf([1]) }));
    expect(finding).toMatchObject({
      expected: tallyOf([1, 2]),
      found: tallyOf([1]),
      detail: "2 rows acknowledged, 1 committed",
    });
  });

  it("[AU1] count what went into quarantine as answered for", () => {
    const received = (quarantined: number) =>
      ledgerView([
        {
          heard: true,
          value: {
            shards: [],
            edges: [],
            strayOutcomes: 0,
            events: { ...zeroCounts, received: 4, refused: 1, quarantined },
          },
        },
      ]).findings;
    expect(received(3)).toEqual([]);
    expect(received(2)).toMatchObject([{ kind: "missing", hop: "edge", rows: 1 }]);
  });

  it("[AU7] allow a shard that only refused to be missing in the manifest", () => {
    const refused = ledger(
      { events: { ...zeroCounts, received: 4, refused: 4 } },
      { accepted: nothing, duplicate: nothing, refused: tallyOf([1, 2, 3, 4]), unresolved: [] },
    );
    const none = new Map([[indexOf(0), { heard: true as const, value: [] }]]);
    expect(said({ ...refused, manifest: { ...refused.manifest, shards: [] }, answers: none })).toEqual([]);
  });
});

/** Every tally and every count that the equations compare, as something that can be changed. */
function countersIn({
  accounts,
  manifest,
  answers: told,
}: Counters): { label: string; change(by: number): void }[] {
  const found: { label: string; change(by: number): void }[] = [];
  const walk = (value: unknown, label: string): void => {
    if (typeof value !== "object" || value === null) return;
    if (isTally(value)) {
      const flip = (sum: string): string => (sum.endsWith("0") ? "1" : "0");
      found.push({
        label: `${label}.rows`,
        change: (by) => void Object.assign(value, { rows: value.rows + by }),
      });
      const sum = value.sum.slice(0, -1) + flip(value.sum);
      found.push({ label: `${label}.sum`, change: () => void Object.assign(value, { sum }) });
      return;
    }
    for (const [name, inner] of Object.entries(value)) {
      const path = `${label}.${name}`;
      if (label.endsWith(".events") && typeof inner === "number")
        found.push({ label: path, change: (by) => void Object.assign(value, { [name]: inner + by }) });
      else walk(inner, path);
    }
  };
  accounts.forEach((account, no) => {
    walk(account, `ledger ${no}`);
  });
  for (const [index, answer] of told) walk(answer, `shard ${index}`);
  manifest.shards.forEach((one) => {
    walk({ accepted: one.accepted }, `manifest ${one.index}`);
  });
  return found;
}

function isTally(value: object): value is { rows: number; sum: string } {
  return "rows" in value && "sum" in value && typeof value.rows === "number" && typeof value.sum === "string";
}

/** A copy of which every counter can be changed on its own. */
function copyOf({ accounts, manifest, answers: told }: Counters): Counters {
  return {
    accounts: detached(accounts),
    manifest: detached(manifest),
    answers: new Map(detached([...told])),
  };
}

/** Unlike a structured clone, it does not keep what is shared shared. */
function detached<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

describe("the audit of any history", () => {
  it("[AU9] of edges, shards, lost outcomes and dead edges that agree finds nothing", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        expect(findingsOf(countersOf(history))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("[AU9] finds any one counter that is changed, in its rows or in its sum", () => {
    fc.assert(
      fc.property(anyHistory, fc.nat(), fc.constantFrom(-1, 1, 5), (history, which, by) => {
        const counters = copyOf(countersOf(history));
        const all = countersIn(counters);
        const one = all[which % all.length];
        one?.change(by);
        const findings = findingsOf(counters);
        expect(findings.length, one?.label).toBeGreaterThan(0);
        expect(verdictOf(findings)).not.toBe("balanced");
      }),
      { numRuns: 1_000 },
    );
  });

  it("[AU8] in which one ledger cannot be read is unaudited, and nothing worse", () => {
    fc.assert(
      fc.property(anyHistory, fc.nat({ max: ledgers - 1 }), (history, away) => {
        expect(verdictOf(findingsOf(countersOf(history, away)))).toBe("unaudited");
      }),
    );
  });

  it("[AU8] in which one shard cannot be asked is unaudited, and nothing worse", () => {
    fc.assert(
      fc.property(anyHistory, fc.nat(), (history, which) => {
        const counters = countersOf(history);
        const index = [...counters.answers.keys()][which % counters.answers.size];
        if (index !== undefined) counters.answers.set(index, { heard: false, why: "away" });
        expect(verdictOf(findingsOf(counters))).toBe("unaudited");
      }),
    );
  });

  it("[AU3] [AU7] asks every shard of the manifest and of the ledger about every edge", () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const { accounts, manifest } = countersOf(history);
        const view = ledgerView(accounts);
        const queries = shardQueries({ ...manifest, shards: manifest.shards.slice(1) }, view);
        const named = new Set([
          ...manifest.shards.slice(1).map(({ index }) => index),
          ...view.shards.map(({ index }) => index),
        ]);
        expect([...queries.keys()]).toEqual([...named].toSorted((a, b) => a - b));
        for (const [index, list] of queries) {
          expect(list.map(({ edge }) => edge)).toEqual(view.edges.map(({ edge }) => edge));
          expect(list.flatMap(({ unresolved }) => unresolved)).toHaveLength(openAt(view, index));
        }
      }),
    );
  });
});

function openAt(view: LedgerView, index: number): number {
  return view.shards.reduce((sum, one) => {
    return one.index === index ? sum + one.unresolved.length + one.refusedAppends.length : sum;
  }, 0);
}
