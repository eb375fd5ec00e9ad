/**
 * Counting the events of one answer by type, for the ledger's equation
 * received = accepted + duplicate + quarantined + refused + failed.
 */
import { type EventCounts, zeroCounts } from "../../domain/ledger.ts";
import { quarantineType } from "../../domain/quarantine.ts";
import type { Fate } from "./deliver.ts";
import type { EdgeAccount } from "./edge-account.ts";

/** How long outcomes may wait for the next report before one is sent just for them. */
const settleMs = 250;

/** The counter of each fate. Received is counted apart, so that an event without a fate shows as missing. */
const counterOf = {
  accepted: "accepted",
  duplicate: "duplicates",
  quarantined: "quarantined",
  refused: "refused",
  failed: "failed",
} as const satisfies Record<Fate["fate"], keyof EventCounts>;

/** Counts that grow: a new record for every event costs more than the rest of this. */
type Counting = { -readonly [Counter in keyof EventCounts]: EventCounts[Counter] };

/** `types` and `fates` are of the same events, in the same order. */
export function countFates(types: readonly string[], fates: readonly Fate[]): Map<string, EventCounts> {
  const counts = new Map<string, Counting>();
  const add = (type: string, fate: Fate["fate"] | null): void => {
    let of = counts.get(type);
    if (of === undefined) counts.set(type, (of = { ...zeroCounts }));
    of.received++;
    if (fate !== null) of[counterOf[fate]] = (of[counterOf[fate]] ?? 0) + 1;
  };
  types.forEach((type, at) => {
    const fate = fates[at];
    add(type, fate?.fate ?? null);
    // In quarantine it is an event like any other.
    if (fate?.fate === "quarantined") add(quarantineType, fate.new ? "accepted" : "duplicate");
  });
  return counts;
}

/** An event that is stored because of this request: what a quota counts. */
function isNew(fate: Fate): boolean {
  return fate.fate === "accepted" || (fate.fate === "quarantined" && fate.new);
}

/**
 * Counts every event of a request in the ledger: now in memory, a moment later in a report, with whatever else waits.
 * Null if somebody else is already waiting to report it.
 */
export function noteEvents(
  account: EdgeAccount,
  types: readonly string[],
  fates: readonly Fate[],
  /** The id of the key that sent them, if it has a quota. */
  key: string | null,
): Promise<void> | null {
  for (const [type, counts] of countFates(types, fates)) account.events(type, counts);
  if (key !== null) account.key(key, fates.filter(isNew).length);
  return account.settle(settleMs)?.catch(() => undefined) ?? null;
}
