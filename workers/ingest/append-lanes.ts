/**
 * Lanes: how requests of one isolate share appends to a shard.
 *
 * A request whose shard has less than `appendsUnderWayMax` appends of this isolate under way sends its own at once. Others
 * wait, and when one comes back, the first of them sends the rows of all that wait as one append. So a busy edge makes
 * one call to the shard and one entry in the ledger for many requests: without that, calls are what most CPU goes to.
 *
 * Whoever waits, waits on a promise of its own and is answered by the request that sent its rows (see relay.ts for why).
 * Should that one end before it answers, the deadline of the others frees the lane, and their rows are unresolved.
 */
import { shardName } from "../../domain/ids.ts";
import { appendsUnderWayMax, laneBytesMax } from "../../domain/limits.ts";
import type { Row } from "../../domain/packed-rows.ts";
import { samePlan } from "../../domain/plan.ts";
import type { Deadline } from "../../platform/timer.ts";
import type { Answer, RoutedRows } from "./append.ts";

/** Sends rows; called in the request that leads. Never throws. */
export type Send = (rows: RoutedRows) => Promise<Answer>;

/** A place in the lane: an append that is under way, or a request that was told to send one. */
type Place = symbol;

/** Rows that wait. */
interface Member {
  readonly routed: RoutedRows;
  /** With the answer, or with the place that is now its own: then it leads. */
  readonly resolve: (turn: Answer | Place) => void;
}

const unresolved: Answer = { decided: false, why: "unreachable" };

/** The appends of one isolate to one shard. Whenever rows wait, every place is taken. */
class Lane {
  readonly #places = new Set<Place>();
  #waiting: Member[] = [];

  get empty(): boolean {
    return this.#places.size === 0 && this.#waiting.length === 0;
  }

  async append(routed: RoutedRows, deadline: Deadline, send: Send): Promise<Answer> {
    if (this.#places.size < appendsUnderWayMax) return this.#lead(this.#take(), routed, send);
    const { promise, resolve } = Promise.withResolvers<Answer | Place>();
    const member = { routed, resolve };
    this.#waiting.push(member);
    const before = [...this.#places];
    deadline.whenOver(() => {
      this.#giveUp(member, before);
    });
    const turn = await promise;
    return typeof turn === "symbol" ? this.#lead(turn, routed, send) : turn;
  }

  /** Sends these rows and those of all that wait now, in the order in which they came, and answers each its own. */
  async #lead(place: Place, routed: RoutedRows, send: Send): Promise<Answer> {
    const others = this.#join(routed);
    const all = [routed, ...others.map((member) => member.routed)];
    let answers: readonly Answer[] = all.map(() => unresolved);
    try {
      const { address, plan } = routed;
      const answer = await send({ address, plan, rows: all.flatMap(({ rows }) => rows) });
      answers = cut(
        answer,
        all.map(({ rows }) => rows.length),
      );
    } finally {
      this.#leave(place);
      others.forEach(({ resolve }, at) => {
        resolve(answers[at + 1] ?? unresolved);
      });
    }
    return answers[0] ?? unresolved;
  }

  /** Takes those out of the queue that may go with these rows: of the same plan, as many as one message bears. */
  #join(routed: RoutedRows): Member[] {
    let bytes = lengthOf(routed.rows);
    let count = 0;
    for (const { routed: other } of this.#waiting) {
      bytes += lengthOf(other.rows);
      if (bytes > laneBytesMax || !samePlan(other.plan, routed.plan)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #take(): Place {
    const place = Symbol("place");
    this.#places.add(place);
    return place;
  }

  /** Hands the place over to whoever waits longest. Once: it may have been taken away before. */
  #leave(place: Place): void {
    if (!this.#places.delete(place)) return;
    this.#waiting.shift()?.resolve(this.#take());
  }

  /** Its time is over. Whoever held a place all the while has ended, or is as good as that. */
  #giveUp(member: Member, before: readonly Place[]): void {
    this.#waiting = this.#waiting.filter((other) => other !== member);
    member.resolve(unresolved);
    for (const place of before) this.#leave(place);
  }
}

/** The answer to several requests' rows, cut into one for each. */
function cut(answer: Answer, counts: readonly number[]): Answer[] {
  let from = 0;
  return counts.map((count) => {
    const to = (from += count);
    return answer.decided
      ? { ...answer, acceptedRows: answer.acceptedRows.subarray(to - count, to) }
      : answer;
  });
}

/** Characters of the rows: their bytes, nearly. */
function lengthOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { line }) => sum + line.length, 0);
}

/** The lanes of an isolate, kept while they are in use. */
export class AppendLanes {
  readonly #lanes = new Map<string, Lane>();

  async append(routed: RoutedRows, deadline: Deadline, send: Send): Promise<Answer> {
    const name = shardName(routed.address);
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = new Lane()));
    try {
      return await lane.append(routed, deadline, send);
    } finally {
      if (lane.empty) this.#lanes.delete(name);
    }
  }
}
