/** The most memory that was held while something was done: sampled, so that a peak between two samples is missed. */
import { setTimeout as sleep } from "node:timers/promises";
import { residentBytesOf, workerdOf } from "../cost/process.ts";

const sampleMs = 20;

/** Tells how much memory is held now; null where that cannot be known. */
export type Gauge = () => Promise<number | null>;

/** Resident bytes of this process's workerd. */
export function residentBytes(): Promise<number | null> {
  return Promise.resolve(residentBytesOf(workerdOf(process.pid)));
}

/** Does it, and answers how long it took and the most bytes meanwhile. */
export async function watched<Done>(
  gauge: Gauge,
  work: () => Promise<Done>,
): Promise<{ readonly done: Done; readonly tookMs: number; readonly peakBytes: number }> {
  let peakBytes = 0;
  const over = new AbortController();
  const samples = (async () => {
    while (!over.signal.aborted) {
      peakBytes = Math.max(peakBytes, (await gauge()) ?? 0);
      await sleep(sampleMs);
    }
  })();
  const started = performance.now();
  try {
    const done = await work();
    const tookMs = performance.now() - started;
    over.abort();
    await samples;
    return { done, tookMs, peakBytes };
  } finally {
    over.abort();
  }
}
