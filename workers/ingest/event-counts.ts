/**
 * Counting the events of one answer by type, for the ledger's equation
 * received = accepted + duplicate + quarantined + refused + failed.
 */
import { type EventCounts, addCounts, zeroCounts } from "../../domain/ledger.ts";
import { quarantineType } from "../../domain/quarantine.ts";
import type { Fate } from "./deliver.ts";
import type { EdgeAccount } from "./edge-account.ts";

/** How long outcomes may wait for the next report before one is sent just for them. */
const settleMs = 250;

/** What one event with this fate adds to the counts of its type. Received is counted apart from it. */
function countOf(fate: Fate["fate"]): EventCounts {
  switch (fate) {
    case "accepted":
      return { ...zeroCounts, accepted: 1 };
    case "duplicate":
      return { ...zeroCounts, duplicates: 1 };
    case "quarantined":
      return { ...zeroCounts, quarantined: 1 };
    case "refused":
      return { ...zeroCounts, refused: 1 };
    case "failed":
      return { ...zeroCounts, failed: 1 };
  }
}

/** `types` and `fates` are of the same events, in the same order. */
export function countFates(types: readonly string[], fates: readonly Fate[]): Map<string, EventCounts> {
  const counts = new Map<string, EventCounts>();
  const add = (type: string, more: EventCounts): void => {
    counts.set(type, addCounts(counts.get(type) ?? zeroCounts, more));
  };
  types.forEach((type, at) => {
    const fate = fates[at];
    // Apart from the fates, so that an event without one shows as missing.
    add(type, { ...zeroCounts, received: 1 });
    if (fate === undefined) return;
    add(type, countOf(fate.fate));
    // In quarantine it is an event like any other.
    if (fate.fate === "quarantined")
      add(quarantineType, { ...countOf(fate.new ? "accepted" : "duplicate"), received: 1 });
  });
  return counts;
}

/**
 * Counts every event of a request in the ledger: now in memory, a moment later in a report, with whatever else waits.
 * Null if somebody else is already waiting to report it.
 */
export function noteEvents(
  account: EdgeAccount,
  types: readonly string[],
  fates: readonly Fate[],
): Promise<void> | null {
  for (const [type, counts] of countFates(types, fates)) account.events(type, counts);
  return account.settle(settleMs)?.catch(() => undefined) ?? null;
}
