/** What admission gives: an event that may be stored, or why it may not. Plain data, no behaviour. */
import type { EpochMs } from "../hour.ts";
import { type EventRefusal, type EventRefusalCode, type Result, no } from "../refusal.ts";

/** A valid CloudEvents 1.0 event. Whether its stream exists and its hour is open is decided elsewhere. */
export interface AdmissibleEvent {
  readonly type: string;
  readonly source: string;
  readonly id: string;
  /** The `time` attribute; `null` if the event is undated. */
  readonly timeMs: EpochMs | null;
  /** The `partitionkey` extension in its string form; `null` if it is absent, null or empty. */
  readonly partitionKey: string | null;
  /** The event in the CloudEvents JSON format, on one line: what was posted, not a re-serialisation of it. */
  readonly json: string;
  /** UTF-8 bytes of `json`. */
  readonly jsonBytes: number;
}

/** The decision on one posted event. Admissions stand in the order in which the events were posted. */
export interface Admission {
  /** The posted `id` if one could be read, also of a refused event, so that a client can find it again. */
  readonly id: string | null;
  readonly outcome: Result<AdmissibleEvent, EventRefusal>;
}

export function refuse(code: EventRefusalCode, detail: string): Result<never, EventRefusal> {
  return no({ code, detail });
}
