import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Commit,
  type WaitingAppend,
  countOfNextCommit,
  decideCommit,
  packTags,
  tagBytes,
  unpackTags,
} from "../../domain/commit.ts";
import { AppendNo } from "../../domain/ids.ts";
import {
  appendsPerCommitMax,
  batchPayloadBytesMax,
  batchRowsMax,
  commitBytesMax,
  eventBytesMax,
  sqliteRowBytesMax,
} from "../../domain/limits.ts";
import { headerBytes } from "../../domain/packed-rows.ts";
import { addContents } from "../../domain/part-content.ts";
import {
  appendOf,
  edgeOf,
  fingerprintNo,
  hexOf,
  noIdentities,
  packed,
  rowNo,
  tallyOf,
  textOf,
} from "./make.ts";

/** Commits, each of some appends, each of some event numbers: few numbers, so that duplicates are everywhere. */
const history = fc.array(fc.array(fc.array(fc.nat({ max: 25 }), { maxLength: 8 }), { maxLength: 5 }), {
  maxLength: 5,
});

function appendsOf(commit: readonly (readonly number[])[], firstNo: number): WaitingAppend[] {
  return commit.map((numbers, index) =>
    appendOf(
      index % 3,
      firstNo + index,
      numbers.map((no) => rowNo(no)),
    ),
  );
}

function payloadOf(commit: Commit): string {
  return commit.batches.map(({ payload }) => textOf(payload)).join("");
}

/** `count` rows of `lineBytes` each, of identities that no other run has. */
function bigRows(count: number, lineBytes: number, first = 0): WaitingAppend["rows"] {
  const line = `${"x".repeat(lineBytes - 1)}\n`;
  return packed(
    Array.from({ length: count }, (_, index) => {
      const fingerprint = new Uint8Array(16);
      new DataView(fingerprint.buffer).setUint32(0, first + index + 1);
      return rowNo(0, { fingerprint, line });
    }),
  );
}

function bigAppend(no: number, rows: WaitingAppend["rows"]): WaitingAppend {
  return { kind: "append", edge: edgeOf(1), no: AppendNo.parse(no), rows };
}

