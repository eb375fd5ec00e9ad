/** When a bucket that is not balanced is audited again: soon at first, then ever less often, for as long as it takes. */
import { type EpochMs, epochMs } from "./hour.ts";
import { auditRetryMsMax, auditRetryMsMin } from "./limits.ts";
import type { VerdictName } from "./verdict.ts";

/**
 * Delay after the audit that follows `attempts` earlier ones without a balance. It never ends: a ledger's tail can
 * come late, and a lost part can be put back.
 */
export function auditRetryDelayMs(attempts: number): number {
  return Math.min(auditRetryMsMax, auditRetryMsMin * 2 ** Math.min(attempts, 20));
}

/** When to audit again after this verdict; null: never, it is balanced. */
export function auditRetryAt(verdict: VerdictName, attempts: number, now: EpochMs): EpochMs | null {
  return verdict === "balanced" ? null : epochMs(now + auditRetryDelayMs(attempts));
}
