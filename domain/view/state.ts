/**
 * What a bucket is at a glance, and the one letter that stands for it in a line of the grid.
 * Imports nothing, so that the dashboard shares it as it is.
 */
export const stateLetters = {
  /** Not an hour of the stream: before its first one, not begun, or after its end. */
  none: ".",
  open: "o",
  due: "d",
  overdue: "l",
  /** Sealed, and not audited yet. */
  unverified: "v",
  /** Balanced, and nothing came. */
  empty: "e",
  balanced: "b",
  missing: "m",
  surplus: "s",
  corrupt: "c",
  unaudited: "u",
  /** Was balanced; past its stream's retention, only its manifest is left. */
  expired: "x",
} as const;

export type BucketState = keyof typeof stateLetters;

export const bucketStates = Object.keys(stateLetters) as readonly BucketState[];

const states: ReadonlyMap<string, BucketState> = new Map(
  bucketStates.map((state) => [stateLetters[state], state]),
);

/** The state at a place of a line; `none` past its end. */
export function stateAt(line: string, index: number): BucketState {
  return states.get(line.charAt(index)) ?? "none";
}

/** What somebody has to look at. */
export function isFault(state: BucketState): boolean {
  return faults.has(state);
}

const faults: ReadonlySet<BucketState> = new Set(["overdue", "missing", "surplus", "corrupt", "unaudited"]);
