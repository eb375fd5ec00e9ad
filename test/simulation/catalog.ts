/**
 * The catalog of a run: production's tables and queries on a D1 that is slow, fails, loses its replies, and in some worlds
 * is away for a while. What must be sealed, audited and listed in a digest before the run may end is kept here, too.
 */
import { join } from "node:path";
import { type Hour, HourText, epochMs, hourOf, plusHours } from "../../domain/hour.ts";
import { type BucketAddress, EventType, bucketName } from "../../domain/ids.ts";
import { StreamSettings } from "../../domain/stream.ts";
import { putStream } from "../../platform/catalog/stream-changes.ts";
import { type AroundD1, FakeD1 } from "../fakes/d1.ts";
import type { HostDeps } from "./host.ts";
import type { Party } from "./network.ts";
import { type WorldSettings, streamAt } from "./settings.ts";

const usualMs = 6;
const slowMs = 20_000;
/** Clients try again after the last fault, and rows whose home did not answer move on: later hours are used, too. */
const settlingMs = 120 * 60_000;
/** Edges that are fast put rows into an hour that has not come. */
const fastMs = 420_000;

const migrations = join(import.meta.dirname, "../../migrations");

export class SimulatedCatalog {
  readonly #deps: HostDeps;
  readonly #world: WorldSettings;
  readonly #d1 = FakeD1.migrated(migrations);
  /** Hours of every stream that somebody may have sent to. */
  readonly buckets: BucketAddress[] = [];
  #next: Hour;

  constructor(deps: HostDeps, world: WorldSettings) {
    this.#deps = deps;
    this.#world = world;
    this.#next = hourOf(world.startMs);
    this.settleAfter(Math.max(world.eventsUntilMs, world.faultsUntilMs));
  }

  /** Whatever is sent or fails until then must be sealed. */
  settleAfter(lastMs: number): void {
    this.reach(lastMs + settlingMs);
  }

  /** Streams are registered before anything is sent, and changed when the world says so. */
  async register(): Promise<void> {
    const { scheduler } = this.#deps;
    for (const type of this.#world.types) {
      await this.#put(type);
      for (const { fromMs } of this.#world.versions.get(type) ?? []) {
        if (fromMs > scheduler.nowMs) scheduler.at(fromMs, () => void this.#put(type));
      }
    }
  }

  async #put(type: EventType): Promise<void> {
    const { nowMs } = this.#deps.scheduler;
    const {
      type: _type,
      firstHour: _firstHour,
      planned: _planned,
      schemaVersion: _schemaVersion,
      ...settings
    } = streamAt(this.#world, type, nowMs);
    const db = this.#d1.binding(async (_what, effect) => effect());
    await putStream(db, type, StreamSettings.parse(settings), epochMs(nowMs));
  }

  /** Somebody may still send at this time: its hour is one that must be sealed. */
  reach(nowMs: number): void {
    const last = hourOf(epochMs(nowMs + fastMs));
    for (; this.#next <= last; this.#next = plusHours(this.#next, 1))
      for (const type of this.#world.types) this.buckets.push({ type, hour: this.#next });
  }

  /** Every hour that must be is balanced, and a digest lists it. */
  get done(): boolean {
    const rows = this.#d1.select(
      "SELECT type, hour FROM buckets WHERE verdict = 'balanced' AND digest_sequence IS NOT NULL",
    );
    const settled = new Set(rows.map((row) => bucketName(addressOf(row))));
    return this.buckets.every((address) => settled.has(bucketName(address)));
  }

  /** What audits have recorded since the last call. */
  *verdicts(): Generator<{ readonly address: BucketAddress; readonly findings: unknown }> {
    const rows = this.#d1.select(
      "SELECT type, hour, findings, verified_at_ms FROM buckets WHERE verified_at_ms IS NOT NULL ORDER BY type, hour",
    );
    for (const row of rows) {
      const address = addressOf(row);
      const name = bucketName(address);
      if (this.#seen.get(name) === row["verified_at_ms"]) continue;
      this.#seen.set(name, row["verified_at_ms"]);
      yield { address, findings: JSON.parse(String(row["findings"])) };
    }
  }

  readonly #seen = new Map<string, unknown>();

  /** D1 as one run of a flusher has it. */
  binding(party: Party): D1Database {
    const { scheduler, random, trace, network } = this.#deps;
    const around: AroundD1 = async (what, effect) => {
      const silence = new Promise<never>(() => undefined);
      if (party.ended) return silence;
      const call = `${party.name} → D1 ${what.trim().split(/\s+/, 3).join(" ")}`;
      const { catalogFails, catalogReplyLost, slow } = network.rates;
      const callMs = random.delayMs(usualMs, slowMs, slow);
      party.mayCrash(callMs);
      await scheduler.sleep(callMs);
      if (party.ended) return silence;
      if (this.#isAway()) {
        trace.reach("catalog_away");
        throw new Error("D1 is away");
      }
      if (random.chance(catalogFails)) {
        trace.note(`${call}: failed`);
        throw new Error("D1 failed");
      }
      const reply = effect();
      if (!random.chance(catalogReplyLost)) return reply;
      trace.note(`${call}: the reply was lost`);
      trace.reach("catalog_reply_lost");
      throw new Error("the reply of D1 was lost");
    };
    return this.#d1.binding(around);
  }

  #isAway(): boolean {
    const { catalogAway } = this.#world;
    const { nowMs } = this.#deps.scheduler;
    return catalogAway !== null && nowMs >= catalogAway.fromMs && nowMs < catalogAway.untilMs;
  }
}

function addressOf(row: Record<string, unknown>): BucketAddress {
  return { type: EventType.parse(row["type"]), hour: HourText.parse(row["hour"]) };
}
