/**
 * Whether an object may delete what is due to be. Promises that nothing begins to be deleted while its stream is frozen, nor
 * while that cannot be known; the object's alarm asks again. What had begun a moment before the freeze ends.
 */
import type { EpochMs } from "../domain/hour.ts";
import type { EventType } from "../domain/ids.ts";
import { freezeRecheckMs } from "../domain/limits.ts";
import { freezeOf } from "./catalog/freezes.ts";
import type { AlarmDeps } from "./run-alarm.ts";

export interface DeletionEnv {
  readonly CATALOG: D1Database;
}

export interface DeletionDeps extends AlarmDeps {
  /** False: it is frozen, or still needed. Throws if that cannot be known. */
  mayDelete(): Promise<boolean>;
  log(event: string, fields: Record<string, unknown>): void;
}

/** `type` null: what is of several streams, which one frozen stream keeps. */
export async function mayDelete(env: DeletionEnv, type: EventType | null): Promise<boolean> {
  return (await freezeOf(env.CATALOG, type)) === null;
}

/** True if it may not be yet: then the alarm is armed to ask again. */
export async function putOffDeletion(deps: DeletionDeps, now: EpochMs): Promise<boolean> {
  if (await deps.mayDelete()) return false;
  await deps.armAlarm((now + freezeRecheckMs) as EpochMs, now);
  deps.log("deletion_put_off", {});
  return true;
}
