/**
 * A shard: appends rows, decides what is new, flushes parts, gives one receipt and then takes nothing more.
 *
 * Promises: an append is answered only when its rows, and the rows its duplicates rest on, are durable; no row is held
 * before the bucket has confirmed the enrolment; a receipt's figures never change.
 * Does not: know the clock, the network or the platform's classes; they come in as `ShardDeps`.
 */
import { broken } from "../../domain/invariant.ts";
import { type EdgeAnswer, type EdgeQuery, classifyAppends } from "../../domain/append-audit.ts";
import { unpackTags } from "../../domain/commit.ts";
import { type AppendRefusal, type EnrolReply, type EnrolRequest, decideAdmit } from "../../domain/enrol.ts";
import { type EpochMs, endOf } from "../../domain/hour.ts";
import type { ShardAddress } from "../../domain/ids.ts";
import {
  deadHandMs,
  flushBytes,
  retireAfterWindowMs,
  sealRetryMsMax,
  windowMsDefault,
} from "../../domain/limits.ts";
import type { AppendMessage, AppendReply, CloseMessage, CloseReply } from "../../domain/messages.ts";
import { PackedRows } from "../../domain/packed-rows.ts";
import { type Plan, dueAt, protocolVersion } from "../../domain/plan.ts";
import { type Receipt, receiptFault } from "../../domain/receipt.ts";
import { addTallies } from "../../domain/tally.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import { CommitQueue } from "./commit-queue.ts";
import { type FlushDeps, flush } from "./flush.ts";
import { type ShardState, ShardStore } from "./store.ts";

/** The outside of a shard. */
export interface ShardDeps extends Omit<FlushDeps, "sync"> {
  now(): Promise<EpochMs>;
  /** Asks the bucket to wait for this shard. Throws if it can't be reached: then nothing was decided. */
  enrol(request: EnrolRequest): Promise<EnrolReply>;
  /** Tells the bucket that it is overdue. */
  wakeBucket(): Promise<void>;
  /** Arms the object's one alarm, in the same turn as the writes around it; await it before answering. */
  armAlarm(at: EpochMs, now: EpochMs): Promise<void>;
  abort(reason: string): void;
  log(event: string, fields: Record<string, unknown>): void;
}

/** Batches whose payloads are dropped per turn: bounds the transaction. */
const dropBatchesPerTurn = 500;

export class Shard {
  readonly #address: ShardAddress;
  readonly #storage: ObjectStorage;
  readonly #store: ShardStore;
  readonly #deps: ShardDeps;
  #state: ShardState;
  #queue: CommitQueue | null = null;
  #enrolling: Promise<AppendRefusal | null> | null = null;
  #flushing: Promise<void> | null = null;
  #unfrozenBytes = 0;

  constructor(address: ShardAddress, storage: ObjectStorage, deps: ShardDeps) {
    this.#address = address;
    this.#storage = storage;
    this.#store = new ShardStore(storage);
    this.#deps = deps;
    this.#state = this.#store.state();
    if (this.#state.phase === "open") this.#wakeOpen();
  }

  async append(message: AppendMessage): Promise<AppendReply> {
    const rows = PackedRows.read(message.rows);
    if (rows === null) return { refused: "malformed", detail: "the packed rows do not add up" };
    const { protocol, plan, edge, no } = message;
    for (;;) {
      const decision = decideAdmit({ ...this.#state, index: this.#address.index }, { protocol, plan, rows });
      switch (decision.act) {
        case "refuse":
          return decision.refusal;
        case "queue":
          return this.#openQueue().push({ edge, no, rows });
        case "enrol": {
          const refusal = await this.#enrol(plan);
          if (refusal !== null) return refusal;
        }
      }
    }
  }

  /** Enrols once for all appends that wait for it. Null: the shard is no longer blank; decide again. */
  #enrol(plan: Plan): Promise<AppendRefusal | null> {
    this.#enrolling ??= this.#enrolOnce(plan).finally(() => {
      this.#enrolling = null;
    });
    return this.#enrolling;
  }

