/**
 * Freezes: while one holds, nothing of its streams is deleted, whatever is due. Decided here; the
 * queries for hours that expire leave out the same (platform/catalog/expiry.ts).
 */
import type { EpochMs } from "./hour.ts";
import type { EventType } from "./ids.ts";

export interface Freeze {
  /** Null: all streams. */
  readonly type: EventType | null;
  readonly sinceMs: EpochMs;
  readonly author: string;
  readonly note: string;
}

/** The freeze that keeps what is of this stream; null: it may be deleted. `type` null: what is of several streams. */
export function freezeOf(freezes: readonly Freeze[], type: EventType | null): Freeze | null {
  return freezes.find((freeze) => freeze.type === null || type === null || freeze.type === type) ?? null;
}