describe("decideCommit", () => {
  it("[SH3] [SH4] decides as a plain set would, inside an append, across appends and across commits", () => {
    fc.assert(
      fc.property(history, (commits) => {
        const identities = noIdentities();
        const model = new Set<number>();
        let firstNo = 1;
        for (const numbers of commits) {
          const appends = appendsOf(numbers, firstNo);
          firstNo += appends.length;
          const expected = numbers.map((list) =>
            list.map((no) => {
              const fresh = !model.has(no);
              model.add(no);
              return { no, fresh };
            }),
          );
          const commit = decideCommit(identities, appends);
          const accepted = expected.map((rows) => rows.filter(({ fresh }) => fresh).map(({ no }) => no));
          expect(commit.outcomes).toEqual(
            expected.map((rows, index) => ({
              accepted: tallyOf(accepted[index] ?? []),
              duplicates: rows.filter(({ fresh }) => !fresh).length,
              acceptedRows: new Uint8Array(rows.map(({ fresh }) => (fresh ? 1 : 0))),
            })),
          );
          expect(commit.duplicates).toBe(expected.flat().filter(({ fresh }) => !fresh).length);
          expect(payloadOf(commit)).toBe(
            accepted
              .flat()
              .map((no) => rowNo(no).line)
              .join(""),
          );
          expect(commit.batches.map(({ fingerprints }) => hexOf(fingerprints)).join("")).toBe(
            accepted
              .flat()
              .map((no) => hexOf(fingerprintNo(no)))
              .join(""),
          );
          expect(addContents(commit.batches.map(({ content }) => content)).tally).toEqual(
            tallyOf(accepted.flat()),
          );
          expect(commit.tags).toEqual(
            appends.flatMap(({ edge, no }, index) => {
              const rows = accepted[index] ?? [];
              return rows.length === 0 ? [] : [{ edge, no, accepted: tallyOf(rows) }];
            }),
          );
        }
        expect(identities.size).toBe(model.size);
      }),
    );
  });

  it("[SH7] cuts rows of any length into batches within their limits, and loses none", () => {
    const lengths = fc.array(fc.integer({ min: 2, max: 500_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lengths, (list) => {
        const appends = list.map((lineBytes, index) =>
          bigAppend(index + 1, bigRows(1, lineBytes, index * 100)),
        );
        const { batches } = decideCommit(noIdentities(), appends);
        for (const { content, payload, fingerprints } of batches) {
          expect(payload.length).toBeLessThanOrEqual(batchPayloadBytesMax);
          expect([payload.length, fingerprints.length]).toEqual([
            content.plainBytes,
            content.tally.rows * 16,
          ]);
        }
        const total = addContents(batches.map(({ content }) => content));
        expect([total.tally.rows, total.plainBytes]).toEqual([list.length, list.reduce((a, b) => a + b, 0)]);
        // Cut only where it must be: a batch and the row after it do not fit together.
        batches.slice(1).forEach((next, index) => {
          const first = next.payload.indexOf(10) + 1;
          expect((batches[index]?.payload.length ?? 0) + first).toBeGreaterThan(batchPayloadBytesMax);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("[SH7] fills a batch to its bytes and not one past", () => {
    const half = batchPayloadBytesMax / 2;
    const batchesOf = (first: number, second: number): number[] => {
      const appends = [bigAppend(1, bigRows(1, first)), bigAppend(2, bigRows(1, second, 10))];
      return decideCommit(noIdentities(), appends).batches.map(({ payload }) => payload.length);
    };
    expect(batchesOf(half, half)).toEqual([batchPayloadBytesMax]);
    expect(batchesOf(half, half + 1)).toEqual([half, half + 1]);
  });

  it("[SH7] fills a batch to its rows and not one past", () => {
    const rowsOf = (count: number): number[] => {
      const commit = decideCommit(noIdentities(), [bigAppend(1, bigRows(count, 1))]);
      return commit.batches.map(({ content }) => content.tally.rows);
    };
    expect(rowsOf(batchRowsMax)).toEqual([batchRowsMax]);
    expect(rowsOf(batchRowsMax + 1)).toEqual([batchRowsMax, 1]);
  });

  it("[SH7] leaves a batch with everything in it below a SQLite row", () => {
    const rows = bigRows(batchRowsMax, batchPayloadBytesMax / batchRowsMax);
    const { batches, tags } = decideCommit(noIdentities(), [bigAppend(1, rows)]);
    const [batch] = batches;
    expect(batches).toHaveLength(1);
    const tagsBytes = packTags(tags).length * appendsPerCommitMax;
    const bytes = (batch?.payload.length ?? 0) + (batch?.fingerprints.length ?? 0) + tagsBytes;
    expect(bytes + JSON.stringify(batch?.content).length + 32).toBeLessThanOrEqual(sqliteRowBytesMax);
  });

  it("[EV6] gives the largest event a batch of its own", () => {
    const appends = [bigAppend(1, bigRows(1, 200_000)), bigAppend(2, bigRows(1, eventBytesMax + 10_000, 5))];
    const { batches } = decideCommit(noIdentities(), appends);
    expect(batches.map(({ payload }) => payload.length)).toEqual([200_000, eventBytesMax + 10_000]);
  });

  it("[SH3] decides nothing of nothing", () => {
    const nothing = { outcomes: [], batches: [], foreign: [], claims: [], tags: [], duplicates: 0 };
    expect(decideCommit(noIdentities(), [])).toEqual(nothing);
    const empty = decideCommit(noIdentities(), [appendOf(1, 1, [])]);
    expect(empty).toMatchObject({ batches: [], tags: [], duplicates: 0 });
    expect(empty.outcomes).toEqual([
      { accepted: tallyOf([]), duplicates: 0, acceptedRows: new Uint8Array() },
    ]);
  });
});

describe("countOfNextCommit", () => {
  it("[SH5] takes everything that waits, to the limits of bytes and count", () => {
    const small = appendOf(1, 1, [rowNo(1)]);
    const waiting = (count: number): WaitingAppend[] => Array.from({ length: count }, () => small);
    expect([0, 1, 2, 100].map((count) => countOfNextCommit(waiting(count)))).toEqual([0, 1, 2, 100]);
    expect(countOfNextCommit(waiting(appendsPerCommitMax))).toBe(appendsPerCommitMax);
    expect(countOfNextCommit(waiting(appendsPerCommitMax + 1))).toBe(appendsPerCommitMax);
  });

  it("[SH5] stops at the bytes of a commit, and takes one append that is larger alone", () => {
    const quarter = bigAppend(1, bigRows(1, commitBytesMax / 4 - 4 - headerBytes));
    expect(quarter.rows.bytes.length).toBe(commitBytesMax / 4);
    expect(countOfNextCommit([quarter, quarter, quarter, quarter])).toBe(4);
    expect(countOfNextCommit([quarter, quarter, quarter, quarter, appendOf(1, 2, [])])).toBe(4);
    const larger = bigAppend(2, bigRows(1, commitBytesMax));
    expect(countOfNextCommit([larger, quarter])).toBe(1);
    expect(countOfNextCommit([quarter, larger])).toBe(1);
  });
});

describe("append tags", () => {
  it("[LE5] are packed and read back, the largest numbers too", () => {
    const tag = fc.record({
      edge: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
      no: fc.integer({ min: 1, max: 0xffff_ffff }),
      rows: fc.integer({ min: 0, max: 0xffff_ffff }),
      sum: fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
    });
    const hex = (value: bigint): string => value.toString(16).padStart(16, "0");
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 8 }), fc.nat({ max: 5 }), (list, offset) => {
        const tags = list.map(({ edge, no, rows, sum }) => ({
          edge: hex(edge),
          no,
          accepted: { rows, sum: hex(sum) },
        }));
        const bytes = packTags(tags as Parameters<typeof packTags>[0][number][]);
        expect(bytes).toHaveLength(list.length * tagBytes);
        const within = new Uint8Array([...new Uint8Array(offset), ...bytes]);
        expect(unpackTags(within.subarray(offset))).toEqual(tags);
      }),
    );
  });
});