  async #enrolOnce(plan: Plan): Promise<AppendRefusal | null> {
    const now = await this.#deps.now();
    const reply = await this.#deps.enrol({ protocol: protocolVersion, index: this.#address.index, plan });
    // The bucket may have closed this shard while the reply was under way: then the state says so.
    if (this.#state.phase !== "blank") return null;
    if (!reply.enrolled) {
      switch (reply.why) {
        case "closed":
          return { refused: "closed" };
        case "too_early":
          return { refused: "too_early" };
        case "wrong_plan":
          return { refused: "wrong_plan", plan: reply.plan };
        case "unknown_protocol":
          return { refused: "unknown_protocol", protocol: reply.protocol };
      }
    }
    const armed = this.#storage.transactionSync(() => {
      this.#store.open(reply.plan, now);
      return this.#deps.armAlarm(this.#deadHandAt(reply.plan), now);
    });
    this.#state = this.#store.state();
    this.#wakeOpen();
    await armed;
    return null;
  }

  #wakeOpen(): void {
    this.#queue = new CommitQueue(
      this.#store,
      {
        sync: () => this.#storage.sync(),
        abort: (reason) => {
          this.#deps.abort(reason);
        },
        committed: () => {
          this.#committed();
        },
      },
      this.#state.duplicates,
    );
    this.#unfrozenBytes = this.#store.unfrozenBytes();
  }

  #openQueue(): CommitQueue {
    if (this.#queue === null) broken("an open shard has no commit queue");
    return this.#queue;
  }

  /** After each commit: flush within the hour once there is enough. A failed flush is tried again by the next one. */
  #committed(): void {
    this.#unfrozenBytes = this.#store.unfrozenBytes();
    if (this.#unfrozenBytes < flushBytes || this.#flushing !== null) return;
    void this.#flush(false).catch((error: unknown) => {
      this.#deps.log("flush_failed", { error: String(error) });
    });
  }

  async #flush(closing: boolean): Promise<void> {
    while (this.#flushing !== null) await this.#flushing.catch(() => undefined);
    const deps = { ...this.#deps, sync: () => this.#storage.sync() };
    this.#flushing = flush(this.#address, this.#store, deps, closing).finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  /**
   * Closes the shard and says what it holds. Repeating it is safe: the figures are the same, and what an earlier call
   * left to put is put. Throws while R2 does not take a part: the shard is closed, its receipt is owed.
   */
  async close(message: CloseMessage): Promise<CloseReply> {
    if (message.protocol !== protocolVersion) return { closed: false, protocol: protocolVersion };
    if (this.#state.phase !== "closed") {
      const duplicates = this.#queue?.duplicates ?? this.#state.duplicates;
      this.#storage.transactionSync(() => {
        this.#store.close(duplicates, message.nowMs);
      });
      this.#state = this.#store.state();
      this.#queue?.close();
      this.#queue = null;
    }
    // A dropped shard has nothing to put; a closed one may.
    if (!this.#state.dropped) await this.#flush(true);
    const receipt = this.#receipt();
    const fault = receiptFault(receipt);
    if (fault !== null) broken(fault);
    await this.#storage.sync();
    return { closed: true, receipt };
  }

  #receipt(): Receipt {
    const parts = this.#store.parts().map((part) => {
      if (part.put === null) broken(`part ${part.no} of a receipt is not put`);
      return { ...part.content, ...part.put, format: "ndjson.gz" as const, origin: this.#address.index };
    });
    const tail = this.#store.tail()?.content ?? null;
    const held = tail === null ? parts : [...parts, tail];
    return {
      counters: {
        index: this.#address.index,
        accepted: this.#store.accepted().tally,
        delivered: addTallies(held.map((content) => content.tally)),
        duplicates: this.#state.duplicates,
      },
      parts,
      tail,
      strays: this.#store.strays(),
    };
  }

  /** The payload of the rows that the receipt carries, in row order. */
  tail(): Uint8Array<ArrayBuffer> {
    const tail = this.#state.phase === "closed" ? this.#store.tail() : null;
    if (tail === null) return new Uint8Array();
    const bytes = new Uint8Array(tail.content.plainBytes);
    let at = 0;
    for (const payload of this.#store.payloads(tail.firstSeq, tail.lastSeq)) {
      bytes.set(payload, at);
      at += payload.length;
    }
    if (at !== bytes.length) broken(`a tail of ${bytes.length} bytes holds ${at}`);
    return bytes;
  }

  /** What became of the appends that the ledger names. Reads only. */
  lookUpAppends(queries: readonly EdgeQuery[]): EdgeAnswer[] {
    if (this.#state.phase === "blank") return [];
    return classifyAppends(this.#allTags(), queries);
  }

  *#allTags(): Generator<ReturnType<typeof unpackTags>[number]> {
    for (const packed of this.#store.tags()) yield* unpackTags(packed);
  }

  /**
   * The bucket was re-read from R2 and found whole: payloads may go. Identities stay for the window and a day.
   * True when all are dropped; false: call again.
   */
  async dropPayloads(now: EpochMs): Promise<boolean> {
    if (this.#state.phase !== "closed" || this.#state.dropped) return true;
    const armed = this.#storage.transactionSync(() =>
      this.#store.dropPayloads(dropBatchesPerTurn) ? this.#deps.armAlarm(this.#retireAt(), now) : null,
    );
    this.#state = this.#store.state();
    await armed;
    // The bucket takes note of the answer and never asks again.
    await this.#storage.sync();
    return this.#state.dropped;
  }

  #deadHandAt(plan: Plan): EpochMs {
    return (dueAt(this.#address.hour, plan.graceMs) + deadHandMs) as EpochMs;
  }

  #retireAt(): EpochMs {
    const windowMs = this.#state.plan?.windowMs ?? windowMsDefault;
    return (endOf(this.#address.hour) + windowMs + retireAfterWindowMs) as EpochMs;
  }

  /**
   * The shard's own alarm: an open shard that nobody closed wakes its bucket; a dropped one retires after the window.
   * Never throws: an alarm that throws six times is never run again.
   */
  async alarm(now: EpochMs): Promise<void> {
    if (this.#state.phase === "open" && this.#state.plan !== null) {
      if (now < this.#deadHandAt(this.#state.plan)) {
        await this.#deps.armAlarm(this.#deadHandAt(this.#state.plan), now);
        return;
      }
      await this.#deps.armAlarm((now + sealRetryMsMax) as EpochMs, now);
      await this.#deps.wakeBucket().catch((error: unknown) => {
        this.#deps.log("wake_bucket_failed", { error: String(error) });
      });
      return;
    }
    if (!this.#state.dropped) return;
    if (now < this.#retireAt()) {
      await this.#deps.armAlarm(this.#retireAt(), now);
      return;
    }
    await this.#storage.deleteAll();
    this.#deps.log("retired", {});
    this.#deps.abort("retired");
  }

  /** For the operator: what the shard is, without a payload. */
  describe(): string {
    return JSON.stringify({ ...this.#state, ...this.#queue?.size, unfrozenBytes: this.#unfrozenBytes });
  }
}
