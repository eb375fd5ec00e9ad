/** How requests share appends; what an append does is not looked at here. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { epochMs, hourOf } from "../../domain/hour.ts";
import type { EventType, ShardIndex } from "../../domain/ids.ts";
import {
  appendsUnderWayMax,
  laneBytesMax,
  laneCrowd,
  laneDeadlineMs,
  laneLoneMax,
  laneLookMs,
  laneLooksMax,
  lanesKeptMax,
  windowMsDefault,
} from "../../domain/limits.ts";
import { type Row, claims } from "../../domain/packed-rows.ts";
import { type Plan, hashVersion } from "../../domain/plan.ts";
import { Deadline } from "../../platform/timer.ts";
import type { Answer, RoutedRows } from "../../workers/ingest/append.ts";
import { AppendLanes } from "../../workers/ingest/append-lanes.ts";

const hour = hourOf(epochMs(Date.UTC(2026, 10, 23, 10)));
const plan: Plan = {
  shards: 1,
  partitionBy: "source",
  hashVersion,
  graceMs: 0,
  windowMs: windowMsDefault,
  formats: ["ndjson.gz"],
};

function rowOf(line: string): Row {
  const hashes = { source: 1, id: 2 };
  return { fingerprint: new Uint8Array(16), hashes, homeHour: hour, timeMs: null, claims: claims.none, line };
}

function rowsOf(lines: readonly string[], more: Partial<RoutedRows> = {}): RoutedRows {
  const address = { type: "t" as EventType, hour, index: 0 as ShardIndex };
  return { address, plan, rows: lines.map(rowOf), bytes: lines.join("").length, ...more };
}

/** Appends that are answered by hand; a row is accepted unless its line begins with `d`. */
class Shards {
  readonly lanes = new AppendLanes();
  #answered = 0;
  readonly sent: { readonly lines: string[]; readonly answer: (answer?: Answer) => void }[] = [];

  append(routed: RoutedRows): Promise<Answer> {
    return this.lanes.append(
      routed,
      new Deadline(laneDeadlineMs),
      ({ rows }) =>
        new Promise((resolve) => {
          const lines = rows.map(({ line }) => line);
          const acceptedRows = Uint8Array.from(lines, (line) => (line.startsWith("d") ? 0 : 1));
          const answer = (given: Answer = { decided: true, acceptedRows }): void => {
            resolve(given);
          };
          this.sent.push({ lines, answer });
        }),
    );
  }

  /** As many as go at once, so that whoever comes next waits. */
  fill(): Promise<Answer>[] {
    return Array.from({ length: appendsUnderWayMax }, (_, no) => this.append(rowsOf([`first-${no}`])));
  }

