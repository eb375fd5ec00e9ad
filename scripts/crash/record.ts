/**
 * The clients' own record: which events were sent, and what each was answered for good. It lives in this process, which
 * nobody kills, and shares nothing with the system that is.
 */
import type { Random } from "./random.ts";

export interface CrashEvent {
  /** Without `time`: undated. */
  readonly attributes: Readonly<{ id: string; source: string; type: string; time?: string }>;
  readonly data: { readonly no: number; readonly text: string };
}

/** `open`: sent, and not answered for good yet. */
export type Fate = "open" | "acknowledged" | { readonly refused: string };

export interface Entry {
  readonly event: CrashEvent;
  fate: Fate;
  /** A request that carried it ended without an answer, so it may be stored though nobody was told. */
  replyLost: boolean;
}

const recentMax = 20_000;

export class ClientRecord {
  readonly #entries = new Map<string, Entry>();
  /** The newest ones, to choose repeats from. */
  readonly #recent: Entry[] = [];
  requests = 0;
  retries = 0;
  /** Events that were in a request, repeats included. */
  sent = 0;
  accepted = 0;
  duplicates = 0;

  add(event: CrashEvent): Entry {
    const entry: Entry = { event, fate: "open", replyLost: false };
    this.#entries.set(nameOf(event.attributes), entry);
    this.#recent[(this.#entries.size - 1) % recentMax] = entry;
    return entry;
  }

  /** One of the events made lately, by whichever client; null if there is none. */
  earlier(random: Random): Entry | null {
    return this.#recent[random.between(0, this.#recent.length - 1)] ?? null;
  }

  /** An event once acknowledged stays it, whatever a repeat of it is told. */
  settle(entry: Entry, fate: Exclude<Fate, "open">): void {
    if (entry.fate !== "acknowledged") entry.fate = fate;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }
}

/** An identity as one text; no attribute that is made here holds a line break. */
export function nameOf({ type, source, id }: { type: string; source: string; id: string }): string {
  return `${type}\n${source}\n${id}`;
}
