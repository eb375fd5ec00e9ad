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

/** The virtual clock's interface; `durable-objects/local-clock` implements it. */
export interface VirtualClock extends Rpc.DurableObjectBranded {
  /** Virtual milliseconds since the epoch. */
  nowMs(): Promise<number>;
}

export async function readClock(env: ClockEnv): Promise<EpochMs> {
  if (env.LOCAL_CLOCK === undefined) return epochMs(Date.now());
  return epochMs(await env.LOCAL_CLOCK.getByName("clock").nowMs());
}
