/**
 * A shard: appends rows, decides what is new, claims what is not at its home, flushes parts, gives one receipt for each
 * bucket that it delivers to; and is the home of its hour's identities, for as long as they are remembered.
 *
 * Promises: an append or a claim is answered only when what it rests on is durable; no row is held before the bucket has
 * confirmed the enrolment; a receipt's figures never change; a foreign row is delivered only if its homes granted it.
 * Does not: know the clock, the network or the platform's classes; they come in as `ShardDeps`.
 */
import { type EdgeAnswer, type EdgeQuery, classifyAppends } from "../../domain/append-audit.ts";
import { type Commit, unpackTags } from "../../domain/commit.ts";
import {
  type AppendRefusal,
  type EnrolReply,
  type EnrolRequest,
  decideAdmit,
  isForgotten,
  takesNoClaims,
} from "../../domain/enrol.ts";
import { type Format, defaultFormats } from "../../domain/encoding.ts";
import { type EpochMs, type Hour, endOf, hourNumber, hourOf, hourOfNumber } from "../../domain/hour.ts";
import { type HolderName, type ShardAddress, holderName } from "../../domain/ids.ts";
import { broken } from "../../domain/invariant.ts";
import {
  claimBytes,
  claimPatienceMs,
  deadHandMs,
  flushBytes,
  grantsPageBytes,
  moveHoursMax,
  retireAfterWindowMs,
  sealRetryMsMax,
} from "../../domain/limits.ts";
import type { PartContent } from "../../domain/manifest.ts";
import type {
  AppendMessage,
  AppendReply,
  ClaimMessage,
  ClaimReply,
  CloseMessage,
  CloseReply,
  GrantedAt,
  GrantsPage,
  HomeAddress,
  OwnedAnswer,
  SealReply,
} from "../../domain/messages.ts";
import type { TailPage, TailRange } from "../../domain/merge.ts";
import { PackedRows, claims } from "../../domain/packed-rows.ts";
import { type Plan, dueAt, protocolVersion } from "../../domain/plan.ts";
import { type Receipt, receiptFault } from "../../domain/receipt.ts";
import type { StoredPart } from "../../domain/repair.ts";
import type { ExportCursor, ExportPage } from "../../domain/shard-export.ts";
import { addTallies, zeroTally } from "../../domain/tally.ts";
import { type DeletionDeps, putOffDeletion } from "../../platform/deletion.ts";
import { runAlarm } from "../../platform/run-alarm.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import { CommitQueue } from "./commit-queue.ts";
import { exportPage } from "./export.ts";
import { type FlushDeps, flush, originOf } from "./flush.ts";
import type { HomesDeps } from "./homes.ts";
import { resolveForeign } from "./resolve.ts";
import { type ShardState, ShardStore } from "./store.ts";
import { storedPart } from "./stored-part.ts";

/** The outside of a shard. */
export interface ShardDeps extends Omit<FlushDeps, "sync">, HomesDeps, DeletionDeps {
  now(): Promise<EpochMs>;
  /** Asks the bucket of that hour to wait for this shard. Throws if it can't be reached: then nothing was decided. */
  enrol(hour: Hour, request: EnrolRequest): Promise<EnrolReply>;
  /** Tells the bucket that it is overdue, and answers how far it is; undefined: it did not say. */
  wakeBucket(): Promise<Pick<SealReply, "state"> | undefined>;
  abort(reason: string): void;
}

interface WorkOptions {
  readonly closing: boolean;
  /** Rows whose home does not answer may go to a later bucket. */
  readonly mayMove: boolean;
  /** Of the bucket that the rows are delivered to. */
  readonly formats: readonly Format[];
  readonly carryBytes: number;
}

/** What an answer takes in a page of grants beside its denied fingerprints: a home, a tally. */
const grantedAtBytes = 200;

/** Batches whose payloads are dropped per turn: bounds the transaction. */
const dropBatchesPerTurn = 500;

