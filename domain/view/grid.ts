/** The grid of streams × hours: one line of letters per stream, told from the catalog's rows and the clock. */
import { type EpochMs, type Hour, hourNumber, hourNumberOf, hourOfNumber } from "../hour.ts";
import { overdueMs } from "../limits.ts";
import { dueAt } from "../plan.ts";
import type { Priority } from "../stream.ts";
import type { VerdictName } from "../verdict.ts";
import { type BucketState, stateLetters } from "./state.ts";

/** `GET /v1/audit/grid`: pages of streams in the order of their types. */
export interface GridReply {
  readonly format: 1;
  /** The hour of the first letter of every line. */
  readonly from: Hour;
  readonly hours: number;
  readonly streams: readonly GridLine[];
  /** For `after`; null: this was the last page. */
  readonly next: string | null;
}

export interface GridLine {
  readonly type: string;
  readonly owner: string;
  readonly priority: Priority;
  readonly states: string;
}

/** Where a stream stands, as the catalog keeps it. */
export interface GridStream {
  readonly firstHour: Hour;
  /** From this hour on the catalog has no rows: the clock says what they are. */
  readonly nextHour: Hour;
  readonly graceMs: number;
  /** From this hour on it has none: it was removed. Null: it goes on. */
  readonly end: Hour | null;
}

export interface GridBucket {
  readonly hour: Hour;
  readonly state: "due" | "sealed";
  readonly dueAtMs: EpochMs;
  readonly verdict: VerdictName | null;
  readonly rows: number | null;
}

/** What one bucket is; `bucket` is its row in the catalog, if it has one. */
export function stateOf(
  stream: GridStream,
  hour: Hour,
  bucket: GridBucket | undefined,
  now: EpochMs,
): BucketState {
  if (bucket !== undefined) return stateOfRow(bucket, now);
  if (hour < stream.firstHour || hourNumber(hour) > hourNumberOf(now)) return "none";
  if (stream.end !== null && hour >= stream.end) return "none";
  // The hour was taken up and its row is gone: nobody can say what it is.
  if (hour < stream.nextHour) return "unaudited";
  return stateByClock(dueAt(hour, stream.graceMs), now);
}

function stateOfRow(bucket: GridBucket, now: EpochMs): BucketState {
  if (bucket.state === "due") return stateByClock(bucket.dueAtMs, now);
  if (bucket.verdict === null) return "unverified";
  return bucket.verdict === "balanced" && bucket.rows === 0 ? "empty" : bucket.verdict;
}

function stateByClock(dueAtMs: EpochMs, now: EpochMs): BucketState {
  if (now < dueAtMs) return "open";
  return now < dueAtMs + overdueMs ? "due" : "overdue";
}

/** The letters of `hours` hours from `from` on. */
export function gridLine(
  stream: GridStream,
  buckets: readonly GridBucket[],
  range: { readonly from: Hour; readonly hours: number },
  now: EpochMs,
): string {
  const rows = new Map(buckets.map((bucket) => [bucket.hour, bucket]));
  const first = hourNumber(range.from);
  let line = "";
  for (let index = 0; index < range.hours; index++) {
    const hour = hourOfNumber(first + index);
    line += stateLetters[stateOf(stream, hour, rows.get(hour), now)];
  }
  return line;
}
