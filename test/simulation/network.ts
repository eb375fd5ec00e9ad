/**
 * Calls between parties: delayed, lost, answered into the void, repeated, out of order.
 * A call whose outcome the caller cannot know throws, as the runtime's do; a party that has ended hears nothing.
 */
import { BrokenInvariant } from "../../domain/invariant.ts";
import { type FaultRates, noFaults } from "./faults.ts";
import type { Order } from "./orders.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** Somebody who calls: an object in one of its lives, an edge in one of its lives, a flusher, a client. */
export interface Party {
  readonly name: string;
  readonly ended: boolean;
  /** Something is under way that a crash would hit: the party may decide to end soon. */
  mayCrash(withinMs: number): void;
}

/** A party that never ends. */
export function lasting(name: string): Party {
  return { name, ended: false, mayCrash: () => undefined };
}

/** What is told of one call to whoever counts orders. */
export interface CallMarks {
  readonly replyLost?: Order;
  readonly onReplyLost?: () => void;
  /** A late copy of the request may arrive days after it. */
  readonly mayComeBack?: boolean;
}

const usualMs = 30;
const slowMs = 20_000;

export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: Trace;
  rates: FaultRates = noFaults;
  /** When copies that come days later arrive; null: they do not. */
  comeBackAtMs: number | null = null;

  constructor(scheduler: Scheduler, random: Random, trace: Trace) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
  }

  call<Reply>(
    from: Party,
    what: string,
    effect: () => Promise<Reply>,
    marks: CallMarks = {},
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    // Whoever has ended calls nobody, and never learns what came of it.
    if (from.ended) return promise;
    const { rates } = this;
    const hear = (ms: number, tell: () => void): void => {
      this.#scheduler.after(ms, () => {
        if (!from.ended) tell();
      });
    };
    const call = `${from.name} → ${what}`;
    const fail = (why: string, ms: number): void => {
      hear(ms, () => {
        this.#trace.note(`${call}: ${why}`);
        reject(new Error(`${what}: ${why}`));
      });
    };
    const requestMs = this.#delay();
    const replyMs = this.#delay();
    from.mayCrash(requestMs + replyMs);
    if (this.#random.chance(rates.overloaded)) {
      this.#trace.reach("overloaded");
      hear(requestMs, () => {
        reject(Object.assign(new Error(`${what}: overloaded`), { overloaded: true }));
      });
      return promise;
    }
    if (this.#random.chance(rates.duplicated)) this.#repeat(call, effect, marks);
    if (this.#random.chance(rates.requestLost)) {
      fail("the request was lost", requestMs + this.#random.between(1, slowMs));
      return promise;
    }
    this.#scheduler.after(requestMs, () => {
      this.#trace.note(call);
      effect().then(
        (reply) => {
          if (this.#random.chance(this.rates.replyLost)) {
            if (marks.replyLost !== undefined) this.#trace.reach(marks.replyLost);
            marks.onReplyLost?.();
            fail("the reply was lost", replyMs + this.#random.between(1, slowMs));
            return;
          }
          hear(replyMs, () => {
            resolve(reply);
          });
        },
        (error: unknown) => {
          if (!from.ended) this.#judge(call, error);
          hear(replyMs, () => {
            this.#trace.note(`${call}: ${String(error)}`);
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        },
      );
    });
    return promise;
  }

  /** The same request once more, sooner or later; nobody hears the reply. */
  #repeat<Reply>(call: string, effect: () => Promise<Reply>, marks: CallMarks): void {
    const daysLater = marks.mayComeBack === true && this.comeBackAtMs !== null && this.#random.chance(0.3);
    const atMs = daysLater
      ? (this.comeBackAtMs ?? 0) + this.#random.between(0, 3_600_000)
      : this.#scheduler.nowMs + this.#random.delayMs(200, 240_000, 0.2);
    this.#scheduler.at(atMs, () => {
      this.#trace.note(`${call} (once more)`);
      this.#trace.reach("duplicate_message");
      // A copy that comes when its work is long done may be refused in any way: nobody hears it.
      effect().catch(() => undefined);
    });
  }

  #judge(call: string, error: unknown): void {
    if (error instanceof BrokenInvariant)
      this.#trace.violate("no invariant breaks", `${call}: ${error.message}`);
  }

  #delay(): number {
    return this.#random.delayMs(usualMs, slowMs, this.rates.slow);
  }
}
