/** The hours of a stream that have no row in the catalog yet, told from the clock: arithmetic, however many there are. */
import { type EpochMs, type Hour, hourNumber, hourNumberOf, hourOfNumber } from "./hour.ts";
import { overdueMs } from "./limits.ts";

const HOUR_MS = 3_600_000;

export interface Backlog {
  /** Taking rows: begun, and not past their grace. */
  readonly open: number;
  /** Past their grace for less than `overdueMs`. */
  readonly due: number;
  readonly overdue: number;
  /** The oldest hour that is due or overdue. */
  readonly oldest: Hour | null;
}

/** What a stream has before it from `nextHour` on, within `[from, to)`. `end`: it has no hour from there on. */
export function backlogOf(
  stream: { readonly nextHour: Hour; readonly graceMs: number; readonly end: Hour | null },
  range: { readonly from?: Hour | undefined; readonly to?: Hour | undefined },
  now: EpochMs,
): Backlog {
  const first = Math.max(
    hourNumber(stream.nextHour),
    range.from === undefined ? -Infinity : hourNumber(range.from),
  );
  const end = Math.min(
    hourNumberOf(now) + 1,
    range.to === undefined ? Infinity : hourNumber(range.to),
    stream.end === null ? Infinity : hourNumber(stream.end),
  );
  /** Hours from `first` whose end lies `ms` or more before now. */
  const past = (ms: number): number =>
    clamp(Math.floor((now - ms) / HOUR_MS) - first, 0, Math.max(0, end - first));
  const ended = past(stream.graceMs);
  const overdue = past(stream.graceMs + overdueMs);
  return {
    open: Math.max(0, end - first) - ended,
    due: ended - overdue,
    overdue,
    oldest: ended > 0 ? hourOfNumber(first) : null,
  };
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
