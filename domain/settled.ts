/**
 * Whether an hour that is not balanced still holds up what waits for it: the objects that its audit asks, and the last hours
 * of a removed stream. A fault that nobody mends must not hold them up for ever.
 */
import type { EpochMs } from "./hour.ts";
import { unsettledMsMax } from "./limits.ts";

/** `faultAtMs`: since when it is known not to balance; null: nobody has audited it, and that it waits for, however long. */
export function isUnsettled(faultAtMs: EpochMs | null, now: EpochMs): boolean {
  return faultAtMs === null || now - faultAtMs < unsettledMsMax;
}
