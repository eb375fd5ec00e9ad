/**
 * Why events of a stream are in quarantine: from the rows of the newest hours, as many as may be looked at. Reasons and
 * places only: what the events hold is for keys that may read buckets.
 */
import type { Hour } from "../hour.ts";
import { quarantineNewestShown, quarantineReasonsShown, quarantineViewRowsMax } from "../limits.ts";
import type { Quarantined } from "../quarantine.ts";

export interface QuarantineView {
  /** Events of the stream that were looked at. */
  readonly events: number;
  /** False: there are older ones, or more of the same hour, and the reasons are those of the newest. */
  readonly whole: boolean;
  /** Most events first. */
  readonly reasons: readonly QuarantineReason[];
  /** Events of other reasons than those that are listed. */
  readonly otherEvents: number;
  readonly newest: readonly NewestQuarantined[];
}

export interface QuarantineReason {
  readonly code: string;
  /** Where in the event, as a JSON Pointer; null: it is about the event as a whole. */
  readonly pointer: string | null;
  /** Of the newest one. */
  readonly detail: string;
  readonly events: number;
}

export interface NewestQuarantined {
  readonly hour: Hour;
  readonly receivedAt: string;
  readonly code: string;
  readonly pointer: string | null;
  readonly detail: string;
}

/** Gathers rows of quarantine in any order, `quarantineViewRowsMax` of them, so that reasons and places are bounded, too. */
export class QuarantineSample {
  readonly #reasons = new Map<string, { events: number; newest: NewestQuarantined }>();
  #newest: NewestQuarantined[] = [];
  #events = 0;
  #lookedAt = 0;
  #whole = true;

  /** Null: the row is of another stream. False: it was one too many, and so is every further one. */
  take(hour: Hour, found: Quarantined | null): boolean {
    if (this.#lookedAt === quarantineViewRowsMax) return (this.#whole = false);
    this.#lookedAt++;
    if (found !== null) this.#add(hour, found);
    return true;
  }

  #add(hour: Hour, { receivedAt, code, pointer: place, detail }: Quarantined): void {
    const pointer = place ?? null;
    const one = { hour, receivedAt, code, pointer, detail };
    this.#events++;
    const known = this.#reasons.get(JSON.stringify([code, pointer]));
    if (known === undefined) this.#reasons.set(JSON.stringify([code, pointer]), { events: 1, newest: one });
    else {
      known.events++;
      if (receivedAt > known.newest.receivedAt) known.newest = one;
    }
    const last = this.#newest.at(-1);
    if (this.#newest.length < quarantineNewestShown || last === undefined || receivedAt > last.receivedAt)
      this.#newest = [...this.#newest, one].toSorted(newestFirst).slice(0, quarantineNewestShown);
  }

  view(): QuarantineView {
    const reasons = [...this.#reasons.values()]
      .map(({ events, newest: { code, pointer, detail } }) => ({ code, pointer, detail, events }))
      .toSorted((a, b) => b.events - a.events || (a.code + a.pointer < b.code + b.pointer ? -1 : 1));
    const shown = reasons.slice(0, quarantineReasonsShown);
    return {
      events: this.#events,
      whole: this.#whole,
      reasons: shown,
      otherEvents: this.#events - shown.reduce((sum, { events }) => sum + events, 0),
      newest: this.#newest,
    };
  }
}

function newestFirst(a: NewestQuarantined, b: NewestQuarantined): number {
  return a.receivedAt === b.receivedAt ? 0 : a.receivedAt > b.receivedAt ? -1 : 1;
}
