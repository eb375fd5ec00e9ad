/**
 * Claims: how a row that is not at its home gets to be delivered, once.
 *
 * The home of an identity records who owns it. A claim is granted if nobody does, or if the owner is the asker: asking
 * again gives the same answer. A row whose identity has two homes (its date is at the edge of what is believed) is
 * claimed at the dated one first, and at the undated one only if that granted it: everybody asks in this order, so of
 * two holders at least one is granted everything, or both are denied against a third that is.
 */
import { type EpochMs, hourNumberOf } from "./hour.ts";
import { plausibleAheadMs, plausibleEdgeMs, forgetAfterWindowMs, undatedHomes } from "./limits.ts";
import { type Claims, claims } from "./packed-rows.ts";

/** What became of a foreign row. */
export const rowStates = { unresolved: 0, granted: 1, denied: 2, unguarded: 3, moved: 4 } as const;

/** What one home said of one row. */
export type HomeAnswer = "granted" | "denied" | "forgotten" | "unreached";

/** The state that the answers of a row's homes, in the order they were asked, amount to. */
export function stateOf(answers: readonly HomeAnswer[]): 0 | 1 | 2 | 3 {
  if (answers.includes("denied")) return rowStates.denied;
  if (answers.includes("unreached")) return rowStates.unresolved;
  return answers.includes("forgotten") ? rowStates.unguarded : rowStates.granted;
}

/** The undated home of an identity: by its fingerprint, which no plan changes. */
export function undatedHomeIndex(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0)) % undatedHomes;
}

/** Hours with a written form: years 0000 to 9999. */
const hourNumberMin = -17_268_672;
const hourNumberMax = 70_389_527;

/** True if the hour of this time can be written, and so can have a home. */
export function hasHour(timeMs: EpochMs): boolean {
  const number = hourNumberOf(timeMs);
  return number >= hourNumberMin && number <= hourNumberMax;
}

/**
 * Which homes a late, undated or early event must be claimed at. Its own hour's if its date is believed, that is within
 * [now − window − 1 day, now + 1 hour]; else an undated one; both if its date is within a day of what is believed, for
 * a retry may see it on the other side.
 */
export function claimsOf(timeMs: EpochMs | null, now: EpochMs, windowMs: number): Claims {
  if (timeMs === null || !hasHour(timeMs)) return claims.undated;
  const earliest = now - windowMs - forgetAfterWindowMs;
  const latest = now + plausibleAheadMs;
  if (timeMs > latest) return timeMs <= latest + plausibleEdgeMs ? claims.both : claims.undated;
  if (timeMs >= earliest + plausibleEdgeMs) return claims.dated;
  return timeMs >= earliest - plausibleEdgeMs ? claims.both : claims.undated;
}
