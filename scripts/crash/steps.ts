/**
 * The steps in whose middle the runtime is killed. A step is a request that may be repeated; when the runtime has been
 * killed under it, it is made again until it has its answer, as an operator or a cron would.
 */
import * as z from "zod";
import { type EpochMs, epochMs, isoOf } from "../../domain/hour.ts";
import { parseTimestamp } from "../../domain/event/timestamp.ts";
import { type Api, ApiFailed, callOnce } from "../local/client.ts";

/** A step's usual length, learned as the run goes on, so that kills fall all over it. */
export class StepLength {
  #ms: number;

  constructor(guessMs: number) {
    this.#ms = guessMs;
  }

  get ms(): number {
    return this.#ms;
  }

  finished(ms: number): void {
    this.#ms = (this.#ms + ms) / 2;
  }

  /** It was cut off, so it is maybe longer than thought. */
  cutOff(): void {
    this.#ms = Math.min(5_000, this.#ms * 1.2);
  }
}

const Clock = z.looseObject({ now: z.string(), failures: z.array(z.string()).default([]) });

export class Steps {
  readonly #admin: Api;
  /** Alarms that failed when the clock was moved; they are repeated by the clock. */
  readonly alarmFailures: string[] = [];

  constructor(admin: Api) {
    this.#admin = admin;
  }

  /** Moves the virtual clock, which runs every alarm that falls due: seals come from there. */
  async moveTo(toMs: number): Promise<void> {
    try {
      const now = isoOf(epochMs(toMs));
      const clock = Clock.parse(await callOnce(this.#admin, "POST", "/v1/local/clock", { now }));
      this.alarmFailures.push(...clock.failures);
    } catch (error) {
      // It stands there, or later, already.
      if (!(error instanceof ApiFailed && error.status === 409)) throw error;
    }
  }

  /** Seals what is left, records it, and audits it. */
  async cron(): Promise<void> {
    await callOnce(this.#admin, "POST", "/v1/local/cron");
  }

  async now(): Promise<EpochMs> {
    const { now } = Clock.parse(await again(() => callOnce(this.#admin, "GET", "/v1/local/clock")));
    const nowMs = parseTimestamp(now);
    if (nowMs === null) throw new Error(`the clock shows ${now}`);
    return nowMs;
  }
}

const triesMax = 20;

/** Repeats a call while the answer is overload, or none. */
export async function again<Value>(call: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      const passing = error instanceof ApiFailed && [0, 429, 503].includes(error.status);
      if (!passing || tries === triesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * tries));
    }
  }
}
