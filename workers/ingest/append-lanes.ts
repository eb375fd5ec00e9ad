/**
 * Lanes: how requests of one isolate share appends to a shard.
 *
 * A request whose shard has less than `appendsUnderWayMax` appends of this isolate under way sends its own at once. Others
 * wait, and when one comes back, the first of them sends the rows of all that wait as one append. In a busy lane everybody
 * waits, and the first of them looks until no more join, see domain/departure.ts. So a busy edge makes one call to the shard and
 * one entry in the ledger for many requests: without that, calls are what most CPU goes to.
 *
 * Whoever waits, waits on a promise of its own and is answered by the request that sent its rows (see relay.ts for why).
 * Should that one end before it answers, the deadline of the others frees the lane, and their rows are unresolved.
 */
import { type LaneView, departs, isBusy } from "../../domain/departure.ts";
import { shardName } from "../../domain/ids.ts";
import {
  appendsUnderWayMax,
  laneBytesMax,
  laneLoneMax,
  laneLookMs,
  laneLooksMax,
  lanesKeptMax,
} from "../../domain/limits.ts";
import { samePlan } from "../../domain/plan.ts";
import { type Deadline, sleep } from "../../platform/timer.ts";
import type { Answer, RoutedRows, ShardRows } from "./append.ts";

/** Sends rows; called in the request that leads. Never throws. */
export type Send = (rows: ShardRows) => Promise<Answer>;

/** A place in the lane: an append that is under way, or a request that was told to send one. */
type Place = symbol;

/** Rows that wait. */
interface Member {
  readonly routed: RoutedRows;
  /** With the answer, or with the place that is now its own: then it leads. */
  readonly resolve: (turn: Answer | Place) => void;
}

const unresolved: Answer = { decided: false, why: "unreachable" };

/** The appends of one isolate to one shard. Whenever rows wait, every place is taken or the first of them looks again. */
class Lane {
  readonly #places = new Set<Place>();
  #waiting: Member[] = [];
  /** Who looks again after those that wait: the first of them, or nobody. */
  #watcher: Member | null = null;
  #loneAppends: number = laneLoneMax;
  #joined = 0;

  get empty(): boolean {
    return this.#places.size === 0 && this.#waiting.length === 0;
  }

  get busy(): boolean {
    return isBusy({ loneAppends: this.#loneAppends });
  }

  async append(routed: RoutedRows, deadline: Deadline, send: Send): Promise<Answer> {
    this.#joined++;
    if (departs(this.#view(this.#waiting.length + 1, 0))) return this.#lead(this.#take(), routed, send);
    const { promise, resolve } = Promise.withResolvers<Answer | Place>();
    const member = { routed, resolve };
    this.#waiting.push(member);
    if (this.busy && this.#waiting.length === 1) void this.#watch(member);
    const before = [...this.#places];
    deadline.whenOver(() => {
      this.#giveUp(member, before);
    });
    const turn = await promise;
    return typeof turn === "symbol" ? this.#lead(turn, routed, send) : turn;
  }

  #view(waiting: number, looks: number): LaneView {
    return {
      placeFree: this.#places.size < appendsUnderWayMax,
      loneAppends: this.#loneAppends,
      waiting,
      joined: this.#joined,
      looks,
    };
  }

  /**
   * Looks again and again, until those that wait have left or have waited long enough: then the next place is theirs.
   * A timer of the member's own request: it ends with that.
   */
  async #watch(member: Member): Promise<void> {
    this.#watcher = member;
    this.#joined = 0;
    for (let looks = 1; looks <= laneLooksMax; looks++) {
      await sleep(laneLookMs);
      if (this.#waiting[0] !== member) return;
      if (departs(this.#view(this.#waiting.length, looks))) {
        this.#callFirst();
        return;
      }
      this.#joined = 0;
    }
    this.#watcher = null;
  }

  /** Sends these rows, and behind them those of all that wait now, in the order in which they came; answers each its own. */
  async #lead(place: Place, routed: RoutedRows, send: Send): Promise<Answer> {
    const others = this.#join(routed);
    this.#loneAppends = others.length > 0 ? 0 : this.#loneAppends + 1;
    // What did not fit takes the other place, if that is free.
    this.#callUnwatched();
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
    let { bytes } = routed;
    let count = 0;
    for (const { routed: other } of this.#waiting) {
      bytes += other.bytes;
      if (bytes > laneBytesMax || !samePlan(other.plan, routed.plan)) break;
      count++;
    }
    return this.#takeOut(count);
  }

  /** So many of those that wait longest. */
  #takeOut(count: number): Member[] {
    if (count > 0) this.#watcher = null;
    return this.#waiting.splice(0, count);
  }

  #take(): Place {
    const place = Symbol("place");
    this.#places.add(place);
    return place;
  }

  /** Frees the place, once: it may have been taken away before. */
  #leave(place: Place): void {
    if (this.#places.delete(place)) this.#callUnwatched();
  }

  /** Whoever waits longest leads now, unless it looks again by itself. */
  #callUnwatched(): void {
    if (this.#places.size < appendsUnderWayMax && this.#waiting[0] !== this.#watcher) this.#callFirst();
  }

  #callFirst(): void {
    for (const { resolve } of this.#takeOut(1)) resolve(this.#take());
  }

  /** Its time is over. Whoever held a place all the while, or waits for longer, has ended, or is as good as that. */
  #giveUp(member: Member, before: readonly Place[]): void {
    const over = this.#takeOut(this.#waiting.indexOf(member) + 1);
    for (const { resolve } of [...over, member]) resolve(unresolved);
    for (const place of before) this.#leave(place);
    this.#callUnwatched();
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

/** The lanes of an isolate, kept while they are in use, and while they are busy, up to a bound. */
export class AppendLanes {
  readonly #lanes = new Map<string, Lane>();

  async append(routed: RoutedRows, deadline: Deadline, send: Send): Promise<Answer> {
    const name = shardName(routed.address);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      if (this.#lanes.size >= lanesKeptMax) this.#dropEmpty();
      this.#lanes.set(name, (lane = new Lane()));
    }
    try {
      return await lane.append(routed, deadline, send);
    } finally {
      if (lane.empty && !lane.busy && this.#lanes.get(name) === lane) this.#lanes.delete(name);
    }
  }

  #dropEmpty(): void {
    for (const [name, { empty }] of this.#lanes) if (empty) this.#lanes.delete(name);
  }
}
