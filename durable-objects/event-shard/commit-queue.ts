/**
 * The commit queue: appends wait in order, are decided together, written in one transaction, and answered only when
 * that transaction is durable.
 *
 * Group commit without a timer: the first append commits at once; those that come while it syncs are the next commit.
 * Duplicates pass the same queue, so a `duplicate` always rests on rows that are durable already.
 * A commit that fails aborts the object: what its memory says is no longer what its storage says.
 */
import { broken } from "../../domain/invariant.ts";
import {
  type AppendOutcome,
  type WaitingAppend,
  appendsOfNextCommit,
  decideCommit,
} from "../../domain/commit.ts";
import type { AppendRefusal } from "../../domain/enrol.ts";
import { IdentitySet } from "../../domain/identity-set.ts";
import { identitiesPerShardMax, queueBytesMax } from "../../domain/limits.ts";
import type { ShardStore } from "./store.ts";

interface Waiting extends WaitingAppend {
  readonly answer: (reply: AppendOutcome | AppendRefusal) => void;
  readonly fail: (error: unknown) => void;
}

export interface CommitQueueDeps {
  /** Resolves when everything written so far is durable. */
  sync(): Promise<void>;
  /** Throws the object away, memory and all; its storage stays. */
  abort(reason: string): void;
  /** Called after each commit that wrote rows. */
  committed(): void;
}

export class CommitQueue {
  readonly #store: ShardStore;
  readonly #deps: CommitQueueDeps;
  readonly #seen = new IdentitySet();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #waitingRows = 0;
  #running = false;
  #closed = false;
  duplicates: number;

  /** Rebuilds the identities from what is stored: a wake costs one read of the packed fingerprints. */
  constructor(store: ShardStore, deps: CommitQueueDeps, duplicates: number) {
    this.#store = store;
    this.#deps = deps;
    this.duplicates = duplicates;
    for (const packed of store.fingerprints()) this.#seen.addAll(packed);
  }

  /** Identities and bytes of memory they take. */
  get size(): { readonly identities: number; readonly tableBytes: number } {
    return { identities: this.#seen.size, tableBytes: this.#seen.tableBytes };
  }

  push(append: WaitingAppend): Promise<AppendOutcome | AppendRefusal> {
    if (this.#closed) return Promise.resolve({ refused: "closed" });
    if (this.#waitingBytes + append.rows.bytes.length > queueBytesMax)
      return Promise.resolve({ refused: "overloaded" });
    if (this.#seen.size + this.#waitingRows + append.rows.count > identitiesPerShardMax) {
      return Promise.resolve({ refused: "full" });
    }
    const { promise, resolve, reject } = Promise.withResolvers<AppendOutcome | AppendRefusal>();
    this.#waiting.push({ ...append, answer: resolve, fail: reject });
    this.#waitingBytes += append.rows.bytes.length;
    this.#waitingRows += append.rows.count;
    if (!this.#running) void this.#run();
    return promise;
  }

  /** Refuses whatever has not been committed. The caller has just made the shard `closed` in its storage. */
  close(): void {
    this.#closed = true;
    for (const { answer } of this.#take(this.#waiting.length)) answer({ refused: "closed" });
  }

  #take(count: number): Waiting[] {
    const taken = this.#waiting.splice(0, count);
    for (const { rows } of taken) {
      this.#waitingBytes -= rows.bytes.length;
      this.#waitingRows -= rows.count;
    }
    return taken;
  }

  /** Never rejects: a failure is told to the appends concerned, and ends the object. */
  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const appends = this.#take(appendsOfNextCommit(this.#waiting));
      try {
        const commit = decideCommit(this.#seen, appends);
        this.duplicates += commit.duplicates;
        this.#store.commit(commit, this.duplicates);
        await this.#deps.sync();
        appends.forEach(({ answer }, index) => {
          const outcome = commit.outcomes[index];
          if (outcome === undefined) broken("an append without an outcome");
          answer(outcome);
        });
        if (commit.batches.length > 0) this.#deps.committed();
      } catch (error) {
        this.#closed = true;
        // On the platform nothing runs after it: whoever waits hears the reason from there.
        this.#deps.abort(`a commit failed: ${String(error)}`);
        for (const { fail } of [...appends, ...this.#take(this.#waiting.length)]) fail(error);
        return;
      }
    }
    this.#running = false;
  }
}
