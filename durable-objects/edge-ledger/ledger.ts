/**
 * A ledger object: what some of the edges report of one hour, kept apart from every shard.
 *
 * Promises: a report is `taken` only when it is durable; taking it again changes nothing; a report after a missing one is
 * refused. Does not: judge. The auditor compares.
 */
import type { EpochMs } from "../../domain/hour.ts";
import type { EdgeId, EventType } from "../../domain/ids.ts";
import {
  type BucketAccount,
  type EdgeAccount,
  type LedgerTotals,
  type LedgerUse,
  type Report,
  type ReportReply,
  accountOfBucket,
  decideReport,
  foldReport,
  openAccount,
  totalsOfLedger,
  useOfLedger,
} from "../../domain/ledger.ts";
import { type DeletionDeps, putOffDeletion } from "../../platform/deletion.ts";
import { runAlarm } from "../../platform/run-alarm.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import { LedgerStore } from "./store.ts";

/** The outside of a ledger object. */
export interface LedgerDeps extends DeletionDeps {
  now(): Promise<EpochMs>;
  abort(reason: string): void;
}

export class Ledger {
  readonly #storage: ObjectStorage;
  readonly #store: LedgerStore;
  readonly #deps: LedgerDeps;
  readonly #accounts: Map<EdgeId, EdgeAccount>;

  constructor(storage: ObjectStorage, deps: LedgerDeps) {
    this.#storage = storage;
    this.#store = new LedgerStore(storage);
    this.#deps = deps;
    this.#accounts = this.#store.accounts();
  }

  async open(edge: EdgeId, retireAtMs: EpochMs): Promise<void> {
    const now = await this.#deps.now();
    const first = this.#store.retireAtMs() === null;
    const armed = this.#storage.transactionSync(() => {
      this.#store.open(edge);
      this.#store.setRetireAt(retireAtMs);
      return first ? this.#deps.armAlarm(retireAtMs, now) : null;
    });
    if (!this.#accounts.has(edge)) this.#accounts.set(edge, openAccount(edge));
    await armed;
    await this.#storage.sync();
  }

  async report(report: Report): Promise<ReportReply> {
    const account = this.#accounts.get(report.edge);
    const decision = decideReport(account, report.no);
    if (account === undefined || decision === "unknown_edge") return { taken: false, why: "unknown_edge" };
    if (decision === "gap") return { taken: false, why: "gap" };
    if (decision === "take") {
      try {
        this.#store.append(report);
      } catch (error) {
        this.#deps.abort(`a report could not be written: ${String(error)}`);
        throw error;
      }
      foldReport(account, report);
    }
    // Also for one that was taken already: its first write may still be on its way to the disk.
    await this.#storage.sync();
    return { taken: true };
  }

  async account(type: EventType): Promise<BucketAccount> {
    await this.#storage.sync();
    return accountOfBucket(this.#accounts.values(), type);
  }

  async totals(): Promise<LedgerTotals> {
    await this.#storage.sync();
    return totalsOfLedger(this.#accounts.values());
  }

  async use(types: readonly EventType[]): Promise<LedgerUse> {
    await this.#storage.sync();
    return useOfLedger(this.#accounts.values(), types);
  }

  alarm(now: EpochMs): Promise<void> {
    return runAlarm(() => this.#alarm(now), now, this.#deps);
  }

  async #alarm(now: EpochMs): Promise<void> {
    const retireAtMs = this.#store.retireAtMs();
    if (retireAtMs === null) return;
    if (now < retireAtMs) {
      await this.#deps.armAlarm(retireAtMs as EpochMs, now);
      return;
    }
    if (await putOffDeletion(this.#deps, now)) return;
    await this.#storage.deleteAll();
    this.#deps.abort("retired");
  }
}
