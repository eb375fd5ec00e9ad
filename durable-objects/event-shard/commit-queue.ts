/**
 * The commit queue: appends and claims wait in order, are decided together, written in one transaction, and answered
 * only when that transaction is durable.
 *
 * Group commit without a timer: the first one commits at once; those that come while it syncs are the next commit.
 * Duplicates and claims pass the same queue, so what they are told always rests on rows that are durable already.
 * A commit that fails aborts the object: what its memory says is no longer what its storage says.
 */
import {
  type AppendOutcome,
  type ClaimOutcome,
  type Commit,
  type Waiting,
  type WaitingAppend,
  type WaitingClaim,
  countOfNextCommit,
  decideCommit,
  waitingBytes,
} from "../../domain/commit.ts";
import type { AppendRefusal } from "../../domain/enrol.ts";
import { fingerprintBytes } from "../../domain/fingerprint.ts";
import { Identities } from "../../domain/identities.ts";
import type { HolderName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import { identitiesPerHomeMax, identitiesPerShardMax, queueBytesMax } from "../../domain/limits.ts";
import type { OwnedAnswer } from "../../domain/messages.ts";
import { RecentAppends } from "./recent-appends.ts";
import type { ShardStore } from "./store.ts";

export type ClaimRefusal = { readonly refused: "full" | "overloaded" };

type Outcome = AppendOutcome | ClaimOutcome;

interface Entry {
  readonly waiting: Waiting;
  readonly answer: (outcome: Outcome | null) => void;
  readonly fail: (error: unknown) => void;
}

export interface CommitQueueDeps {
  /** Writes a commit, all or none. */
  write(commit: Commit, duplicates: number): void;
  /** Resolves when everything written so far is durable. */
  sync(): Promise<void>;
  /** Throws the object away, memory and all; its storage stays. */
  abort(reason: string): void;
  /** Called after each commit that wrote rows. */
  committed(commit: Commit): void;
}

export class CommitQueue {
  readonly #deps: CommitQueueDeps;
  readonly #identities: Identities;
  #recent = new RecentAppends();
  #entries: Entry[] = [];
  /** Of all that has no answer: what a commit took is held until it is durable. */
  #heldBytes = 0;
  /** Of what no commit has taken. */
  #waitingRows = 0;
  #running = false;
  #closed: boolean;
  #broken = false;
  duplicates: number;

  /** Rebuilds the identities from what is stored: a wake costs one read of the packed fingerprints. */
  constructor(store: ShardStore, deps: CommitQueueDeps, duplicates: number, closed: boolean) {
    this.#deps = deps;
    this.#closed = closed;
    this.duplicates = duplicates;
    if (!closed) this.#recent = RecentAppends.of(store.tags());
    this.#identities = Identities.restore({
      rows: store.fingerprints(),
      foreign: store.foreignFingerprints(),
      claims: store.claims(),
    });
  }

  /** Identities and bytes of memory they take. */
  get size(): { readonly identities: number; readonly tableBytes: number } {
    return { identities: this.#identities.size, tableBytes: this.#identities.tableBytes };
  }

  async append(append: Omit<WaitingAppend, "kind">): Promise<AppendOutcome | AppendRefusal> {
    if (this.#closed) return { refused: "closed" };
    // The first delivery may have brought rows, and this one would call them duplicates: neither answer is the other's.
    if (!this.#recent.add(append.edge, append.no)) return { refused: "repeated" };
    const waiting: Waiting = { kind: "append", ...append };
    const refused = this.#noRoom(waiting, identitiesPerShardMax);
    if (refused !== null) return { refused };
    const outcome = await this.#push(waiting);
    if (outcome === null) return { refused: "closed" };
    return "granted" in outcome ? broken("an append was answered as a claim") : outcome;
  }

  async claim(claim: Omit<WaitingClaim, "kind">): Promise<ClaimOutcome | ClaimRefusal> {
    const waiting: Waiting = { kind: "claim", ...claim };
    const refused = this.#noRoom(waiting, identitiesPerHomeMax);
    if (refused !== null) return { refused };
    const outcome = await this.#push(waiting);
    if (outcome === null || !("granted" in outcome)) return broken("a claim was answered as an append");
    return outcome;
  }

  /** What this home recorded: the identities of one owner, and how many of these fingerprints it knows. */
  ownedBy(owner: HolderName, fingerprints: Uint8Array): OwnedAnswer {
    return this.#identities.ownedBy(owner, fingerprints);
  }

  /** True if this holder owns identities here. */
  owns(owner: HolderName): boolean {
    return this.#identities.owns(owner);
  }

  /** The shard takes appends from now on. */
  open(): void {
    this.#closed = false;
  }

  /** Refuses whatever has not been committed of appends. The caller has just made the shard `closed` in its storage. */
  close(): void {
    this.#closed = true;
    const appends = this.#entries.filter(({ waiting }) => waiting.kind === "append");
    this.#entries = this.#entries.filter(({ waiting }) => waiting.kind === "claim");
    for (const { waiting, answer } of appends) {
      this.#waitingRows -= rowsOf(waiting);
      this.#heldBytes -= waitingBytes(waiting);
      answer(null);
    }
  }

  #noRoom(waiting: Waiting, identitiesMax: number): "full" | "overloaded" | null {
    // What is alone is taken, whatever its size: an edge of older code sends all of a request's rows at once.
    if (this.#heldBytes > 0 && this.#heldBytes + waitingBytes(waiting) > queueBytesMax) return "overloaded";
    return this.#identities.size + this.#waitingRows + rowsOf(waiting) > identitiesMax ? "full" : null;
  }

  #push(waiting: Waiting): Promise<Outcome | null> {
    if (this.#broken) return Promise.reject(new Error("a commit failed; the object is gone"));
    const { promise, resolve, reject } = Promise.withResolvers<Outcome | null>();
    this.#entries.push({ waiting, answer: resolve, fail: reject });
    this.#heldBytes += waitingBytes(waiting);
    this.#waitingRows += rowsOf(waiting);
    if (!this.#running) void this.#run();
    return promise;
  }

  #take(count: number): Entry[] {
    const taken = this.#entries.splice(0, count);
    for (const { waiting } of taken) this.#waitingRows -= rowsOf(waiting);
    return taken;
  }

  /** Never rejects: a failure is told to those concerned, and ends the object. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#entries.length > 0) {
      const entries = this.#take(countOfNextCommit(this.#entries.map(({ waiting }) => waiting)));
      try {
        const commit = decideCommit(
          this.#identities,
          entries.map(({ waiting }) => waiting),
        );
        this.duplicates += commit.duplicates;
        this.#deps.write(commit, this.duplicates);
        await this.#deps.sync();
        entries.forEach(({ waiting, answer }, index) => {
          this.#heldBytes -= waitingBytes(waiting);
          answer(commit.outcomes[index] ?? broken("somebody waited and has no outcome"));
        });
        if (commit.batches.length + commit.foreign.length > 0) this.#deps.committed(commit);
      } catch (error) {
        this.#heldBytes = 0;
        this.#broken = true;
        // On the platform nothing runs after it: whoever waits hears the reason from there.
        this.#deps.abort(`a commit failed: ${String(error)}`);
        for (const { fail } of [...entries, ...this.#take(this.#entries.length)]) fail(error);
        return;
      }
    }
    this.#running = false;
  }
}

function rowsOf(waiting: Waiting): number {
  return waiting.kind === "append" ? waiting.rows.count : waiting.fingerprints.length / fingerprintBytes;
}
