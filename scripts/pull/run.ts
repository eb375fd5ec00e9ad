/**
 * All hours of a pull.
 *
 *   1. of a listing of the range, settle every hour up to the last sealed one, several at a time
 *   2. ask for the hours after it, one after the other, up to the first that is not sealed, or the end of a removed stream
 *   3. with `follow`, wait for what is not there yet
 *
 * Nothing is remembered but the folder: a run that ends anywhere is repeated.
 */
import { type Hour, parseHour, plusHours } from "../../domain/hour.ts";
import {
  type HourRange,
  type ListedBucket,
  hourAfter,
  hoursBeyond,
  settledHours,
  within,
} from "../../domain/pull/hours.ts";
import { type HourOutcome, type PulledHour, mayChange, needsLooking } from "../../domain/pull/outcome.ts";
import { nextWait } from "../../domain/pull/wait.ts";
import { Refused } from "./failures.ts";
import { forEach } from "./gate.ts";
import { type SettleContext, settleHour } from "./settle.ts";

export interface PullOptions extends Omit<SettleContext, "source" | "progress" | "gate"> {
  readonly range: HourRange;
  readonly parallel: number;
  readonly follow: boolean;
  readonly pollMs: number;
  /** How long to follow; infinite without a bound. */
  readonly timeoutMs: number;
}

export interface Pulled {
  readonly hours: readonly PulledHour[];
  /** Hours of the range that were not asked for, because one before them is not sealed. */
  readonly beyond: number;
  readonly timedOut: boolean;
}

export class Pull {
  readonly #options: PullOptions;
  readonly #context: SettleContext;
  readonly #results = new Map<Hour, HourOutcome>();
  readonly #said = new Set<string>();
  readonly #startedMs = Date.now();
  /** The first hour after all that are known to be sealed; null: past the range. */
  #tail: Hour | null = null;
  #brought = 0;

  constructor(options: PullOptions, rest: Pick<SettleContext, "source" | "progress" | "gate">) {
    this.#options = options;
    this.#context = { ...options, ...rest };
  }

  async run(listed: readonly ListedBucket[]): Promise<Pulled> {
    const { range, parallel, follow } = this.#options;
    const { progress } = this.#context;
    const settled = settledHours(listed);
    progress.hours(settled.length);
    await forEach(settled, parallel, async (bucket) => {
      await this.#settle(bucket.hour, bucket);
    });
    this.#tail = within(hourAfter(listed, range) ?? (await this.#firstHour()), range);
    const untilDueMs = await this.#goAlong();
    const timedOut = follow && !(await this.#follow(untilDueMs));
    const hours = [...this.#results].map(([hour, result]) => ({ hour, result }));
    return {
      hours: hours.toSorted((a, b) => (a.hour < b.hour ? -1 : 1)),
      beyond: hoursBeyond(this.#tail, range),
      timedOut,
    };
  }

  /** Brings the hours from the tail on for as long as they are sealed. Answers how long the next one takes to be due. */
  async #goAlong(): Promise<number> {
    while (this.#tail !== null) {
      const hour: Hour = this.#tail;
      const { result, untilDueMs } = await this.#settle(hour, null);
      if (result.outcome === "not_sealed" || result.outcome === "overdue") return untilDueMs;
      if (result.outcome === "after_stream") {
        this.#tail = null;
        return 0;
      }
      const next = result.outcome === "before_stream" ? result.firstHour : plusHours(hour, 1);
      if (next <= hour)
        throw new Refused(`the server says that ${hour} is before the stream, which begins at ${next}`);
      this.#tail = within(next, this.#options.range);
    }
    return 0;
  }

  /** False if the time was up before everything that was waited for was there. */
  async #follow(firstUntilDueMs: number): Promise<boolean> {
    const { range, pollMs, timeoutMs } = this.#options;
    for (let untilDueMs = firstUntilDueMs; ;) {
      const results = [...this.#results.values()];
      // Waiting helps nothing of which somebody must be told.
      if (results.some(needsLooking)) return true;
      const waiting = [...this.#results].filter(([hour, result]) => hour !== this.#tail && mayChange(result));
      const tailWanted = this.#tail !== null && (range.to !== null || this.#brought === 0);
      if (waiting.length === 0 && !tailWanted) return true;
      const step = nextWait(untilDueMs, pollMs, this.#startedMs + timeoutMs - Date.now());
      if (step.wait === "timeout") return false;
      await new Promise((resolve) => setTimeout(resolve, step.afterMs));
      for (const [hour] of waiting) await this.#settle(hour, null);
      untilDueMs = tailWanted ? await this.#goAlong() : pollMs;
    }
  }

  async #settle(hour: Hour, bucket: ListedBucket | null): ReturnType<typeof settleHour> {
    const settled = await settleHour(hour, bucket, this.#context);
    const { result } = settled;
    if (result.outcome === "before_stream" || result.outcome === "after_stream") return settled;
    // Without an end nobody asked for an hour that is still open, though it may be waited for.
    const { range, follow } = this.#options;
    const wanted = result.outcome !== "not_sealed" || range.to !== null;
    if (wanted) this.#results.set(hour, result);
    if (result.outcome === "there" && result.fresh) this.#brought++;
    // While it is waited for, the same is not said at every question.
    const said = `${hour} ${result.outcome}`;
    if ((wanted || follow) && !this.#said.has(said)) this.#context.progress.settled({ hour, result });
    this.#said.add(said);
    return settled;
  }

  /** The first hour of a stream of which none is listed: the refusal of a much earlier one names it. */
  async #firstHour(): Promise<Hour | null> {
    const long = parseHour("1970-01-01T00");
    const found = long === null ? null : await this.#context.source.manifest(long);
    return found?.found === "before_stream" ? found.firstHour : null;
  }
}
