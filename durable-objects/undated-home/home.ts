/**
 * An undated home: decides identities whose events have no believable hour of their own, by the day on which they came.
 *
 * Promises: a claim is answered only when it is durable; the owner who asks again gets the same answer; identities are
 * remembered for the window and a day from the day they were claimed, kept for a day more for audits of what was answered,
 * and then forgotten in slices.
 */
import { fingerprintBytes } from "../../domain/fingerprint.ts";
import type { EpochMs } from "../../domain/hour.ts";
import type { HolderName } from "../../domain/ids.ts";
import { forgetAfterWindowMs, retireAfterWindowMs } from "../../domain/limits.ts";
import type { ClaimMessage, ClaimReply, OwnedAnswer } from "../../domain/messages.ts";
import { protocolVersion } from "../../domain/plan.ts";
import { type DeletionDeps, putOffDeletion } from "../../platform/deletion.ts";
import { runAlarm } from "../../platform/run-alarm.ts";
import type { ObjectStorage } from "../../platform/storage.ts";
import { UndatedStore } from "./store.ts";

const dayMs = 86_400_000;

/** Identities forgotten per turn: bounds the transaction. */
const forgetPerTurn = 5_000;

export interface UndatedHomeDeps extends DeletionDeps {
  now(): Promise<EpochMs>;
  abort(reason: string): void;
}

export class UndatedHome {
  readonly #storage: ObjectStorage;
  readonly #store: UndatedStore;
  readonly #deps: UndatedHomeDeps;

  constructor(storage: ObjectStorage, deps: UndatedHomeDeps) {
    this.#storage = storage;
    this.#store = new UndatedStore(storage);
    this.#deps = deps;
  }

  async claim({ protocol, owner, fingerprints, windowMs }: ClaimMessage): Promise<ClaimReply> {
    if (protocol !== protocolVersion) return { decided: false, why: "unknown_protocol" };
    const now = await this.#deps.now();
    const first = this.#store.blank;
    const granted = new Uint8Array(fingerprints.length / fingerprintBytes);
    try {
      const armed = this.#storage.transactionSync(() => {
        this.#store.keep(windowMs);
        for (let no = 0; no < granted.length; no++) {
          const fingerprint = fingerprints.slice(no * fingerprintBytes, (no + 1) * fingerprintBytes);
          granted[no] = this.#grant(new Uint8Array(fingerprint), owner, now) ? 1 : 0;
        }
        return first
          ? this.#deps.armAlarm((now + dayMs + windowMs + retireAfterWindowMs) as EpochMs, now)
          : null;
      });
      await armed;
      await this.#storage.sync();
    } catch (error) {
      this.#deps.abort(`claims could not be written: ${String(error)}`);
      throw error;
    }
    return { decided: true, granted };
  }

  #grant(fingerprint: Uint8Array<ArrayBuffer>, owner: HolderName, now: EpochMs): boolean {
    // What is older is kept for audits alone: sent again, it counts as new.
    const sinceDay = Math.floor((now - this.#store.windowMs() - forgetAfterWindowMs) / dayMs);
    const known = this.#store.ownerOf(fingerprint, sinceDay);
    if (known !== null) return known === owner;
    this.#store.record(fingerprint, owner, Math.floor(now / dayMs));
    return true;
  }

  /** What was recorded for a holder. Reads only. */
  ownedBy(owner: HolderName, fingerprints: Uint8Array): OwnedAnswer {
    return { owned: this.#store.owned(owner), known: this.#store.known(fingerprints) };
  }

  /**
   * Forgets what is past the window and a day, a slice at a time, and comes back when the next day's identities are.
   * One that has none left deletes itself.
   */
  alarm(now: EpochMs): Promise<void> {
    return runAlarm(() => this.#alarm(now), now, this.#deps);
  }

  async #alarm(now: EpochMs): Promise<void> {
    if (this.#store.blank || (await putOffDeletion(this.#deps, now))) return;
    const keepMs = this.#store.windowMs() + retireAfterWindowMs;
    this.#store.forget(Math.floor((now - keepMs) / dayMs), forgetPerTurn);
    const day = this.#store.oldestDay();
    if (day === null) {
      await this.#storage.deleteAll();
      this.#deps.abort("retired");
      return;
    }
    await this.#deps.armAlarm(Math.max(now + 1_000, (day + 1) * dayMs + keepMs) as EpochMs, now);
  }
}
