/** How long to wait before a try is repeated: doubling, jittered, bounded, and never less than the server asked for. */

/** About a minute and a half of waiting in all: a runtime that was killed has time to come back. */
export const triesMax = 14;
const waitFirstMs = 100;
const waitMaxMs = 10_000;

/** What `Retry-After` asks for, in seconds; bounded, so that nobody can stop a client for good. */
export function retryAfterMs(header: string | null): number {
  return Math.min(waitMaxMs, Math.max(0, (Number(header) || 0) * 1_000));
}

/** Waits after try number `tries`, the first being 1. */
export async function waitAfter(tries: number, atLeastMs: number): Promise<void> {
  const backoffMs = Math.min(waitMaxMs, waitFirstMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
  await new Promise((resolve) => setTimeout(resolve, Math.max(backoffMs, atLeastMs)));
}
