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
  /** Its class is not part of the deployed Worker, so the generated types do not know it. */
  readonly LOCAL_CLOCK?: DurableObjectNamespace | undefined;
}

/** Which object an alarm belongs to. */
export interface AlarmOwner {
  readonly class: "EventShard" | "HourBucket" | "EdgeLedger" | "UndatedHome";
  readonly name: string;
}

/** The virtual clock's interface; `durable-objects/local-clock` implements it. */
export interface VirtualClock extends Rpc.DurableObjectBranded {
  /** Virtual milliseconds since the epoch. */
  nowMs(): Promise<number>;
  /** Takes note that this object wants to be woken at this virtual time. Replaces what it asked for before. */
  expectAlarm(owner: AlarmOwner, atMs: number): Promise<void>;
}

/** The virtual clock; null in a deployed Worker. */
export function virtualClock(env: ClockEnv): VirtualClock | null {
  return (env.LOCAL_CLOCK?.getByName("clock") as VirtualClock | undefined) ?? null;
}

export async function readClock(env: ClockEnv): Promise<EpochMs> {
  return epochMs((await virtualClock(env)?.nowMs()) ?? systemMs());
}

/** The system's clock, which timers run by. Only the virtual clock's own arithmetic needs it. */
export function systemMs(): number {
  return Date.now();
}
