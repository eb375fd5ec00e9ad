/** What happened in a run, line by line, and which of the orders that matter were reached. */
import { createHash } from "node:crypto";
import { isoOf, epochMs } from "../../domain/hour.ts";
import type { Order } from "./orders.ts";
import type { Scheduler } from "./scheduler.ts";

/** A guarantee that does not hold. */
export interface Violation {
  readonly guarantee: string;
  readonly detail: string;
}

export class Trace {
  readonly #scheduler: Scheduler;
  readonly #lines: string[] = [];
  readonly reached = new Map<Order, number>();
  violation: Violation | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  note(text: string): void {
    this.#lines.push(`${this.#scheduler.nowMs} ${text}`);
  }

  reach(order: Order): void {
    this.reached.set(order, (this.reached.get(order) ?? 0) + 1);
  }

  /** The first one ends the run: what comes after it says nothing new. */
  violate(guarantee: string, detail: string): void {
    this.note(`VIOLATED ${guarantee}: ${detail}`);
    this.violation ??= { guarantee, detail };
    this.#scheduler.stop();
  }

  hold(holds: boolean, guarantee: string, detail: () => string): void {
    if (!holds) this.violate(guarantee, detail());
  }

  /** Equal for equal runs. */
  hash(): string {
    return createHash("sha256").update(this.#lines.join("\n")).digest("hex").slice(0, 16);
  }

  /** For a reader, with times of day. */
  lines(): string[] {
    return this.#lines.map((line) => {
      const space = line.indexOf(" ");
      return `${isoOf(epochMs(Number(line.slice(0, space)))).slice(5, 23)} ${line.slice(space + 1)}`;
    });
  }
}
