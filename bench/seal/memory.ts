/** The most memory that the runtime held while something was done: sampled, so that a peak of less than 20 ms is missed. */
import { residentBytesOf, workerdOf } from "../cost/process.ts";

const sampleMs = 20;

/** Resident bytes of this process's workerd now; null where the system does not tell. */
export function residentBytes(): number | null {
  return residentBytesOf(workerdOf(process.pid));
}

/** Does it, and answers how long it took and the most resident bytes meanwhile. */
export async function watched<Done>(
  work: () => Promise<Done>,
): Promise<{ readonly done: Done; readonly tookMs: number; readonly peakBytes: number }> {
  const processes = workerdOf(process.pid);
  let peakBytes = residentBytesOf(processes) ?? 0;
  const samples = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytesOf(processes) ?? 0);
  }, sampleMs);
  const started = performance.now();
  try {
    const done = await work();
    return { done, tookMs: performance.now() - started, peakBytes };
  } finally {
    clearInterval(samples);
  }
}
