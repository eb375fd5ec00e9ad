/** What became of each hour of a `pull`, and the exit code that it all amounts to. */
import type { Hour } from "../hour.ts";

export type HourOutcome =
  /** All its parts are in the folder and checked; `fresh`: this run has completed it. */
  | {
      readonly outcome: "there";
      readonly rows: number;
      readonly parts: number;
      readonly bytes: number;
      readonly fresh: boolean;
      readonly verdict: string | null;
    }
  | { readonly outcome: "not_sealed"; readonly dueAt: string; readonly detail: string }
  | { readonly outcome: "overdue"; readonly detail: string }
  /** The verdict that was insisted on is not there: not yet, or another one. */
  | { readonly outcome: "not_audited" }
  | { readonly outcome: "not_balanced"; readonly verdict: string }
  /** What the source holds, or what lies beside it in the folder, is not what was sealed. */
  | { readonly outcome: "faulty"; readonly details: readonly string[] }
  | { readonly outcome: "no_such_format"; readonly detail: string }
  /** Past the stream's retention: the source has no parts of it any more, and the folder never had all of them. */
  | { readonly outcome: "expired" };

export interface PulledHour {
  readonly hour: Hour;
  readonly result: HourOutcome;
}

export const exitCodes = {
  /** Every hour that was asked for is there, or has expired. */
  complete: 0,
  /** Something is not what was sealed, or not balanced though that was insisted on. */
  faulty: 1,
  /** It cannot be done as asked: arguments, stream, key, format. */
  refused: 2,
  /** Hours that were asked for are not sealed yet. */
  notSealed: 3,
  overdue: 4,
  timeout: 5,
  /** The source or the folder could not be reached or written: nothing is said of the data. */
  unreachable: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codeOf: Readonly<Record<HourOutcome["outcome"], ExitCode>> = {
  there: exitCodes.complete,
  not_sealed: exitCodes.notSealed,
  not_audited: exitCodes.notSealed,
  overdue: exitCodes.overdue,
  not_balanced: exitCodes.faulty,
  faulty: exitCodes.faulty,
  no_such_format: exitCodes.refused,
  expired: exitCodes.complete,
};

/** From worst to mildest: what a person must look at comes before what only takes time. */
const order: readonly ExitCode[] = [
  exitCodes.faulty,
  exitCodes.refused,
  exitCodes.overdue,
  exitCodes.notSealed,
  exitCodes.complete,
];

/** The worst of the hours' codes. */
export function exitCodeOf(hours: Iterable<PulledHour>): ExitCode {
  const codes = new Set(Array.from(hours, ({ result }) => codeOf[result.outcome]));
  return order.find((code) => codes.has(code)) ?? exitCodes.complete;
}

/** True if somebody is to be told, and waiting helps nothing. */
export function needsLooking(result: HourOutcome): boolean {
  return result.outcome !== "there" && result.outcome !== "expired" && !mayChange(result);
}

/** True if the hour may become another one by waiting. */
export function mayChange({ outcome }: HourOutcome): boolean {
  return outcome === "not_sealed" || outcome === "not_audited";
}