  /** Answers whatever has not been answered, and what follows from that. */
  async answerAll(): Promise<void> {
    while (this.#answered < this.sent.length) {
      this.sent[this.#answered++]?.answer();
      await settled();
    }
  }

  /** Several requests go as one append, and all of them are answered: a lane in which that happened is busy. */
  async makeBusy(): Promise<void> {
    void this.fill();
    void this.append(rowsOf(["together"]));
    void this.append(rowsOf(["together"]));
    await this.answerAll();
    this.sent.length = this.#answered = 0;
  }

  lines(): string[][] {
    return this.sent.map(({ lines }) => lines);
  }
}

/** Everything that follows from what was done until now. */
async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function acceptedOf(answer: Answer): number[] | string {
  return answer.decided ? [...answer.acceptedRows] : answer.why;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("appends go at once while places are free", async () => {
  const shards = new Shards();
  const answers = shards.fill();
  expect(shards.sent).toHaveLength(appendsUnderWayMax);
  for (const { answer } of shards.sent) answer();
  for (const answer of await Promise.all(answers)) expect(acceptedOf(answer)).toEqual([1]);
});

test("[LE6] those that wait go together, in the order in which they came, and each gets its own answer", async () => {
  const shards = new Shards();
  void shards.fill();
  const answers = [rowsOf(["a", "dup"]), rowsOf(["dup-2"]), rowsOf(["b", "c", "dup-3"])].map((rows) =>
    shards.append(rows),
  );
  shards.sent[0]?.answer();
  await settled();
  expect(shards.lines().slice(appendsUnderWayMax)).toEqual([["a", "dup", "dup-2", "b", "c", "dup-3"]]);
  shards.sent.at(-1)?.answer();
  expect((await Promise.all(answers)).map(acceptedOf)).toEqual([[1, 0], [0], [1, 1, 0]]);
});

test("an append that was not decided is so for all whose rows went with it", async () => {
  const shards = new Shards();
  void shards.fill();
  const answers = [shards.append(rowsOf(["a"])), shards.append(rowsOf(["b"]))];
  shards.sent[0]?.answer();
  await settled();
  shards.sent.at(-1)?.answer({ decided: false, why: "rerouted" });
  expect((await Promise.all(answers)).map(acceptedOf)).toEqual(["rerouted", "rerouted"]);
});

test("rows of another plan, another shard, or past what one message bears do not go along", async () => {
  const shards = new Shards();
  void shards.fill();
  const large = "x".repeat(laneBytesMax - 1);
  void shards.append(rowsOf(["a"]));
  void shards.append(rowsOf([large]));
  void shards.append(rowsOf(["past"]));
  void shards.append(rowsOf(["planned"], { plan: { ...plan, shards: 2 } }));
  void shards.append(rowsOf(["after"], { plan: { ...plan, shards: 2 } }));
  void shards.append(
    rowsOf(["elsewhere"], { address: { type: "t" as EventType, hour, index: 1 as ShardIndex } }),
  );
  const sent = (): string[][] => shards.lines().slice(appendsUnderWayMax);
  expect(sent()).toEqual([["elsewhere"]]);
  for (let at = 0; at < shards.sent.length; at++) {
    shards.sent[at]?.answer();
    await settled();
  }
  // The first two fill a message to its last byte.
  expect(sent()).toEqual([["elsewhere"], ["a", large], ["past"], ["planned", "after"]]);
});

describe("a request that ends while others wait for it", () => {
  test("holds nobody up past the deadline, and gives its place free", async () => {
    const shards = new Shards();
    void shards.fill();
    const late = shards.append(rowsOf(["late"]));
    // Nobody ever answers the first ones.
    await vi.advanceTimersByTimeAsync(laneDeadlineMs);
    expect(acceptedOf(await late)).toBe("unreachable");
    const next = shards.append(rowsOf(["next"]));
    expect(shards.lines().at(-1)).toEqual(["next"]);
    shards.sent.at(-1)?.answer();
    expect(acceptedOf(await next)).toEqual([1]);
  });

  test("answers nobody twice, and frees no place twice, if it lives on after all", async () => {
    const shards = new Shards();
    const first = shards.fill();
    const late = shards.append(rowsOf(["late"]));
    await vi.advanceTimersByTimeAsync(laneDeadlineMs);
    expect(acceptedOf(await late)).toBe("unreachable");
    void shards.fill();
    void shards.append(rowsOf(["waits"]));
    for (const { answer } of shards.sent.slice(0, appendsUnderWayMax)) answer();
    for (const answer of await Promise.all(first)) expect(acceptedOf(answer)).toEqual([1]);
    await settled();
    expect(shards.lines().flat()).not.toContain("waits");
  });
});

describe("in a busy lane", () => {
  test("rows wait for others, and leave together once no more have joined for a moment", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    const answers = [shards.append(rowsOf(["a"]))];
    await vi.advanceTimersByTimeAsync(laneLookMs / 2);
    answers.push(shards.append(rowsOf(["b"])));
    await vi.advanceTimersByTimeAsync(laneLookMs);
    expect(shards.lines()).toEqual([]);
    await vi.advanceTimersByTimeAsync(laneLookMs);
    expect(shards.lines()).toEqual([["a", "b"]]);
    await shards.answerAll();
    expect((await Promise.all(answers)).map(acceptedOf)).toEqual([[1], [1]]);
  });

  test("what waits leaves when a place comes free, and not before", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    for (const line of ["a", "b", "c"]) {
      void shards.append(rowsOf([line]));
      await vi.advanceTimersByTimeAsync(5 * laneLookMs);
    }
    expect(shards.lines()).toEqual([["a"], ["b"]]);
    await shards.answerAll();
    await vi.advanceTimersByTimeAsync(laneLookMs);
    expect(shards.lines()).toEqual([["a"], ["b"], ["c"]]);
  });

  test("what has waited long enough leaves with the place that comes free, and nobody looks meanwhile", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    for (const line of ["a", "b"]) {
      void shards.append(rowsOf([line]));
      await vi.advanceTimersByTimeAsync(laneLookMs);
    }
    const timers = vi.getTimerCount();
    void shards.append(rowsOf(["c"]));
    await vi.advanceTimersByTimeAsync(laneLooksMax * laneLookMs);
    // Its deadline alone.
    expect(vi.getTimerCount() - timers).toBe(1);
    shards.sent[0]?.answer();
    await settled();
    expect(shards.lines()).toEqual([["a"], ["b"], ["c"]]);
  });

