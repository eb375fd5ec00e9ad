/** What each state is called, what it means, and how it is told apart without its colour. */
import type { BucketState } from "../../../domain/view/state.ts";

export interface StateSign {
  readonly label: string;
  /** One sentence: what it means for whoever waits for the hour. */
  readonly meaning: string;
  /** What is drawn in its cell. */
  readonly mark: Mark;
}

export type Mark =
  "nothing" | "frame" | "ring" | "half" | "dot" | "bang" | "minus" | "plus" | "cross" | "question" | "slash";

export const stateSigns: Readonly<Record<BucketState, StateSign>> = {
  none: { label: "no bucket", meaning: "Not an hour of the stream, or not begun.", mark: "nothing" },
  open: { label: "open", meaning: "Takes rows.", mark: "frame" },
  due: { label: "due", meaning: "Past its grace; it seals now.", mark: "half" },
  unverified: { label: "not audited yet", meaning: "Sealed; the auditor comes to it.", mark: "dot" },
  balanced: { label: "balanced", meaning: "Sealed, and every counter agrees.", mark: "nothing" },
  empty: {
    label: "balanced, empty",
    meaning: "Sealed, every counter agrees, and nothing came.",
    mark: "ring",
  },
  overdue: { label: "overdue", meaning: "Should be sealed and is not.", mark: "bang" },
  missing: { label: "missing", meaning: "Rows are missing; the findings say at which hop.", mark: "minus" },
  surplus: { label: "surplus", meaning: "There are rows that should not be there.", mark: "plus" },
  corrupt: { label: "corrupt", meaning: "What lies in R2 is not what was sealed.", mark: "cross" },
  unaudited: {
    label: "unaudited",
    meaning: "A counter could not be had, so nothing can be said.",
    mark: "question",
  },
  expired: {
    label: "expired",
    meaning: "Was balanced; past its stream's retention, only its manifest is left.",
    mark: "slash",
  },
};

/** From what has to be looked at first to what has not. */
export const worstFirst: readonly BucketState[] = [
  "corrupt",
  "missing",
  "overdue",
  "surplus",
  "unaudited",
  "due",
  "unverified",
  "open",
  "balanced",
  "empty",
  "expired",
  "none",
];
