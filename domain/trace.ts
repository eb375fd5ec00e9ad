/**
 * Traces, as W3C Trace Context has them: one id for all that a request, an alarm or a run of the cron sets off.
 *
 * Promises: what is no `traceparent` is as if none had come; whether the successes of a trace are logged follows from its
 * id alone, so that everybody who knows the rate says the same. Does not promise that ids are unique: clients bring them.
 */
import * as z from "zod";
import { traceparentCharsMax } from "./limits.ts";

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const zeros = /^0+$/;

/** As this system writes it: version 00. */
export const Traceparent = z
  .string()
  .length(55)
  .refine((text) => traceOf(text) !== null, "no traceparent of W3C Trace Context")
  .brand<"Traceparent">();
export type Traceparent = z.infer<typeof Traceparent>;

/** In a message between objects. One that is not understood is left out: a trace is no reason to refuse a row. */
export const CarriedTrace = Traceparent.optional().catch(undefined);

export interface TraceContext {
  readonly traceId: string;
  /** The caller's span. */
  readonly parentId: string;
  /** The caller logs its successes. */
  readonly sampled: boolean;
}

/** Null: it is none. Of a later version what this one knows is read, as the standard asks. */
export function traceOf(text: string | null | undefined): TraceContext | null {
  if (text === null || text === undefined || text.length > traceparentCharsMax) return null;
  const [, version = "", traceId = "", parentId = "", flags = "", more] = shape.exec(text) ?? [];
  if (version === "" || version === "ff" || (version === "00" && more !== undefined)) return null;
  if (zeros.test(traceId) || zeros.test(parentId)) return null;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Of ids as this system makes and reads them: 32 and 16 hexadecimal digits, not all of them zero. */
export function traceparentOf(traceId: string, spanId: string, sampled: boolean): Traceparent {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}` as Traceparent;
}

/** Digits of the id that decide: at its end, which is random by the standard, and as many as a number holds exactly. */
const decidingDigits = 13;

/** True for `rate` of all traces, and always the same for one. */
export function isSampled(traceId: string, rate: number): boolean {
  return Number.parseInt(traceId.slice(-decidingDigits), 16) < rate * 16 ** decidingDigits;
}

/** The share of successes that is logged, from its variable. Null: it is no number from 0 to 1. */
export function sampleRateOf(text: string): number | null {
  const rate = Number(text);
  return text.trim() !== "" && rate >= 0 && rate <= 1 ? rate : null;
}
