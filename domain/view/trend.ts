/** Loss and lateness over time, hour by hour, for all streams or one. */
import type { Hour } from "../hour.ts";

/** `GET /v1/audit/trend`. */
export interface TrendReply {
  readonly format: 1;
  readonly from: Hour;
  /** One entry an hour, from `from` on; an hour of which the catalog has nothing has zeros. */
  readonly hours: readonly TrendHour[];
}

export interface TrendHour {
  readonly hour: Hour;
  readonly buckets: number;
  readonly sealed: number;
  /** Sealed, and the verdict is one that somebody has to look at. */
  readonly faults: number;
  /** Of sealed buckets. */
  readonly rows: number;
  readonly bytes: number;
  /** Rows that findings call missing, and surplus. */
  readonly missingRows: number;
  readonly surplusRows: number;
  /** From the hour's end to the seal, or to now while there is none; null: no bucket is due yet. */
  readonly lateness: Lateness | null;
}

export interface Lateness {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly worstMs: number;
  readonly worstType: string;
}

export const emptyTrendHour = {
  buckets: 0,
  sealed: 0,
  faults: 0,
  rows: 0,
  bytes: 0,
  missingRows: 0,
  surplusRows: 0,
  lateness: null,
} as const;
