/** How long `pull --follow` waits before it asks again, and when it gives up. */

/** The least time between two questions, however near the hour is. */
const askAgainMs = 1_000;

export type Wait = { readonly wait: "ask_again"; readonly afterMs: number } | { readonly wait: "timeout" };

/**
 * `untilDueMs`: by the clock of the server, which may be a virtual one and may be moved: it bounds a wait and never
 * lengthens it past `pollMs`. `leftMs`: until the deadline, infinite without one.
 */
export function nextWait(untilDueMs: number, pollMs: number, leftMs: number): Wait {
  if (leftMs <= 0) return { wait: "timeout" };
  const afterMs = Math.min(Math.max(untilDueMs, askAgainMs), Math.max(pollMs, askAgainMs), leftMs);
  return { wait: "ask_again", afterMs };
}
