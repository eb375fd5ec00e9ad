/** Whether a sealed hour is pulled, by what the auditor says of it. */
import type { HourOutcome } from "./outcome.ts";

/** Null: pull it. `insist`: on `balanced`, and on nothing less; an hour that has expired was. */
export function verdictRefusal(verdict: string | null, insist: boolean): HourOutcome | null {
  if (!insist || verdict === "balanced" || verdict === "expired") return null;
  return verdict === null || verdict === "unaudited"
    ? { outcome: "not_audited" }
    : { outcome: "not_balanced", verdict };
}
