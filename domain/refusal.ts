/**
 * Why an event, or a whole request, was refused: one tagged union. A refusal is a value, never thrown.
 * `platform/problem.ts` maps request refusals to HTTP in one exhaustive switch.
 */
import type { ChangeRefusal } from "./stream-change.ts";

/** Why one event of a batch was refused. Its neighbours are not affected. */
export type EventRefusalCode =
  | "invalid_json" // the text of this event is not JSON, or not a JSON object
  | "invalid_specversion" // `specversion` is missing or is not "1.0"
  | "missing_attribute" // `id`, `source` or `type` is missing, null or empty
  | "invalid_attribute_name" // a name is not lower-case letters and digits
  | "invalid_attribute_value" // a value breaks its attribute's type
  | "duplicate_attribute" // the same member stands twice
  | "invalid_data" // `data` and `data_base64` together, or bad base64
  | "event_too_large" // the event is over a limit: its bytes, one attribute's bytes, their number, or its nesting
  | "schema_violation" // `data` breaks the stream's schema
  | "unknown_type" // no stream is registered for this `type`
  | "stream_drained" // the stream takes no new events for now; the only one to send again unchanged
  | "forbidden_type" // the key may not write this `type`
  | "forbidden_source"; // the key may not write this `source`

export interface EventRefusal {
  readonly code: EventRefusalCode;
  /** One sentence: what is wrong and what to do. Never contains payload data beyond attribute names. */
  readonly detail: string;
  /** Where in the event, as a JSON Pointer, if its data is at fault. */
  readonly pointer?: string;
  /** The scope that the key lacks, where that is the reason. */
  readonly scope?: string;
}

/** Why a request was refused as a whole, before any of its events was looked at. */
export type RequestRefusal =
  | { readonly code: "no_key" }
  | { readonly code: "bad_key" }
  | { readonly code: "missing_scope"; readonly scope: string }
  | { readonly code: "bad_link" }
  | { readonly code: "link_expired"; readonly expiredAt: string }
  | { readonly code: "body_too_large"; readonly limitBytes: number; readonly inflated: boolean }
  | { readonly code: "too_many_events"; readonly limit: number }
  | { readonly code: "unsupported_media_type"; readonly given: string }
  | { readonly code: "unsupported_encoding"; readonly given: string }
  | { readonly code: "unreadable_body"; readonly detail: string }
  | { readonly code: "invalid_request"; readonly detail: string }
  | { readonly code: "too_much"; readonly what: string; readonly limit: number; readonly detail?: string }
  | { readonly code: "malformed_hour"; readonly where: string; readonly given: string }
  | { readonly code: "all_refused" }
  | { readonly code: "not_found" }
  | { readonly code: "method_not_allowed"; readonly allow: string }
  | { readonly code: "conflict"; readonly detail: string }
  | { readonly code: "change_refused"; readonly refused: readonly ChangeRefusal[] }
  | { readonly code: "unknown_stream"; readonly type: string; readonly near: readonly string[] }
  | { readonly code: "before_stream"; readonly type: string; readonly firstHour: string }
  /** The stream was removed, and has no hour from `end` on. */
  | { readonly code: "after_stream"; readonly type: string; readonly end: string }
  | {
      readonly code: "not_sealed";
      readonly dueAt: string;
      /** The time by the clock that decides. */
      readonly now: string;
      readonly overdue: boolean;
      readonly detail: string;
    }
  | { readonly code: "expired"; readonly type: string; readonly hour: string; readonly expiredAt: string }
  | { readonly code: "range_not_satisfiable"; readonly bytes: number }
  | { readonly code: "misconfigured"; readonly variable: string; readonly detail: string }
  | { readonly code: "overloaded"; readonly retryAfterSeconds: number }
  | {
      readonly code: "rate_limited";
      readonly retryAfterSeconds: number;
      /** Names of the rates that were reached. */
      readonly rates: readonly string[];
      readonly failed: readonly number[];
    }
  /** All that is to be sent again is of streams that are drained. */
  | {
      readonly code: "stream_drained";
      readonly retryAfterSeconds: number;
      readonly failed: readonly number[];
    }
  | { readonly code: "not_durable"; readonly retryAfterSeconds: number; readonly failed: readonly number[] }
  | { readonly code: "unavailable"; readonly retryAfterSeconds: number; readonly detail: string };

/** A value, or the reason why there is none. */
export type Result<Value, Reason> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: Reason };

export function ok<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

export function no<Reason>(reason: Reason): { readonly ok: false; readonly reason: Reason } {
  return { ok: false, reason };
}

/** The last branch of an exhaustive switch: does not compile if a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
