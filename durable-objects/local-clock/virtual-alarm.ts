/**
 * The object's end of virtual alarms. `workers/local.ts` puts one of these between the runtime and the `alarm()` of
 * each class, so that the classes themselves know nothing of virtual time.
 *
 * Promises: `run` is called only at or after the virtual time it was armed for, never twice at once, and at least once
 * for each time that was armed, whether the runtime's alarm or the clock object comes first. An alarm that goes off
 * early by the virtual clock is armed again.
 * Does not promise: that an alarm armed in the instant of a crash is known to the clock object. It is told again when
 * the object next wakes, and the runtime's own alarm stands until then.
 */
import { epochMs } from "../../domain/hour.ts";
import { type AlarmMark, alarmMarkKey, armAlarm } from "../../platform/alarm.ts";
import { type AlarmOwner, type ClockEnv, readClock, virtualClock } from "../../platform/clock.ts";

/** What the clock object calls on an object whose alarm is due. */
export interface VirtuallyAlarmed extends Rpc.DurableObjectBranded {
  /** Runs the alarm if it is due; answers the virtual time of the alarm that stands afterwards, or null. */
  runAlarmIfDue(): Promise<number | null>;
}

export class VirtualAlarm {
  readonly #ctx: DurableObjectState;
  readonly #env: ClockEnv;
  readonly #owner: AlarmOwner;
  readonly #run: () => Promise<void>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    ctx: DurableObjectState,
    env: ClockEnv,
    className: AlarmOwner["class"],
    run: () => Promise<void>,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#owner = { class: className, name: ctx.id.name ?? "" };
    this.#run = run;
    const mark = this.#mark();
    if (mark !== undefined) ctx.waitUntil(this.#tellAgain(mark.atMs));
  }

  /** The runtime's alarm went off. A throw makes the runtime try again. */
  async fired(): Promise<void> {
    await this.#inTurn(async () => {
      const standing = await this.#runIfDue();
      if (standing === null) return;
      await armAlarm(this.#ctx, this.#env, this.#owner, epochMs(standing), await readClock(this.#env));
    });
  }

  /** The clock object says that time has come. */
  runIfDue(): Promise<number | null> {
    return this.#inTurn(async () => {
      if ((await this.#ctx.storage.getAlarm()) !== null) return this.#runIfDue();
      this.#ctx.storage.kv.delete(alarmMarkKey);
      return null;
    });
  }

  async #runIfDue(): Promise<number | null> {
    const mark = this.#mark();
    if (mark === undefined) return null;
    if (mark.atMs > (await readClock(this.#env))) return mark.atMs;
    const running: AlarmMark = { ...mark, running: true };
    this.#ctx.storage.kv.put(alarmMarkKey, running);
    await this.#run();
    const after = this.#mark();
    if (after?.running !== true) return after?.atMs ?? null;
    this.#ctx.storage.kv.delete(alarmMarkKey);
    await this.#ctx.storage.deleteAlarm();
    return null;
  }

  #mark(): AlarmMark | undefined {
    return this.#ctx.storage.kv.get<AlarmMark>(alarmMarkKey);
  }

  async #tellAgain(atMs: number): Promise<void> {
    await virtualClock(this.#env)?.expectAlarm(this.#owner, atMs);
  }

  #inTurn<Value>(step: () => Promise<Value>): Promise<Value> {
    const turn = this.#last.then(step, step);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
