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
import {
  type EventCounts,
  type Outcome,
  type Report,
  type Sent,
  addCounts,
  zeroCounts,
} from "../../domain/ledger.ts";
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
import { withDeadline } from "../../platform/timer.ts";

/** How often one report is sent before its account is given up. */
const reportTriesMax = 3;

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
  /** Settles when the report that took these notes did. */
  readonly fate = Promise.withResolvers<void>();
  taken = false;

  constructor() {
    this.fate.promise.catch(() => undefined);
  }

  get empty(): boolean {
    return this.sent.length === 0 && this.outcomes.length === 0 && this.events.size === 0;
  }
}

export class EdgeAccount {
  readonly #edge: EdgeId;
  readonly #hour: Hour;
  readonly #ledger: LedgerRpc;
  readonly #opened: Promise<void>;
  #notes = new Notes();
  #lastReport = 0;
  #lastAppend = 0;
  #reporting: Promise<void> | null = null;
  #over = false;

  constructor(edge: EdgeId, hour: Hour, ledger: LedgerRpc) {
    this.#edge = edge;
    this.#hour = hour;
    this.#ledger = ledger;
    const retireAtMs = endOf(hour) + windowMsDefault + retireAfterWindowMs;
    this.#opened = withDeadline(ledger.open(edge, retireAtMs), reportDeadlineMs).catch((error: unknown) => {
      this.#over = true;
      throw new AccountOver(`the ledger did not open an account: ${String(error)}`);
    });
    this.#opened.catch(() => undefined);
  }

  get edge(): EdgeId {
    return this.#edge;
  }

  get over(): boolean {
    return this.#over;
  }

  /** True if nothing waits to be reported. */
  get settled(): boolean {
    return this.#reporting === null && this.#notes.empty;
  }

  /** Resolves when the ledger knows this edge; before that, no append is sent. */
  opened(): Promise<void> {
    return this.#opened;
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

  /** Resolves when everything noted before the call is durable in the ledger. Throws `AccountOver` if it can't be. */
  async reported(): Promise<void> {
    await this.#opened;
    const mine = this.#notes;
    while (!mine.taken) {
      // Whoever wakes first after a report sends the next one, for all that wait.
      if (this.#reporting === null) this.#reporting = this.#report(mine);
      else await this.#reporting;
    }
    await mine.fate.promise;
  }

  /** Sends what is noted. Never rejects: a failure ends the account and is told to those who wait for these notes. */
  async #report(notes: Notes): Promise<void> {
    this.#notes = new Notes();
    notes.taken = true;
    try {
      if (this.#over) throw new AccountOver("an earlier report was lost");
      if (!notes.empty) {
        const { sent, outcomes } = notes;
        const no = ++this.#lastReport;
        await this.#send({
          edge: this.#edge,
          hour: this.#hour,
          no,
          sent,
          outcomes,
          events: [...notes.events],
        });
      }
      notes.fate.resolve();
    } catch (error) {
      this.#over = true;
      notes.fate.reject(new AccountOver(String(error)));
    } finally {
      this.#reporting = null;
    }
  }

  async #send(report: Report): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const reply = await withDeadline(this.#ledger.report(report), reportDeadlineMs);
        if (reply.taken) return;
        throw new AccountOver(`the ledger refuses report ${report.no}: ${reply.why}`);
      } catch (error) {
        if (error instanceof AccountOver || tries >= reportTriesMax) throw error;
      }
    }
  }
}

/** This isolate's accounts. Losing them loses nothing that a client was told. */
const accounts = new Map<Hour, EdgeAccount>();
let slot = -1;

/** This isolate's account of an hour. One that is over is replaced by one with another ledger: that may be what failed. */
export function accountOf(namespace: LedgerNamespace, hour: Hour): EdgeAccount {
  const known = accounts.get(hour);
  if (known !== undefined && !known.over) return known;
  slot =
    slot < 0
      ? Math.floor(randomFraction() * ledgersPerHour)
      : (slot + (known === undefined ? 0 : 1)) % ledgersPerHour;
  const edge = hexOf(randomBytes(8)) as EdgeId;
  const account = new EdgeAccount(edge, hour, ledgerStub(namespace, { hour, slot }));
  accounts.set(hour, account);
  for (const [other, { settled }] of accounts) {
    if (accounts.size > accountsMax && settled && other !== hour) accounts.delete(other);
  }
  return account;
}
