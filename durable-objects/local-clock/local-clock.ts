/**
 * The virtual clock of local mode: one object, named "clock". Never deployed.
 *
 * Virtual time is the system's time plus a durable offset: it ticks, and survives a kill. Until it is set, it is the
 * system's time. Moving it runs every alarm that becomes due, in order of due time, each while the clock shows that
 * alarm's time, before the move is answered; so a day passes in seconds and every hour seals at its own time.
 *
 * It never goes back once something was armed by it. The first setting may choose any time, past ones too.
 * Does not promise to know an alarm armed in the instant of a crash: see virtual-alarm.ts.
 */
import { DurableObject } from "cloudflare:workers";
import { type Result, no, ok } from "../../domain/refusal.ts";
import { type AlarmOwner, type ClockEnv, type VirtualClock, systemMs } from "../../platform/clock.ts";
import { ClockStore, type ExpectedAlarm } from "./store.ts";
import type { VirtuallyAlarmed } from "./virtual-alarm.ts";

export interface LocalClockEnv extends ClockEnv {
  readonly EVENT_SHARD: DurableObjectNamespace<VirtuallyAlarmed>;
  readonly HOUR_BUCKET: DurableObjectNamespace<VirtuallyAlarmed>;
  readonly EDGE_LEDGER: DurableObjectNamespace<VirtuallyAlarmed>;
  readonly UNDATED_HOME: DurableObjectNamespace<VirtuallyAlarmed>;
}

/** What a move did. */
export interface Moved {
  readonly nowMs: number;
  readonly alarmsRun: number;
  /** Alarms that threw, with their error; each is tried again a little later by the virtual clock. */
  readonly failures: readonly string[];
}

export type ClockRefusal =
  | { readonly code: "backwards"; readonly nowMs: number }
  /** Alarms kept arming alarms: the clock stands where it got to, and the same move can be asked for again. */
  | { readonly code: "restless"; readonly nowMs: number; readonly alarmsRun: number };

/** Alarms one move runs at most: weeks of a few dozen streams. Past it something arms itself without end. */
const alarmsPerMoveMax = 100_000;

/** As the platform does it: a throwing alarm is tried again after 2 s, doubling, six times. */
const retryFirstMs = 2_000;
const retriesMax = 6;

export class LocalClock extends DurableObject<LocalClockEnv> implements VirtualClock {
  readonly #store: ClockStore;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: LocalClockEnv) {
    super(ctx, env);
    this.#store = new ClockStore(ctx.storage.sql);
  }

  nowMs(): Promise<number> {
    return Promise.resolve(this.#now());
  }

  async expectAlarm(owner: AlarmOwner, atMs: number): Promise<void> {
    this.#store.expect(owner, atMs);
    await this.#wake();
  }

  /** Moves the clock to this virtual time. */
  set(toMs: number): Promise<Result<Moved, ClockRefusal>> {
    return this.#inTurn(async () => {
      const nowMs = this.#now();
      if (toMs < nowMs && this.#store.started()) return no({ code: "backwards", nowMs });
      const { alarmsRun, failures, rested } = await this.#runUntil(toMs);
      if (!rested) return no({ code: "restless", nowMs: this.#now(), alarmsRun });
      if (toMs > this.#now() || !this.#store.started()) this.#show(toMs);
      await this.#wake();
      return ok({ nowMs: this.#now(), alarmsRun, failures });
    });
  }

  /** Time came by itself. */
  override async alarm(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#runUntil(this.#now());
      await this.#wake();
    });
  }

  async #runUntil(toMs: number): Promise<{ alarmsRun: number; failures: string[]; rested: boolean }> {
    const failures: string[] = [];
    for (let alarmsRun = 0; alarmsRun < alarmsPerMoveMax; alarmsRun++) {
      const next = this.#store.earliest();
      if (next === null || next.atMs > toMs) return { alarmsRun, failures, rested: true };
      if (next.atMs > this.#now()) this.#show(next.atMs);
      const failure = await this.#run(next);
      if (failure !== null) failures.push(failure);
    }
    return { alarmsRun: alarmsPerMoveMax, failures, rested: false };
  }

  async #run(alarm: ExpectedAlarm): Promise<string | null> {
    try {
      const standing = await this.#stub(alarm.owner).runAlarmIfDue();
      if (standing === null) this.#store.forget(alarm);
      else this.#store.move(alarm, standing, 0);
      return null;
    } catch (error) {
      const attempts = alarm.attempts + 1;
      if (attempts > retriesMax) this.#store.forget(alarm);
      else this.#store.move(alarm, this.#now() + retryFirstMs * 2 ** alarm.attempts, attempts);
      return `${alarm.owner.class} ${alarm.owner.name}: ${String(error)}`;
    }
  }

  #stub(owner: AlarmOwner): DurableObjectStub<VirtuallyAlarmed> {
    const namespaces = {
      EventShard: this.env.EVENT_SHARD,
      HourBucket: this.env.HOUR_BUCKET,
      EdgeLedger: this.env.EDGE_LEDGER,
      UndatedHome: this.env.UNDATED_HOME,
    };
    return namespaces[owner.class].getByName(owner.name);
  }

  /** Sets this object's own alarm to the real time at which the earliest expected one falls due. */
  async #wake(): Promise<void> {
    const next = this.#store.earliest();
    if (next !== null) await this.ctx.storage.setAlarm(next.atMs - this.#store.offsetMs());
  }

  #now(): number {
    return systemMs() + this.#store.offsetMs();
  }

  #show(virtualMs: number): void {
    this.#store.setOffset(virtualMs - systemMs());
  }

  #inTurn<Value>(step: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(step, step);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
