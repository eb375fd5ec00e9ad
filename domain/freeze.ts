/** Freezes: while one holds, nothing of its streams is deleted, whatever is due. What one keeps: platform/catalog/freezes.ts. */
import type { EpochMs } from "./hour.ts";
import type { EventType } from "./ids.ts";

export interface Freeze {
  /** Null: all streams. */
  readonly type: EventType | null;
  readonly sinceMs: EpochMs;
  readonly author: string;
  readonly note: string;
}
