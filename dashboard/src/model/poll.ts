/** When to ask again: soon after an answer, later and later while there is none, and spread so that pages part. */

/** Between two answers. */
export const pollMs = 10_000;

/** At most so long while the Worker is away. */
export const pollMsMax = 120_000;

/** `failures`: how many times in a row there was no answer; `jitter` in [0, 1). */
export function pollDelayMs(failures: number, jitter: number): number {
  const base = Math.min(pollMsMax, pollMs * 2 ** Math.min(failures, 10));
  return Math.round(base * (0.9 + jitter / 5));
}
