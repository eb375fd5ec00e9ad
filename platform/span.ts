/**
 * Spans: a request, an alarm, a call of an object or a run of the cron, which writes one line when it ends. Whoever works
 * within it adds to that line with `note`, and carries its trace on in messages with `carried`.
 *
 * Promises: what failed has its line, whatever the rate; of the rest those whose trace is sampled, at most
 * `successLinesPerSecondMax` of an isolate, and what is left out for that bound is counted in the next line. What is noted
 * as a function is only made for a line that is written.
 */
import { logSampleDefault, successLinesPerSecondMax } from "../domain/limits.ts";
import {
  type TraceContext,
  type Traceparent,
  isSampled,
  sampleRateOf,
  traceOf,
  traceparentOf,
} from "../domain/trace.ts";
import { type ClockEnv, systemMs } from "./clock.ts";
import { currentSpan, within } from "./current-span.ts";
import { log, writeLine } from "./log.ts";
import { randomHex } from "./random.ts";

export interface LogEnv extends ClockEnv {
  /** The share of successes that is logged: a number from 0 to 1. */
  readonly HOURSEAL_LOG_SAMPLE?: string;
}

/** `refused`: lawfully not done, for a reason that lies with the caller. `failed`: the system's own fault. */
export type Outcome = "done" | "refused" | "failed";

type Fields = Readonly<Record<string, unknown>>;

export class Span {
  readonly traceId: string;
  readonly parentId: string | null;
  readonly sampled: boolean;
  readonly startedMs = systemMs();
  readonly #notes: (Fields | (() => Fields))[] = [];
  #id: string | null = null;
  outcome: Outcome = "done";
  /** Its line is written whatever the rate: for what there is few of. */
  always = false;

  constructor(traceId: string, parentId: string | null, sampled: boolean) {
    this.traceId = traceId;
    this.parentId = parentId;
    this.sampled = sampled;
  }

  get id(): string {
    return (this.#id ??= randomHex(16));
  }

  get traceparent(): Traceparent {
    return traceparentOf(this.traceId, this.id, this.sampled);
  }

  note(fields: Fields | (() => Fields)): void {
    this.#notes.push(fields);
  }

  get fields(): Fields {
    const all: Record<string, unknown> = {};
    for (const noted of this.#notes) Object.assign(all, typeof noted === "function" ? noted() : noted);
    return all;
  }
}

/** For what begins here: a request with its `traceparent`, an alarm or the cron without. */
export function openSpan(env: LogEnv, traceparent: string | null = null): Span {
  const given = traceOf(traceparent);
  const traceId = given?.traceId ?? randomHex(32);
  return new Span(traceId, given?.parentId ?? null, isSampled(traceId, rateOf(env)));
}

/** For a call that carries its caller's trace: sampled if that is. */
export function calledSpan(env: LogEnv, trace: Traceparent | undefined): Span {
  const given: TraceContext | null = traceOf(trace);
  return given === null ? openSpan(env) : new Span(given.traceId, given.parentId, given.sampled);
}

/** For a piece of work within the span that runs; its line is always written. */
export function innerSpan(): Span {
  const outer = currentSpan();
  const span = outer === null ? openSpan({}) : new Span(outer.traceId, outer.id, outer.sampled);
  span.always = true;
  return span;
}

/** Acts within the span, and writes its line at the end. */
export async function spanned<Value>(
  span: Span,
  area: string,
  event: string,
  act: () => Promise<Value>,
): Promise<Value> {
  try {
    return await within(span, act);
  } catch (error) {
    span.outcome = "failed";
    span.note({ error: String(error) });
    throw error;
  } finally {
    end(span, area, event);
  }
}

/** Does it in a span of its own; `trace` is its caller's, and an alarm has none. */
export type ObjectSpans = <Reply>(
  event: string,
  trace: Traceparent | undefined,
  act: () => Promise<Reply>,
) => Promise<Reply>;

/** For the calls of one object and its alarm: each has a line, which says which object it is by `about`. */
export function objectSpans(env: LogEnv, area: string, about: Fields): ObjectSpans {
  return (event, trace, act) => {
    const span = calledSpan(env, trace);
    span.note(about);
    return spanned(span, area, event, act);
  };
}

/** Adds to the line of the span that runs. */
export function note(fields: Fields | (() => Fields)): void {
  currentSpan()?.note(fields);
}

/** A failure stays one, whatever is said after it. */
export function noteOutcome(outcome: Exclude<Outcome, "done">, fields: Fields = {}): void {
  const span = currentSpan();
  if (span === null) return;
  if (span.outcome !== "failed") span.outcome = outcome;
  span.note(fields);
}

/** What an answer of this status comes to, unless that is known better: what an operator wants refused for now is a 503. */
export function noteStatus(status: number): void {
  const known = currentSpan()?.outcome === "refused";
  noteOutcome(status >= 500 && !known ? "failed" : "refused", { status });
}

/** The trace of the span that runs, to be spread into a message. */
export function carried(): { readonly trace?: Traceparent } {
  const span = currentSpan();
  return span === null ? {} : { trace: span.traceparent };
}

function end(span: Span, area: string, event: string): void {
  if (!span.always && span.outcome !== "failed" && !(span.sampled && budget.take())) return;
  const { traceId: trace, id, parentId: parent, outcome, startedMs } = span;
  const durationMs = systemMs() - startedMs;
  writeLine({ area, event, trace, span: id, parent, outcome, durationMs, ...span.fields, ...budget.told() });
}

/** How many successes this isolate may still log in the second that runs. */
class LineBudget {
  #second = 0;
  #lines = 0;
  #unlogged = 0;

  take(): boolean {
    const second = Math.floor(systemMs() / 1_000);
    if (second !== this.#second) [this.#second, this.#lines] = [second, 0];
    if (this.#lines >= successLinesPerSecondMax) {
      this.#unlogged++;
      return false;
    }
    this.#lines++;
    return true;
  }

  /** What was left out since the last line that told of it. */
  told(): Fields {
    const unlogged = this.#unlogged;
    this.#unlogged = 0;
    return unlogged === 0 ? {} : { unlogged };
  }
}

const budget = new LineBudget();

/** The variable as it was read last, so that a wrong one is told of once. */
let known: { readonly text: string; readonly rate: number } = { text: "", rate: logSampleDefault };

/** A wrong rate stops no event: it is said, and the default holds. */
function rateOf({ HOURSEAL_LOG_SAMPLE: text }: LogEnv): number {
  if (text === undefined) return logSampleDefault;
  if (text === known.text) return known.rate;
  const rate = sampleRateOf(text);
  if (rate === null) {
    const detail = `HOURSEAL_LOG_SAMPLE must be a number from 0 to 1; ${logSampleDefault} holds until it is`;
    log("log", "misconfigured", { variable: "HOURSEAL_LOG_SAMPLE", detail });
  }
  known = { text, rate: rate ?? logSampleDefault };
  return known.rate;
}
