/**
 * Running an object's alarm. Promises that a failure is in the line of the span and the alarm comes back: the runtime repeats an alarm
 * that throws six times and then never again, and an object without an alarm neither seals nor retires.
 * Throws only if the alarm can't be armed either; then the runtime's own repetitions are what is left.
 */
import type { EpochMs } from "../domain/hour.ts";
import { alarmRetryMs } from "../domain/limits.ts";
import { noteOutcome } from "./span.ts";

export interface AlarmDeps {
  /** Arms the object's one alarm, in the same turn as the writes around it; await it before answering. */
  armAlarm(at: EpochMs, now: EpochMs): Promise<void>;
}

export async function runAlarm(act: () => Promise<void>, now: EpochMs, deps: AlarmDeps): Promise<void> {
  try {
    await act();
  } catch (error) {
    noteOutcome("failed", { error: String(error) });
    await deps.armAlarm((now + alarmRetryMs) as EpochMs, now);
  }
}
