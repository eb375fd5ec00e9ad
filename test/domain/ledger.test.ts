import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppendNo, EventType } from "../../domain/ids.ts";
import {
  type EdgeAccount,
  Report,
  accountOfBucket,
  addCounts,
  decideReport,
  foldReport,
  openAccount,
  zeroCounts,
} from "../../domain/ledger.ts";
import { edgeOf, hour, indexOf, tallyOf, type } from "./make.ts";

const otherType = EventType.parse("0/other");
const nothing = tallyOf([]);

function reportOf(no: number, more: Partial<Report> = {}): Report {
  return { edge: edgeOf(1), hour, no, sent: [], outcomes: [], events: [], ...more };
}

function sentOf(no: number, index: number, numbers: readonly number[], of = type): Report["sent"][number] {
  return { no: AppendNo.parse(no), type: of, index: indexOf(index), tally: tallyOf(numbers) };
}

function outcomeOf(
  no: number,
  accepted: readonly number[],
  duplicate: readonly number[] = [],
  refused: readonly number[] = [],
): Report["outcomes"][number] {
  return {
    no: AppendNo.parse(no),
    accepted: tallyOf(accepted),
    duplicate: tallyOf(duplicate),
    refused: tallyOf(refused),
  };
}

/** Takes reports as a ledger object does. */
function fold(reports: readonly Report[], account: EdgeAccount = openAccount(edgeOf(1))): EdgeAccount {
  for (const report of reports) if (decideReport(account, report.no) === "take") foldReport(account, report);
  return account;
}

describe("reports", () => {
  it("[LE3] are taken in order, once; one after a gap is refused", () => {
    const account = openAccount(edgeOf(1));
    expect(decideReport(account, 2)).toBe("gap");
    expect(decideReport(account, 1)).toBe("take");
    foldReport(account, reportOf(1));
    expect([1, 2, 3].map((no) => decideReport(account, no))).toEqual(["taken_already", "take", "gap"]);
    foldReport(account, reportOf(2));
    expect([1, 2, 3, 4].map((no) => decideReport(account, no))).toEqual([
      "taken_already",
      "taken_already",
      "take",
      "gap",
    ]);
  });

  it("[LE1] of an edge that opened no account are refused", () => {
    expect(decideReport(undefined, 1)).toBe("unknown_edge");
  });

  it("[LE3] repeated in any way change nothing", () => {
    const reports = [
      reportOf(1, {
        sent: [sentOf(1, 0, [1, 2]), sentOf(2, 1, [3])],
        events: [[type, { ...zeroCounts, received: 3 }]],
      }),
      reportOf(2, { sent: [sentOf(3, 0, [4])], outcomes: [outcomeOf(1, [1], [2])] }),
      reportOf(3, {
        outcomes: [outcomeOf(3, [], [], [4])],
        events: [[type, { ...zeroCounts, accepted: 1 }]],
      }),
    ];
    const once = fold(reports);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 20 }), (repeats) => {
        const told = [...repeats, 0, ...repeats, 1, ...repeats, 2, ...repeats].flatMap(
          (no) => reports[no] ?? [],
        );
        expect(fold(told)).toEqual(once);
      }),
    );
  });

  it("[LE3] are only what a report looks like", () => {
    const wrong: object[] = [
      { no: 0 },
      { edge: "x" },
      { hour: "2026-11-23T24" },
      { sent: [{}] },
      { more: 1 },
    ];
    expect(Report.safeParse(reportOf(1, { sent: [sentOf(1, 0, [1])] })).success).toBe(true);
    expect(wrong.filter((more) => Report.safeParse({ ...reportOf(1), ...more }).success)).toEqual([]);
  });
});

