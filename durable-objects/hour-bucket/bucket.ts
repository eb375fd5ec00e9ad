/**
 * A bucket: one stream × one hour. Confirms enrolments, ends the hour, and looks after what comes later.
 *
 * Promises: a manifest is created only when every enrolled shard has delivered its receipt; once `sealing`, nothing
 * enrols; payloads are dropped only after a balanced verdict; what it could not do, it goes on with by its own alarm.
 * Does not: know the clock, the network or the platform's classes; they come in as `BucketDeps`.
 */
import {
  type BucketPhase,
  type EnrolReply,
  type PlanReply,
  decideEnrol,
  decidePlan,
} from "../../domain/enrol.ts";
import { type AbandonMessage, type AbandonReply, type Waiting, decideAbandon } from "../../domain/abandon.ts";
import { type EpochMs, endOf, isoOf } from "../../domain/hour.ts";
import { type BucketAddress, type Holder, holderName } from "../../domain/ids.ts";
import { BrokenInvariant, broken } from "../../domain/invariant.ts";
import {
  detailCharsMax,
  retireAfterWindowMs,
  sealRetryMsMin,
  stepsPerSealMax,
  windowMsDefault,
} from "../../domain/limits.ts";
import { Manifest } from "../../domain/manifest.ts";
import type {
  EnrolMessage,
  PlanMessage,
  SealMessage,
  SealReply,
  SealTrouble,
  SealedSummary,
  VerifiedMessage,
} from "../../domain/messages.ts";
import { type Plan, dueAt, sealAlarmAt } from "../../domain/plan.ts";
import type { StoredPart } from "../../domain/repair.ts";
import { nextSealStep, retryDelayMs } from "../../domain/seal.ts";
import { type DeletionDeps, putOffDeletion } from "../../platform/deletion.ts";
import { runAlarm } from "../../platform/run-alarm.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import { type SealDeps, SealSteps } from "./seal-steps.ts";
import { BucketStore, type Enrolment } from "./store.ts";
import { storedPart } from "./stored-part.ts";

/** The outside of a bucket. */
export interface BucketDeps extends SealDeps, DeletionDeps {
  now(): Promise<EpochMs>;
  /** A number in [0, 1) that spreads retries. */
  jitter(): number;
  abort(reason: string): void;
}

function enrolledAs(enrolment: Enrolment | undefined): Waiting["enrolled"] {
  if (enrolment === undefined) return "no";
  if (enrolment.abandoned !== null) return "abandoned";
  return enrolment.receipt === null ? "waiting" : "answered";
}

export class Bucket {
  readonly #address: BucketAddress;
  readonly #storage: ObjectStorage;
  readonly #store: BucketStore;
  readonly #steps: SealSteps;
  readonly #deps: BucketDeps;
  #sealing: Promise<SealReply> | null = null;

  constructor(address: BucketAddress, storage: ObjectStorage, deps: BucketDeps) {
    this.#address = address;
    this.#storage = storage;
    this.#store = new BucketStore(storage);
    this.#steps = new SealSteps(address, this.#store, deps);
    this.#deps = deps;
  }

