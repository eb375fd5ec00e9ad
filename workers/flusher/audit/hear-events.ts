/** What the edges counted for a bucket, put together from all of the hour's ledgers; null if one did not answer. */
import { type Heard, ledgerView } from "../../../domain/audit.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import type { BucketAccount, EventCounts } from "../../../domain/ledger.ts";
import { type LedgerNamespace, ledgerStubs } from "../../../platform/stubs.ts";
import { hear } from "./hear.ts";

export interface HeardEvents {
  readonly events: EventCounts | null;
  readonly unheard: readonly { readonly source: string; readonly why: string }[];
}

/** What each of the hour's ledgers knows of the bucket. */
export function hearLedgers(
  ledgers: LedgerNamespace,
  { type, hour }: BucketAddress,
): Promise<Heard<BucketAccount>[]> {
  return Promise.all(ledgerStubs(ledgers, hour).map((ledger) => hear(ledger.account(type))));
}

export async function hearEvents(ledgers: LedgerNamespace, address: BucketAddress): Promise<HeardEvents> {
  const { events, findings } = ledgerView(await hearLedgers(ledgers, address));
  const unheard = findings
    .filter(({ kind }) => kind === "unaudited")
    .map(({ where, detail }) => ({ source: where, why: detail }));
  return { events: unheard.length === 0 ? events : null, unheard };
}
