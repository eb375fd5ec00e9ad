/**
 * One edge's account of one hour: the edge's side of the protocol in domain/ledger.ts.
 *
 * Reports are group-committed: one is under way at a time, and what is noted meanwhile goes into the next one. Each is
 * sent by a request that waits for it, so no request works for another one that has ended.
 * A report whose reply is lost is sent again with the same number and content; when that fails too, the account is over:
 * whatever it has not reported is answered to nobody, and the isolate opens another account under another edge id.
 */
import { type Hour, endOf } from "../../domain/hour.ts";
import type { AppendNo, EdgeId, EventType, ShardIndex } from "../../domain/ids.ts";
import { type EventCounts, type Outcome, type Sent, addCounts, zeroCounts } from "../../domain/ledger.ts";
import {
  ledgersPerHour,
  reportDeadlineMs,
  retireAfterWindowMs,
  windowMsDefault,
} from "../../domain/limits.ts";
import type { LedgerRpc } from "../../domain/messages.ts";
import type { Tally } from "../../domain/tally.ts";
import { hexOf } from "../../platform/objects.ts";
import { randomBytes, randomFraction } from "../../platform/random.ts";
import { type LedgerNamespace, ledgerStub } from "../../platform/stubs.ts";
import { Relay } from "../../platform/relay.ts";
import { sleep, withDeadline } from "../../platform/timer.ts";

/** How often one call to the ledger is tried before the account is given up. */
const callTriesMax = 3;

/** Hours an isolate keeps accounts for: the arrival hour, those beside it, and one to spare. */
const accountsMax = 4;

/** The account can no longer report: nothing that rests on it may be answered as accepted. */
export class AccountOver extends Error {
  override readonly name = "AccountOver";
}

/** What goes into one report. */
class Notes {
  readonly sent: Sent[] = [];
  readonly outcomes: Outcome[] = [];
  readonly events = new Map<string, EventCounts>();
  readonly keys = new Map<string, number>();
  /** True once the ledger holds them durably. */
  reported = false;
  /** True if somebody will report them after a while. */
  settling = false;

  get empty(): boolean {
    return this.sent.length === 0 && this.outcomes.length === 0 && this.events.size === 0;
  }
}

export class EdgeAccount {
  readonly edge: EdgeId;
  readonly #hour: Hour;
  /** A fresh stub each time: one made in a request is of no use to another request. */
  readonly #ledger: () => LedgerRpc;
  readonly #relay = new Relay();
  #notes = new Notes();
  #opened = false;
  #busy = false;
  #over = false;
  #lastReport = 0;
  #lastAppend = 0;

  constructor(edge: EdgeId, hour: Hour, ledger: () => LedgerRpc) {
    this.edge = edge;
    this.#hour = hour;
    this.#ledger = ledger;
  }

  get over(): boolean {
    return this.#over;
  }

  /** True if nothing waits to be reported. */
  get settled(): boolean {
    return !this.#busy && this.#notes.empty;
  }

  /** Resolves when the ledger knows this edge; before that, no append is sent. Throws `AccountOver`. */
  async opened(): Promise<void> {
    await this.#until(
      () => this.#opened,
      async () => {
        await this.#call((ledger) =>
          ledger.open(this.edge, endOf(this.#hour) + windowMsDefault + retireAfterWindowMs),
        );
        this.#opened = true;
      },
    );
  }

  /** Notes an append that is about to be sent, and numbers it. */
  sent(type: EventType, index: ShardIndex, tally: Tally): AppendNo {
    const no = ++this.#lastAppend as AppendNo;
    this.#notes.sent.push({ no, type, index, tally });
    return no;
  }

  /** Notes what an append was answered. */
  outcome(outcome: Outcome): void {
    this.#notes.outcomes.push(outcome);
  }

  /** Notes what clients were answered, by type. */
  events(type: string, counts: EventCounts): void {
    this.#notes.events.set(type, addCounts(this.#notes.events.get(type) ?? zeroCounts, counts));
  }

