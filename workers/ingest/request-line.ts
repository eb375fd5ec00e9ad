/** What the line of a request says of its events: counts by fate, and where their rows went. */
import { type EpochMs, hourOf } from "../../domain/hour.ts";
import type { ShardAddress } from "../../domain/ids.ts";
import { appendsLoggedMax } from "../../domain/limits.ts";
import { note, noteOutcome } from "../../platform/span.ts";
import type { Undecided } from "./append.ts";
import { type Fate, isDrained } from "./deliver.ts";

/** Rows of this request in one append. */
export interface AppendNote extends ShardAddress {
  readonly rows: number;
  readonly came: "decided" | Undecided;
  /** The trace of the request that sent them, which may be another one. */
  readonly sentBy?: string;
}

/**
 * What failed for a rate lies with the client, and what a drained stream does not take with an operator; any other failure
 * is the system's, whatever else went well.
 */
export function noteRequest(now: EpochMs, fates: readonly Fate[], appends: readonly AppendNote[]): void {
  if (fates.some((fate) => fate.fate === "failed" && fate.why !== "rate")) noteOutcome("failed");
  else if (fates.some(isDrained)) noteOutcome("refused");
  note(() => ({
    hour: hourOf(now),
    events: countsOf(fates),
    appends: appends.slice(0, appendsLoggedMax),
    ...(appends.length > appendsLoggedMax ? { appendsMore: appends.length - appendsLoggedMax } : {}),
  }));
}

function countsOf(fates: readonly Fate[]): Record<string, number> {
  const counts: Record<string, number> = { received: fates.length };
  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  for (const fate of fates) {
    count(fate.fate);
    if ((fate.fate === "accepted" || fate.fate === "duplicate") && fate.late) count("late");
    if (isDrained(fate)) count("drained");
  }
  return counts;
}
