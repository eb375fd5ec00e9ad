/** Which span runs just now: it follows what was begun within it through every await, and never leaves the isolate. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Span } from "./span.ts";

const running = new AsyncLocalStorage<Span>();

/** Null: nobody opened one, as in a test of a part alone. */
export function currentSpan(): Span | null {
  return running.getStore() ?? null;
}

export function within<Result>(span: Span, act: () => Result): Result {
  return running.run(span, act);
}
