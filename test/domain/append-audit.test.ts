import { describe, expect, it } from "vitest";
import { type EdgeQuery, classifyAppends } from "../../domain/append-audit.ts";
import type { AppendTag } from "../../domain/commit.ts";
import { AppendNo } from "../../domain/ids.ts";
import { edgeOf, tallyOf } from "./make.ts";

const nothing = tallyOf([]);

function tag(edge: number, no: number, numbers: readonly number[]): AppendTag {
  return { edge: edgeOf(edge), no: AppendNo.parse(no), accepted: tallyOf(numbers) };
}

function query(edge: number, sentThrough: number, unresolved: readonly number[] = []): EdgeQuery {
  return { edge: edgeOf(edge), sentThrough, unresolved: unresolved.map((no) => AppendNo.parse(no)) };
}

describe("classifyAppends", () => {
  it("[LE5] tells committed appends with an outcome, without one, and past what was reported apart", () => {
    const tags = [tag(1, 1, [1]), tag(1, 2, [2, 3]), tag(1, 3, [4]), tag(1, 4, [5]), tag(1, 5, [6])];
    expect(classifyAppends(tags, [query(1, 4, [2, 4])])).toEqual([
      {
        edge: edgeOf(1),
        known: true,
        resolved: tallyOf([1, 4]),
        unresolved: tallyOf([2, 3, 5]),
        unanswered: tallyOf([6]),
      },
    ]);
  });

  it("[LE5] takes the last append that was reported for reported, and the next one not", () => {
    const [answer] = classifyAppends([tag(1, 3, [1]), tag(1, 4, [2])], [query(1, 3)]);
    expect(answer).toMatchObject({ resolved: tallyOf([1]), unanswered: tallyOf([2]) });
  });

  it("[AU8] says which edges the ledger does not know", () => {
    expect(classifyAppends([tag(2, 1, [1]), tag(1, 1, [2])], [query(1, 1)])).toEqual([
      { edge: edgeOf(2), known: false, resolved: nothing, unresolved: nothing, unanswered: tallyOf([1]) },
      { edge: edgeOf(1), known: true, resolved: tallyOf([2]), unresolved: nothing, unanswered: nothing },
    ]);
  });

  it("[LE5] keeps edges apart, and says nothing of one that committed nothing", () => {
    const tags = [tag(1, 1, [1]), tag(2, 1, [2]), tag(1, 2, [3])];
    const answers = classifyAppends(tags, [query(1, 2), query(2, 1, [1]), query(3, 5, [1])]);
    expect(answers.map(({ edge, resolved, unresolved }) => [edge, resolved, unresolved])).toEqual([
      [edgeOf(1), tallyOf([1, 3]), nothing],
      [edgeOf(2), nothing, tallyOf([2])],
    ]);
    expect(classifyAppends([], [query(1, 2)])).toEqual([]);
  });
});