describe("an edge's account", () => {
  it("[AU2] adds up, per shard and stream, what was sent and what became of it", () => {
    const account = fold([
      reportOf(1, {
        sent: [sentOf(1, 0, [1, 2]), sentOf(2, 0, [3]), sentOf(3, 1, [4]), sentOf(4, 0, [9], otherType)],
      }),
      reportOf(2, { outcomes: [outcomeOf(1, [1], [2]), outcomeOf(3, [], [], [4]), outcomeOf(4, [9])] }),
      reportOf(3, { sent: [sentOf(5, 0, [5])], outcomes: [outcomeOf(5, [5])] }),
    ]);
    const { shards } = accountOfBucket([account], type);
    expect(shards).toEqual([
      {
        edge: edgeOf(1),
        index: 0,
        sentThrough: 5,
        sent: tallyOf([1, 2, 3, 5]),
        accepted: tallyOf([1, 5]),
        duplicate: tallyOf([2]),
        refused: nothing,
        unresolved: [{ no: 2, tally: tallyOf([3]) }],
        refusedAppends: [],
      },
      {
        edge: edgeOf(1),
        index: 1,
        sentThrough: 5,
        sent: tallyOf([4]),
        accepted: nothing,
        duplicate: nothing,
        refused: tallyOf([4]),
        unresolved: [],
        refusedAppends: [3],
      },
    ]);
    expect(accountOfBucket([account], otherType).shards).toMatchObject([
      { index: 0, accepted: tallyOf([9]) },
    ]);
  });

  it("[LE5] keeps an append unresolved until its outcome is told", () => {
    const sent = [sentOf(1, 0, [1]), sentOf(2, 0, [2]), sentOf(3, 0, [3], otherType)];
    const account = fold([reportOf(1, { sent })]);
    const open = (): number[] =>
      accountOfBucket([account], type).shards.flatMap(({ unresolved }) => unresolved.map(({ no }) => no));
    expect(open()).toEqual([1, 2]);
    fold([reportOf(2, { outcomes: [outcomeOf(1, [1])] })], account);
    expect(open()).toEqual([2]);
    fold([reportOf(3, { outcomes: [outcomeOf(2, [], [2])] })], account);
    expect(open()).toEqual([]);
  });

  it("[AU2] counts an outcome without its append as a contradiction, and adds it to nothing", () => {
    const account = fold([
      reportOf(1, { outcomes: [outcomeOf(1, [1])] }),
      reportOf(2, { sent: [sentOf(1, 0, [1])], outcomes: [outcomeOf(1, [1]), outcomeOf(1, [1])] }),
    ]);
    expect(account.strayOutcomes).toBe(2);
    expect(accountOfBucket([account], type)).toMatchObject({
      strayOutcomes: 2,
      shards: [{ sent: tallyOf([1]), accepted: tallyOf([1]), unresolved: [] }],
    });
  });

  it("[LE4] knows the last append that it was told of, and edges that told nothing", () => {
    const silent = openAccount(edgeOf(2));
    const account = fold([reportOf(1, { sent: [sentOf(7, 0, [1]), sentOf(6, 0, [2])] }), reportOf(2)]);
    expect(accountOfBucket([account, silent], type).edges).toEqual([
      { edge: edgeOf(1), sentThrough: 7 },
      { edge: edgeOf(2), sentThrough: 0 },
    ]);
    expect(accountOfBucket([silent], type).shards).toEqual([]);
  });

  it("[AU1] adds up events by type, over reports and edges", () => {
    const counts = (received: number, failed: number) => ({ ...zeroCounts, received, failed });
    const one = fold([
      reportOf(1, {
        events: [
          [type, counts(3, 1)],
          [otherType, counts(8, 0)],
        ],
      }),
      reportOf(2, { events: [[type, counts(4, 0)]] }),
    ]);
    const two = fold([reportOf(1, { events: [[type, counts(10, 5)]] })], openAccount(edgeOf(2)));
    expect(accountOfBucket([one, two], type).events).toEqual(counts(17, 6));
    expect(accountOfBucket([one, two], otherType).events).toEqual(counts(8, 0));
    expect(accountOfBucket([one], EventType.parse("none")).events).toEqual(zeroCounts);
    const quarantined = { ...zeroCounts, received: 2, quarantined: 2 };
    expect(addCounts(quarantined, { ...zeroCounts, quarantined: 1 })).toMatchObject({ quarantined: 3 });
    expect(addCounts(zeroCounts, zeroCounts)).not.toHaveProperty("quarantined");
    const every = { received: 1, accepted: 2, duplicates: 3, refused: 4, failed: 5 };
    expect(addCounts(every, every)).toEqual({
      received: 2,
      accepted: 4,
      duplicates: 6,
      refused: 8,
      failed: 10,
    });
  });
});
