/**
 * Adding the ledgers of hours that are over to the counters, in order and once each. A ledger that cannot be asked holds
 * it up: what it counted would be left out for good.
 */
import { type EpochMs, type Hour, hourOf, plusHours } from "../../../domain/hour.ts";
import { type LedgerTotals, addLedgerTotals, totalsOfLedger } from "../../../domain/ledger.ts";
import { countersOf, hoursToFold } from "../../../domain/metrics/ledger-counters.ts";
import { foldLedgers, readCounters } from "../../../platform/catalog/counters.ts";
import { type LedgerNamespace, ledgerStubs } from "../../../platform/stubs.ts";

export interface FoldEnv {
  readonly CATALOG: D1Database;
  readonly EDGE_LEDGER: LedgerNamespace;
}

export async function foldLedgerHours(env: FoldEnv, now: EpochMs): Promise<{ readonly progress: number }> {
  let { through } = await readCounters(env.CATALOG);
  if (through === null) {
    await foldLedgers(env.CATALOG, null, plusHours(hourOf(now), -1), {});
    return { progress: 0 };
  }
  const hours = hoursToFold(through, now);
  for (const hour of hours) {
    await foldLedgers(env.CATALOG, through, hour, countersOf(await totalsOfHour(env.EDGE_LEDGER, hour)));
    through = hour;
  }
  return { progress: hours.length };
}

/** What all of an hour's ledgers count. Throws if one cannot be asked. */
export async function totalsOfHour(ledgers: LedgerNamespace, hour: Hour): Promise<LedgerTotals> {
  const totals = await Promise.all(ledgerStubs(ledgers, hour).map((ledger) => ledger.totals()));
  return totals.reduce(addLedgerTotals, totalsOfLedger([]));
}
