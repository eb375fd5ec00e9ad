/**
 * Arming an object's alarm. Promises that the alarm is durable together with the SQL writes of the same synchronous
 * turn, and that it goes off at least once at or after `atMs`. One alarm per object: arming again replaces it.
 *
 * Under the virtual clock of local mode, `atMs` is virtual. The runtime's alarm is set to the equivalent real time,
 * the virtual time is kept beside it, and the clock object is told, so that moving the clock wakes the object.
 * `durable-objects/local-clock/virtual-alarm.ts` is the other end. A deployed Worker runs none of that.
 */
import type { EpochMs } from "../domain/hour.ts";
import { type AlarmOwner, type ClockEnv, systemMs, virtualClock } from "./clock.ts";

/** Where an object keeps the virtual time of its alarm; only in local mode. */
export const alarmMarkKey = "virtual_alarm";

export interface AlarmMark {
  readonly atMs: number;
  /** True from the start of a run until it ends or arms anew: a mark still running after a crash runs again. */
  readonly running: boolean;
}

/**
 * Arms the alarm of the object that owns `ctx`. All storage writes happen before this function returns its promise,
 * so it may be called inside `transactionSync`. Await the promise before answering: from then on a move of the
 * virtual clock is sure to see the alarm.
 */
export function armAlarm(
  ctx: DurableObjectState,
  env: ClockEnv,
  who: AlarmOwner,
  atMs: EpochMs,
  nowMs: EpochMs,
): Promise<void> {
  const clock = virtualClock(env);
  if (clock === null) return ctx.storage.setAlarm(atMs);
  const mark: AlarmMark = { atMs, running: false };
  ctx.storage.kv.put(alarmMarkKey, mark);
  const set = ctx.storage.setAlarm(systemMs() + Math.max(0, atMs - nowMs));
  const told = clock.expectAlarm(who, atMs);
  return Promise.all([set, told]).then(() => undefined);
}