  test("so many requests that one more append is worth it leave at once", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    for (let no = 1; no < laneCrowd; no++) void shards.append(rowsOf([`${no}`]));
    expect(shards.lines()).toEqual([]);
    void shards.append(rowsOf(["last"]));
    await settled();
    expect(shards.lines().map((lines) => lines.length)).toEqual([laneCrowd]);
  });

  test("it collects on when an append comes back", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    void shards.append(rowsOf(["a"]));
    await vi.advanceTimersByTimeAsync(laneLookMs);
    void shards.append(rowsOf(["b"]));
    shards.sent[0]?.answer();
    await settled();
    expect(shards.lines()).toEqual([["a"]]);
    void shards.append(rowsOf(["c"]));
    await vi.advanceTimersByTimeAsync(2 * laneLookMs);
    expect(shards.lines()).toEqual([["a"], ["b", "c"]]);
  });

  test("rows that keep coming leave after so many looks, each time", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    for (const times of [1, 2]) {
      void shards.append(rowsOf(["first"]));
      for (let looks = 1; looks <= laneLooksMax; looks++) {
        expect(shards.sent).toHaveLength(times - 1);
        void shards.append(rowsOf(["between"]));
        await vi.advanceTimersByTimeAsync(laneLookMs);
      }
      expect(shards.lines()[times - 1]).toHaveLength(1 + laneLooksMax);
      await shards.answerAll();
    }
  });

  test("what does not go with the others takes the other place at once", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    const other = { plan: { ...plan, shards: 2 } };
    void shards.append(rowsOf(["a"]));
    void shards.append(rowsOf(["b"], other));
    void shards.append(rowsOf(["c"], other));
    void shards.append(rowsOf(["d"], { plan: { ...plan, shards: 3 } }));
    await vi.advanceTimersByTimeAsync(2 * laneLookMs);
    expect(shards.lines()).toEqual([["a"], ["b", "c"]]);
    await shards.answerAll();
    expect(shards.lines()).toEqual([["a"], ["b", "c"], ["d"]]);
  });

  test("a request that looked after the others and has ended holds them up to their deadline, and nobody longer", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    void shards.append(rowsOf(["watcher"]));
    // What the runtime does with the timers of a request that ends.
    vi.clearAllTimers();
    const other = shards.append(rowsOf(["other"]));
    const later = vi
      .advanceTimersByTimeAsync(laneDeadlineMs / 2)
      .then(() => shards.append(rowsOf(["later"])));
    await vi.advanceTimersByTimeAsync(laneDeadlineMs);
    expect(acceptedOf(await other)).toBe("unreachable");
    expect(shards.lines()).toEqual([["later"]]);
    await shards.answerAll();
    expect(acceptedOf(await later)).toEqual([1]);
  });

  test("a client that is alone again is soon sent at once", async () => {
    const shards = new Shards();
    await shards.makeBusy();
    for (let no = 0; no < laneLoneMax; no++) {
      void shards.append(rowsOf([`${no}`]));
      expect(shards.lines()).toHaveLength(no);
      await vi.advanceTimersByTimeAsync(laneLookMs);
      await shards.answerAll();
    }
    void shards.append(rowsOf(["at once"]));
    expect(shards.lines().at(-1)).toEqual(["at once"]);
  });
});

test("a lane that is in use is kept, however many others there are", async () => {
  const shards = new Shards();
  void shards.fill();
  void shards.append(rowsOf(["waits"]));
  for (let no = 1; no <= lanesKeptMax; no++) {
    const address = { type: `${no}` as EventType, hour, index: 0 as ShardIndex };
    void shards.append(rowsOf(["elsewhere"], { address }));
  }
  const sent = shards.sent.length;
  void shards.append(rowsOf(["waits, too"]));
  expect(shards.sent).toHaveLength(sent);
  shards.sent[0]?.answer();
  await settled();
  expect(shards.lines().at(-1)).toEqual(["waits", "waits, too"]);
});

test("an isolate keeps so many empty lanes for knowing that they are busy, and no more", async () => {
  const shards = new Shards();
  await shards.makeBusy();
  const elsewhere = (no: number): RoutedRows =>
    rowsOf(["elsewhere"], { address: { type: `${no}` as EventType, hour, index: 0 as ShardIndex } });
  const waits = (): boolean => {
    const before = shards.sent.length;
    void shards.append(rowsOf(["is it busy?"]));
    return shards.sent.length === before;
  };
  // Under way, so that each is in a lane of its own.
  for (let no = 1; no < lanesKeptMax; no++) void shards.append(elsewhere(no));
  expect(waits()).toBe(true);
  await vi.advanceTimersByTimeAsync(laneLookMs);
  await shards.answerAll();
  for (let no = 1; no <= lanesKeptMax; no++) void shards.append(elsewhere(no));
  expect(waits()).toBe(false);
});
