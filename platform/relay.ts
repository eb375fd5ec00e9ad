/**
 * A relay: how requests of one isolate wait for work that one of them does for all.
 *
 * A promise belongs to the request that made it: awaited by another request, its continuation would run in the wrong
 * one, or never if the maker has ended. So everybody waits on a promise of their own, and is woken to look again.
 */
import { withDeadline } from "./timer.ts";

export class Relay {
  #waiting: (() => void)[] = [];

  /** Resolves at the next `wakeAll`; throws `DeadlineExceeded` after `ms`: whoever worked for all may be gone. */
  wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return withDeadline(promise, ms);
  }

  wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