  async enrol(message: EnrolMessage): Promise<EnrolReply> {
    const now = await this.#deps.now();
    const record = this.#store.record();
    const phase: BucketPhase = record?.phase ?? "blank";
    const decision = decideEnrol({ phase, plan: record?.plan ?? null }, this.#address.hour, message, now);
    switch (decision.act) {
      case "refuse":
        return decision.reply;
      case "open": {
        const { graceMs } = decision.plan;
        const armed = this.#storage.transactionSync(() => {
          this.#store.open(decision.plan, dueAt(this.#address.hour, graceMs));
          this.#store.enrol(message, now);
          return this.#deps.armAlarm(sealAlarmAt(this.#address.type, this.#address.hour, graceMs), now);
        });
        await armed;
        break;
      }
      case "enrol":
        this.#store.enrol(message, now);
    }
    await this.#storage.sync();
    return decision.reply;
  }

  /**
   * The plan by which this hour's homes are found. A claim may be the first to ask: then it is fixed, and whoever enrols
   * later must have the same.
   */
  async plan({ plan, nowMs }: PlanMessage): Promise<PlanReply> {
    const record = this.#store.record();
    const { reply, fix } = decidePlan(record?.plan ?? null, this.#address.hour, plan, nowMs);
    if (fix) {
      const retireAtMs = this.#retireAt(plan);
      const armed = this.#storage.transactionSync(() => {
        this.#store.fixPlan(plan, dueAt(this.#address.hour, plan.graceMs));
        return record === null ? this.#deps.armAlarm(retireAtMs, nowMs) : null;
      });
      await armed;
    }
    await this.#storage.sync();
    return reply;
  }

  #retireAt(plan: Plan | null): EpochMs {
    return (endOf(this.#address.hour) + (plan?.windowMs ?? windowMsDefault) + retireAfterWindowMs) as EpochMs;
  }

  /** Seals if due, and says how far it got. Called by alarm and cron alike; two callers share one run. */
  seal(message: SealMessage): Promise<SealReply> {
    this.#sealing ??= this.#sealOnce(message).finally(() => {
      this.#sealing = null;
    });
    return this.#sealing;
  }

  async #sealOnce({ nowMs, plan }: SealMessage): Promise<SealReply> {
    const record = this.#store.record();
    const graceMs = record?.plan?.graceMs ?? plan?.graceMs;
    if (record === null && graceMs === undefined) return { state: "blank" };
    const dueAtMs = record?.due_at_ms ?? dueAt(this.#address.hour, graceMs ?? 0);
    for (let steps = 0; ; steps++) {
      const step = nextSealStep(this.#store.progress(dueAtMs), nowMs);
      if (step.step === "wait") return { state: "not_due", dueAtMs: step.untilMs };
      if (step.step === "done") {
        await this.#storage.sync();
        const sealed = { summary: this.#summary(), trouble: this.#trouble() };
        if (steps > 0) this.#sayOfSeal(sealed, dueAtMs);
        return { state: "sealed", ...sealed };
      }
      try {
        if (steps >= stepsPerSealMax) broken(`a seal of more than ${stepsPerSealMax} steps does not end`);
        await this.#steps.run(step, dueAtMs, nowMs);
        // What a step froze is durable before the next one shows it to the outside.
        await this.#storage.sync();
      } catch (error) {
        return await this.#failed(step.step, error, nowMs);
      }
    }
  }

  async #failed(
    step: ReturnType<typeof nextSealStep>["step"],
    error: unknown,
    now: EpochMs,
  ): Promise<SealReply> {
    const attempts = this.#store.record()?.attempts ?? 0;
    const retryAt = (now + retryDelayMs(attempts, this.#deps.jitter())) as EpochMs;
    const armed = this.#storage.transactionSync(() => {
      this.#store.recordFailure(step, String(error), now);
      return this.#deps.armAlarm(retryAt, now);
    });
    await armed;
    await this.#storage.sync();
    this.#deps.log("seal_failed", {
      step,
      error: String(error),
      broken: error instanceof BrokenInvariant,
      attempts,
    });
    const sinceMs = this.#store.record()?.failing_since_ms ?? now;
    return { state: "failed", step, error: String(error), sinceMs };
  }

  #sayOfSeal(
    { summary, trouble }: { summary: SealedSummary; trouble: SealTrouble | null },
    dueAtMs: number,
  ): void {
    const { tally, bytes, sealedAtMs } = summary;
    const figures = { rows: tally.rows, bytes, shards: this.#store.enrolments().length };
    this.#deps.log("sealed", { ...figures, dueAtMs, lateMs: sealedAtMs - dueAtMs, trouble });
  }

  #trouble(): SealTrouble | null {
    const { attempts, failed_step: step, error } = this.#store.record() ?? broken("a seal without a record");
    return step === null ? null : { attempts, step, error: (error ?? "").slice(0, detailCharsMax) };
  }

  #summary(): SealedSummary {
    const record = this.#store.record();
    if (
      record?.manifest_sha256 === undefined ||
      record.manifest_sha256 === null ||
      record.sealed_at_ms === null
    ) {
      return broken("a sealed bucket has no manifest");
    }
    const { rows, bytes, identitySum } = Manifest.parse(JSON.parse(this.#store.manifestText()));
    return {
      sealedAtMs: record.sealed_at_ms,
      manifestSha256: record.manifest_sha256,
      tally: { rows, sum: identitySum },
      bytes,
    };
  }

  /** The sealed bucket is balanced: its payloads may go. */
  async verified({ nowMs, verdict }: VerifiedMessage): Promise<void> {
    const record = this.#store.record();
    if (record?.phase !== "sealed") return;
    const armed = this.#storage.transactionSync(() => {
      // Hearing of it again only wakes a bucket whose alarm was lost.
      if (record.verdict !== verdict) this.#store.recordVerdict(verdict);
      return this.#deps.armAlarm(nowMs, nowMs);
    });
    await armed;
    // Whoever told it first may still wait for the disk: nobody is answered before, for after that nobody tells it again.
    await this.#storage.sync();
  }

  alarm(now: EpochMs): Promise<void> {
    return runAlarm(() => this.#alarm(now), now, this.#deps);
  }

  async #alarm(now: EpochMs): Promise<void> {
    const record = this.#store.record();
    if (record === null) return;
    if (record.phase === "planned") {
      // Nobody enrolled. If its stream expects the hour, the cron seals it; else it goes when its window is over.
      if (now < this.#retireAt(record.plan)) await this.#deps.armAlarm(this.#retireAt(record.plan), now);
      else await this.#retire(now);
      return;
    }
    if (record.phase !== "sealed") {
      const reply = await this.seal({ nowMs: now, plan: record.plan });
      if (reply.state === "not_due") await this.#deps.armAlarm(reply.dueAtMs, now);
      return;
    }
    if (record.verdict !== "balanced") return;
    const undropped = this.#store.enrolments().filter(({ dropped }) => !dropped);
    if (undropped.length > 0) {
      return this.#dropPayloads(
        undropped.map(({ holder }) => holder),
        now,
      );
    }
    if (now < this.#retireAt(record.plan)) await this.#deps.armAlarm(this.#retireAt(record.plan), now);
    else await this.#retire(now);
  }

  async #retire(now: EpochMs): Promise<void> {
    if (await putOffDeletion(this.#deps, now)) return;
    await this.#storage.deleteAll();
    this.#deps.log("retired", {});
    this.#deps.abort("retired");
  }

  /** One slice of dropping; the alarm comes back for the rest. */
  async #dropPayloads(holders: readonly Holder[], now: EpochMs): Promise<void> {
    if (await putOffDeletion(this.#deps, now)) return;
    for (const holder of holders) {
      if (!(await this.#deps.shard(holder).dropPayloads(this.#address.hour, now))) break;
      this.#store.recordPayloadsDropped(holder);
    }
    await this.#deps.armAlarm((now + sealRetryMsMin) as EpochMs, now);
  }

  /** Gives up a shard: from now on its receipt is neither waited for nor taken. */
  async abandon({ shard, author, note, nowMs, dryRun }: AbandonMessage): Promise<AbandonReply> {
    const record = this.#store.record();
    const enrolment = this.#store.enrolments().find(({ holder }) => holderName(holder) === shard);
    const waits = record?.phase === "sealing" && record.failed_step === "collect_receipts";
    const waiting = {
      enrolled: enrolledAs(enrolment),
      failingSinceMs: waits && !record.merge_planned ? record.failing_since_ms : null,
    };
    const reply = decideAbandon(waiting, nowMs);
    if (dryRun || !reply.abandoned || reply.before || enrolment === undefined) return reply;
    this.#store.abandon({ ...enrolment.holder, at: isoOf(nowMs), author, note });
    await this.#storage.sync();
    this.#deps.log("shard_abandoned", { shard, author, note });
    return reply;
  }

  /** For the operator who puts a merged part back. Reads only. */
  storedPart(key: string): Promise<StoredPart> {
    return storedPart(this.#address, this.#store, this.#deps, key);
  }

  /** For the operator who puts the manifest back: its text as it was frozen; null: none was. */
  storedManifest(): string | null {
    return (this.#store.record()?.manifest_sha256 ?? null) === null ? null : this.#store.manifestText();
  }

  /** For the operator: what the bucket is and waits for. */
  describe(): string {
    const enrolments = this.#store.enrolments();
    return JSON.stringify({
      ...this.#store.record(),
      shards: enrolments.map(({ holder }) => holderName(holder)),
      missingReceipts: enrolments
        .filter(({ receipt, abandoned }) => receipt === null && abandoned === null)
        .map(({ holder }) => holderName(holder)),
      abandoned: this.#store.abandoned(),
    });
  }
}
