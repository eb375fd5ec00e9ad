/** What the edges counted for a bucket, put together from all of the hour's ledgers; null if one did not answer. */
import { ledgerView } from "../../../domain/audit.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import type { EventCounts } from "../../../domain/ledger.ts";
import { ledgersPerHour } from "../../../domain/limits.ts";
import { type LedgerNamespace, ledgerStub } from "../../../platform/stubs.ts";
import { hear } from "./hear.ts";

export interface HeardEvents {
  readonly events: EventCounts | null;
  readonly unheard: readonly { readonly source: string; readonly why: string }[];
}

export async function hearEvents(
  ledgers: LedgerNamespace,
  { type, hour }: BucketAddress,
): Promise<HeardEvents> {
  const slots = Array.from({ length: ledgersPerHour }, (_, slot) => slot);
  const { events, findings } = ledgerView(
    await Promise.all(slots.map((slot) => hear(ledgerStub(ledgers, { hour, slot }).account(type)))),
  );
  const unheard = findings
    .filter(({ kind }) => kind === "unaudited")
    .map(({ where, detail }) => ({ source: where, why: detail }));
  return { events: unheard.length === 0 ? events : null, unheard };
}
