/** Counting the events of one answer by type, for the ledger's equation received = accepted + duplicate + refused + failed. */
import { type EventCounts, zeroCounts } from "../../domain/ledger.ts";
import { sleep } from "../../platform/timer.ts";
import type { Fate } from "./deliver.ts";
import type { EdgeAccount } from "./edge-account.ts";

/** How long outcomes may wait for the next report before one is sent just for them. */
const settleMs = 250;

const counter = {
  accepted: "accepted",
  duplicate: "duplicates",
  refused: "refused",
  failed: "failed",
} as const;

/** `types` and `fates` are of the same events, in the same order. */
export function countFates(types: readonly string[], fates: readonly Fate[]): Map<string, EventCounts> {
  const counts = new Map<string, EventCounts>();
  types.forEach((type, at) => {
    const before = counts.get(type) ?? zeroCounts;
    const fate = fates[at];
    // Received is counted apart from the fates, so that an event without one shows as missing.
    const after = { ...before, received: before.received + 1 };
    if (fate !== undefined) after[counter[fate.fate]]++;
    counts.set(type, after);
  });
  return counts;
}

/** Counts every event of a request in the ledger: now in memory, a moment later in a report, with whatever else waits. */
export async function noteEvents(
  account: EdgeAccount,
  types: readonly string[],
  fates: readonly Fate[],
): Promise<void> {
  for (const [type, counts] of countFates(types, fates)) account.events(type, counts);
  await sleep(settleMs);
  await account.reported().catch(() => undefined);
}