export class Shard {
  readonly #address: ShardAddress;
  readonly #storage: ObjectStorage;
  readonly #store: ShardStore;
  readonly #deps: ShardDeps;
  #state: ShardState;
  #queue: CommitQueue | null = null;
  /** What waits to be put and to be claimed: counted along, for counting it anew would cost a scan a commit. */
  #held = { unfrozenBytes: 0, unresolvedBytes: 0 };
  /** What the own hour must hold for a look to be worth it: more, once a sample was taken or a try has failed. */
  #enough = { unfrozenBytes: flushBytes, unresolvedBytes: claimBytes };
  #enrolling: Promise<AppendRefusal | null> | null = null;
  #working: Promise<void> | null = null;

  constructor(address: ShardAddress, storage: ObjectStorage, deps: ShardDeps) {
    this.#address = address;
    this.#storage = storage;
    this.#store = new ShardStore(storage);
    this.#deps = deps;
    this.#state = this.#store.state();
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
          return this.#commits().append({ edge, no, rows });
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
    const { hour, index } = this.#address;
    const reply = await this.#deps.enrol(hour, { protocol: protocolVersion, hour, index, plan });
    // The bucket may have closed this shard while the reply was under way: then the state says so.
    if (this.#state.phase !== "blank" && this.#state.phase !== "guard") return null;
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
      this.#store.open(hour, reply.plan, now);
      return this.#deps.armAlarm(this.#deadHandAt(reply.plan), now);
    });
    this.#state = this.#store.state();
    this.#queue?.open();
    await armed;
    return null;
  }

  /** The commit queue, with the identities that this shard remembers; built when it is first needed. */
  #commits(): CommitQueue {
    if (this.#queue !== null) return this.#queue;
    this.#held = this.#store.held(this.#address.hour);
    this.#queue = new CommitQueue(
      this.#store,
      {
        write: (commit, duplicates) => {
          this.#store.commit(this.#address.hour, commit, duplicates);
        },
        sync: () => this.#storage.sync(),
        abort: (reason) => {
          this.#deps.abort(reason);
        },
        committed: (commit) => {
          this.#committed(commit);
        },
      },
      this.#state.duplicates,
      this.#state.phase !== "open",
    );
    return this.#queue;
  }

  /**
   * A holder asks this shard, as the home of these identities, for them. A blank shard that may be one that has retired
   * says so; a younger one keeps identities from now on.
   */
  async claim(message: ClaimMessage): Promise<ClaimReply> {
    if (message.protocol !== protocolVersion) return { decided: false, why: "unknown_protocol" };
    const { owner, fingerprints } = message;
    const now = await this.#deps.now();
    const { hour } = this.#address;
    if (this.#state.phase === "blank") {
      if (isForgotten(hour, message.windowMs, now)) return { decided: false, why: "forgotten" };
      await this.#guard(message.windowMs, now);
    }
    if (takesNoClaims(hour, this.#state.windowMs, now) && !this.#commits().owns(owner))
      return { decided: false, why: "forgotten" };
    const outcome = await this.#commits().claim({ owner, fingerprints });
    return "refused" in outcome
      ? { decided: false, why: outcome.refused }
      : { decided: true, granted: outcome.granted };
  }

  async #guard(windowMs: number, now: EpochMs): Promise<void> {
    if (this.#state.phase !== "blank") return;
    const armed = this.#storage.transactionSync(() => {
      this.#store.guard(windowMs);
      return this.#deps.armAlarm(this.#retireAt(windowMs), now);
    });
    this.#state = this.#store.state();
    await armed;
  }

  /**
   * After each commit: claim and flush within the hour once there is enough. What fails is tried again when as much again
   * has come, or the bucket closes: while R2 is away, each try encodes a part for nothing.
   */
  #committed(commit: Commit): void {
    const { hour } = this.#address;
    this.#held.unfrozenBytes += bytesOf(commit.batches);
    this.#held.unresolvedBytes += bytesOf(commit.foreign);
    const { unfrozenBytes, unresolvedBytes } = this.#enough;
    const enough = this.#held.unfrozenBytes >= unfrozenBytes || this.#held.unresolvedBytes >= unresolvedBytes;
    if (!enough || this.#working !== null || this.#state.phase !== "open") return;
    const formats = this.#state.plan?.formats ?? defaultFormats;
    void this.#work(hour, { closing: false, mayMove: false, formats, carryBytes: 0 }).catch(
      (error: unknown) => {
        this.#enough = {
          unfrozenBytes: this.#held.unfrozenBytes + flushBytes,
          unresolvedBytes: this.#held.unresolvedBytes + claimBytes,
        };
        this.#deps.log("flush_failed", { error: String(error) });
      },
    );
  }

  /** Claims and flushes, one at a time. */
  async #work(hour: Hour, how: WorkOptions): Promise<void> {
    while (this.#working !== null) await this.#working.catch(() => undefined);
    this.#working = this.#workOnce(hour, how).finally(() => {
      this.#working = null;
      this.#held = this.#store.held(this.#address.hour);
    });
    await this.#working;
  }

  async #workOnce(hour: Hour, { closing, mayMove, formats, carryBytes }: WorkOptions): Promise<void> {
    // Closed while this caller waited: the receipt is given, and another one's `carryBytes` must not move its rows.
    if (closing && this.#store.delivery(hour)?.state !== "open") return;
    const enough = closing || this.#store.unresolvedBytes(hour) >= claimBytes;
    if (enough && this.#state.plan !== null) {
      const owner = holderName(this.#address);
      const deps = {
        sync: () => this.#storage.sync(),
        homePlan: (home: Hour, plan: Plan) => this.#deps.homePlan(home, plan),
        claim: (home: HomeAddress, message: ClaimMessage) => this.#deps.claim(home, message),
        enrolLater: (after: Hour, plan: Plan) => this.#enrolLater(after, plan),
      };
      const all = await resolveForeign(this.#store, { hour, owner, plan: this.#state.plan, mayMove }, deps);
      if (closing && !all)
        throw new Error("claims are owed: a home does not answer, and no later bucket is open");
    }
    const deps = {
      objects: this.#deps.objects,
      codec: this.#deps.codec,
      schema: () => this.#deps.schema(),
      sync: () => this.#storage.sync(),
    };
    const order = { hour, formats, closing, carryBytes };
    const unfrozenBytes = await flush(this.#address, this.#store, deps, order);
    if (hour === this.#address.hour) this.#enough = { unfrozenBytes, unresolvedBytes: claimBytes };
    // In the same turn of work: rows of an earlier delivery must not move in between.
    if (closing) this.#store.closeDelivery(hour);
  }

  /** The next bucket that takes this shard in, for rows that must move. Null if none does just now. */
  async #enrolLater(after: Hour, plan: Plan): Promise<Hour | null> {
    const now = await this.#deps.now();
    const { hour, index } = this.#address;
    const first = Math.max(hourNumber(after) + 1, hourNumber(hourOf(now)));
    for (let number = first; number < first + moveHoursMax; number++) {
      const later = hourOfNumber(number);
      const known = this.#store.delivery(later);
      if (known?.state === "open") return later;
      if (known !== null) continue;
      const reply = await this.#deps.enrol(later, { protocol: protocolVersion, hour, index, plan });
      // Its receipt may have been given while the reply was under way: then it takes no row any more.
      const state = this.#store.delivery(later)?.state ?? "open";
      if (reply.enrolled && state === "open") return later;
    }
    return null;
  }

  /**
   * Closes one delivery and says what it holds; the first one of the shard's own bucket closes the shard. Repeating it is
   * safe: the figures are the same, and what an earlier call left to do is done. Throws while claims or parts are owed.
   */
  async close(message: CloseMessage): Promise<CloseReply> {
    const { protocol, hour, nowMs, formats, carryBytes } = message;
    if (protocol !== protocolVersion) return { closed: false, protocol: protocolVersion };
    this.#stop(hour, nowMs);
    if (this.#store.delivery(hour)?.state === "open") {
      const { plan } = this.#state;
      const mayMove = plan !== null && nowMs >= dueAt(hour, plan.graceMs) + claimPatienceMs;
      await this.#work(hour, { closing: true, mayMove, formats, carryBytes });
    }
    const receipt = this.#receipt(hour, formats);
    const fault = receiptFault(receipt);
    if (fault !== null) broken(fault);
    await this.#storage.sync();
    return { closed: true, receipt };
  }

  /** From here on nothing is added to the delivery but what is resolved from its own foreign rows. */
  #stop(hour: Hour, now: EpochMs): void {
    if (hour !== this.#address.hour) {
      if (this.#state.phase === "blank") broken(`a blank shard was enrolled with the bucket of ${hour}`);
      this.#store.addDelivery(hour);
      return;
    }
    if (this.#state.phase === "closed") return;
    const duplicates = this.#queue?.duplicates ?? this.#state.duplicates;
    this.#storage.transactionSync(() => {
      this.#store.close(hour, duplicates, now);
    });
    this.#state = this.#store.state();
    this.#queue?.close();
  }

  #receipt(hour: Hour, formats: readonly Format[]): Receipt {
    const { index, hour: own } = this.#address;
    const parts = this.#store.parts(hour).map((part) => {
      if (part.put === null) broken(`part ${part.no} of a receipt is not put`);
      return {
        ...part.content,
        ...part.put,
        format: part.format,
        origin: originOf(this.#address, hour),
      };
    });
    const tail = this.#store.tail(hour)?.content ?? null;
    const copy = parts.filter(({ format }) => format === formats[0]);
    const held = tail === null ? copy : [...copy, tail];
    const { appended, movedIn, movedOut, denied, unguarded } = this.#store.foreignTotals(hour);
    return {
      counters: {
        index,
        hour: own,
        accepted: hour === own ? addTallies([this.#store.acceptedHome(hour), appended]) : zeroTally,
        reassignedIn: movedIn,
        delivered: addTallies(held.map((content) => content.tally)),
        denied,
        reassignedOut: movedOut,
        unguarded,
        duplicates: hour === own ? this.#state.duplicates : 0,
      },
      formats: [...formats],
      parts,
      tail,
      strays: this.#store.strays(hour),
    };
  }

  /** Bytes of rows of the delivery that no part holds, those that wait for their claims included. Reads only. */
  unflushedBytes(hour: Hour): number {
    const { unfrozenBytes, unresolvedBytes } = this.#store.held(hour);
    return unfrozenBytes + unresolvedBytes;
  }

  /** The pages of what the receipt carries, in row order. Reads only. */
  tailPages(hour: Hour): TailPage[] {
    if (this.#store.delivery(hour)?.state !== "closed") return [];
    return this.#store
      .tailPages(hour)
      .map(({ content, firstSeq, lastSeq }) => ({ range: { firstSeq, lastSeq }, content }));
  }

  /** The payload of a page of them, or of all, in row order; nothing once it was dropped. Reads only. */
  tailPayload(hour: Hour, range: TailRange | null): Uint8Array<ArrayBuffer> {
    if (this.#store.delivery(hour)?.state !== "closed") return new Uint8Array();
    const run = range === null ? this.#store.tail(hour) : this.#store.run(hour, range);
    if (run === null || !this.#store.keepsPayloads(hour, run.firstSeq, run.lastSeq)) return new Uint8Array();
    const bytes = new Uint8Array(run.content.plainBytes);
    let at = 0;
    for (const payload of this.#store.payloads(hour, run.firstSeq, run.lastSeq)) {
      bytes.set(payload, at);
      at += payload.length;
    }
    if (at !== bytes.length) broken(`a page of ${bytes.length} bytes holds ${at}`);
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

  /** What homes answered this shard, from the first answer after `seq`, a page at a time. Reads only. */
  grants(seq: number): GrantsPage {
    const answers: GrantedAt[] = [];
    let bytes = 0;
    for (const { seq: last, ...answer } of this.#store.answers(seq)) {
      answers.push(answer);
      bytes += grantedAtBytes + answer.denied.length;
      if (bytes >= grantsPageBytes) return { settled: this.#store.settled, answers, next: last };
    }
    return { settled: this.#store.settled, answers, next: null };
  }

  /** What this shard, as a home, recorded for a holder. Reads only. */
  ownedBy(owner: HolderName, fingerprints: Uint8Array): OwnedAnswer {
    if (this.#state.phase === "blank") return { owned: zeroTally, known: 0 };
    return this.#commits().ownedBy(owner, fingerprints);
  }

  /**
   * The bucket was re-read from R2 and found whole: payloads may go. Identities stay for the window and a day.
   * True when all are dropped; false: call again.
   */
  async dropPayloads(hour: Hour, now: EpochMs): Promise<boolean> {
    if (this.#store.delivery(hour)?.state !== "closed") return true;
    const armed = this.#storage.transactionSync(() => {
      this.#store.dropPayloads(hour, dropBatchesPerTurn);
      return this.#allDropped() ? this.#deps.armAlarm(this.#retireAt(), now) : null;
    });
    await armed;
    // The bucket takes note of the answer and never asks again.
    await this.#storage.sync();
    return this.#store.delivery(hour)?.state === "dropped";
  }

  #allDropped(): boolean {
    return this.#store.deliveries().every(({ state }) => state === "dropped");
  }

  #deadHandAt(plan: Plan): EpochMs {
    return (dueAt(this.#address.hour, plan.graceMs) + deadHandMs) as EpochMs;
  }

  #retireAt(windowMs = this.#state.windowMs): EpochMs {
    return (endOf(this.#address.hour) + windowMs + retireAfterWindowMs) as EpochMs;
  }

  /**
   * The shard's own alarm: an open shard that nobody closed wakes its bucket; one that has nothing left to deliver
   * retires after the window.
   */
  alarm(now: EpochMs): Promise<void> {
    return runAlarm(() => this.#alarm(now), now, this.#deps);
  }

  async #alarm(now: EpochMs): Promise<void> {
    if (this.#state.phase === "open" && this.#state.plan !== null) {
      if (now < this.#deadHandAt(this.#state.plan)) {
        await this.#deps.armAlarm(this.#deadHandAt(this.#state.plan), now);
        return;
      }
      await this.#deps.armAlarm((now + sealRetryMsMax) as EpochMs, now);
      const bucket = await this.#deps.wakeBucket().catch((error: unknown) => {
        this.#deps.log("wake_bucket_failed", { error: String(error) });
        return undefined;
      });
      if (bucket?.state === "sealed") await this.#abandoned(now);
      return;
    }
    if (this.#state.phase === "blank" || !this.#allDropped()) return;
    if (now < this.#retireAt()) {
      await this.#deps.armAlarm(this.#retireAt(), now);
      return;
    }
    if (await putOffDeletion(this.#deps, now)) return;
    await this.#storage.deleteAll();
    this.#deps.log("retired", {});
    this.#deps.abort("retired");
  }

  /**
   * The bucket has sealed, and never had this shard's receipt: it was given up. What it holds is in no bucket, and is kept;
   * from now on it takes no row, so that edges send them elsewhere.
   */
  async #abandoned(now: EpochMs): Promise<void> {
    const { hour } = this.#address;
    if (this.#state.phase !== "open") return;
    this.#stop(hour, now);
    await this.#storage.sync();
    const held = addTallies([this.#store.acceptedHome(hour), this.#store.foreignTotals(hour).appended]);
    this.#deps.log("abandoned_shard_back", { rows: held.rows });
  }

  /** For the operator who puts a part back. Reads only. */
  storedPart(hour: Hour, key: string): Promise<StoredPart> {
    return storedPart(this.#address, this.#store, this.#deps.codec, hour, key);
  }

  /** For the operator who looks: what the shard has stored, a page at a time. Reads only. */
  exportPage(cursor: ExportCursor | null, bytesMax: number): ExportPage {
    return exportPage(this.#address, this.#state, this.#store, cursor, bytesMax);
  }

  /** For the operator: what the shard is, without a payload. */
  describe(): string {
    const deliveries = this.#store.deliveries().map((delivery) => ({
      ...delivery,
      unfrozenBytes: this.#store.unfrozenBytes(delivery.hour),
      unresolvedBytes: this.#store.unresolvedBytes(delivery.hour),
    }));
    const owes = this.#owes(deliveries.map(({ hour }) => hour));
    return JSON.stringify({ ...this.#state, ...this.#queue?.size, deliveries, owes });
  }

  /** Of the first rows that wait for their claims: how many, by the hour of their home. */
  #owes(hours: readonly Hour[]): Record<string, number> {
    const owes: Record<string, number> = {};
    for (const { rows } of hours.flatMap((hour) => this.#store.unresolved(hour, claimBytes))) {
      for (let row = 0; row < rows.count; row++) {
        const home = (rows.claims(row) & claims.dated) === 0 ? "undated" : rows.homeHour(row);
        owes[home] = (owes[home] ?? 0) + 1;
      }
    }
    return owes;
  }
}

function bytesOf(batches: readonly { readonly content: PartContent }[]): number {
  return batches.reduce((sum, { content }) => sum + content.plainBytes, 0);
}
