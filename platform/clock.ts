/**
 * The one module that reads a clock. Time enters the system at three places only: a request at the edge, the cron
 * entry, and an object's own alarm or enrolment; from there on it is an argument.
 *
 * In local mode the `LOCAL_CLOCK` binding exists and time is virtual: set, moved and kept by that object.
 * A deployed Worker has no such binding and reads the system's clock.
 */
import { type EpochMs, epochMs } from "../domain/hour.ts";

/** What the clock needs of the environment. */
export interface ClockEnv {
  readonly LOCAL_CLOCK?: DurableObjectNamespace<VirtualClock>;
}

/** Which object an alarm belongs to. */
export interface AlarmOwner {
  readonly class: "EventShard" | "HourBucket" | "EdgeLedger";
  readonly name: string;
}

/** The virtual clock's interface; `durable-objects/local-clock` implements it. */
export interface VirtualClock extends Rpc.DurableObjectBranded {
  /** Virtual milliseconds since the epoch. */
  nowMs(): Promise<number>;
  /** Takes note that this object wants to be woken at this virtual time. Replaces what it asked for before. */
  expectAlarm(owner: AlarmOwner, atMs: number): Promise<void>;
}

export async function readClock(env: ClockEnv): Promise<EpochMs> {
  if (env.LOCAL_CLOCK === undefined) return epochMs(Date.now());
  return epochMs(await env.LOCAL_CLOCK.getByName("clock").nowMs());
}

/** The system's clock, which timers run by. Only the virtual clock's own arithmetic needs it. */
export function systemMs(): number {
  return Date.now();
}
