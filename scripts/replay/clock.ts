/**
 * Moves the virtual clock along the data. It only goes forward, and also ticks by itself: a data time that it has
 * passed already is left alone.
 */
import { epochMs, isoOf } from "../../domain/hour.ts";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { type Api, ApiFailed, moveClock, readClock } from "../local/client.ts";

export class ReplayClock {
  readonly #api: Api;
  #reachedMs = Number.NEGATIVE_INFINITY;

  constructor(api: Api) {
    this.#api = api;
  }

  passed(timeMs: number): boolean {
    return timeMs <= this.#reachedMs;
  }

  /** Moves to that time. A clock that stands later already is no error. */
  async moveTo(timeMs: number): Promise<void> {
    try {
      const { failures } = await moveClock(this.#api, isoOf(epochMs(timeMs)));
      if (failures.length > 0) throw new Error(`the clock moved, but alarms failed: ${failures.join("; ")}`);
    } catch (error) {
      if (!(error instanceof ApiFailed && error.status === 409)) throw error;
    }
    this.#reachedMs = timeMs;
  }

  /** How far the clock is past that time; negative if it is not there yet. */
  async aheadMs(timeMs: number): Promise<number> {
    return (parseTimestamp((await readClock(this.#api)).now) ?? 0) - timeMs;
  }
}