  /** Notes what was accepted by a key that has a quota. */
  key(id: string, accepted: number): void {
    if (accepted > 0) this.#notes.keys.set(id, (this.#notes.keys.get(id) ?? 0) + accepted);
  }

  /** Resolves when everything noted before the call is durable in the ledger. Throws `AccountOver` if it can't be. */
  async reported(): Promise<void> {
    await this.opened();
    await this.#reported(this.#notes);
  }

  /**
   * Reports what is noted after `ms` if no other report has taken it along by then. Null: somebody has promised that
   * already. One for each report and not for each request: a timer, and being woken by it, is not cheap.
   */
  settle(ms: number): Promise<void> | null {
    const mine = this.#notes;
    if (mine.settling) return null;
    mine.settling = true;
    return this.#settle(mine, ms);
  }

  async #settle(mine: Notes, ms: number): Promise<void> {
    await sleep(ms);
    await this.opened();
    await this.#reported(mine);
  }

  async #reported(mine: Notes): Promise<void> {
    await this.#until(
      () => mine.reported,
      () => this.#report(),
    );
  }

  /**
   * Waits until it is `done`, doing the work itself whenever nobody else is at it. Work that fails ends the account:
   * nobody can say any more what the ledger holds.
   */
  async #until(done: () => boolean, work: () => Promise<void>): Promise<void> {
    while (!done()) {
      if (this.#over) throw new AccountOver("the ledger could not be reached");
      try {
        if (this.#busy) await this.#relay.wait(callTriesMax * reportDeadlineMs);
        else await this.#alone(work);
      } catch (error) {
        this.#over = true;
        this.#relay.wakeAll();
        throw new AccountOver(String(error));
      }
    }
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await work();
    } finally {
      this.#busy = false;
      this.#relay.wakeAll();
    }
  }

  async #report(): Promise<void> {
    const notes = this.#notes;
    this.#notes = new Notes();
    if (!notes.empty) {
      const { sent, outcomes, events, keys } = notes;
      const no = ++this.#lastReport;
      const report = {
        edge: this.edge,
        hour: this.#hour,
        no,
        sent,
        outcomes,
        events: [...events],
        ...(keys.size === 0 ? {} : { keys: [...keys] }),
      };
      const reply = await this.#call((ledger) => ledger.report(report));
      if (!reply.taken) throw new Error(`the ledger refuses report ${no}: ${reply.why}`);
    }
    notes.reported = true;
  }

  /** The calls are repeatable: a lost reply is asked for again. */
  async #call<Reply>(ask: (ledger: LedgerRpc) => Promise<Reply>): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      try {
        return await withDeadline(ask(this.#ledger()), reportDeadlineMs);
      } catch (error) {
        if (tries >= callTriesMax) throw error;
      }
    }
  }
}

/** One isolate's accounts. Losing them loses nothing that a client was told. */
export class EdgeAccounts {
  readonly #accounts = new Map<Hour, EdgeAccount>();
  #slot = -1;

  /** The account of an hour. One that is over is replaced by one with another ledger: that may be what failed. */
  of(namespace: LedgerNamespace, hour: Hour): EdgeAccount {
    const known = this.#accounts.get(hour);
    if (known !== undefined && !known.over) return known;
    this.#slot =
      this.#slot < 0
        ? Math.floor(randomFraction() * ledgersPerHour)
        : (this.#slot + (known === undefined ? 0 : 1)) % ledgersPerHour;
    const edge = hexOf(randomBytes(8)) as EdgeId;
    const account = new EdgeAccount(edge, hour, ledgerOf(namespace, hour, this.#slot));
    this.#accounts.set(hour, account);
    for (const [other, { settled }] of this.#accounts) {
      if (this.#accounts.size > accountsMax && settled && other !== hour) this.#accounts.delete(other);
    }
    return account;
  }
}

function ledgerOf(namespace: LedgerNamespace, hour: Hour, ledgerSlot: number): () => LedgerRpc {
  return () => ledgerStub(namespace, { hour, slot: ledgerSlot });
}
