/** The grid's decisions: which streams it shows, in which order, how many of each state, and where a key leads. */
import type { GridLine } from "../../../domain/view/grid.ts";
import {
  type BucketState,
  bucketStates,
  isFault,
  stateLetters,
  stateAt,
} from "../../../domain/view/state.ts";
import { worstFirst } from "./states.ts";

export type GridOrder = "name" | "worst" | "owner" | "priority";

export interface GridChoice {
  /** Part of a type or an owner. */
  readonly text: string;
  /** Only streams that have this state, or any fault, within the hours shown. */
  readonly only: BucketState | "faults" | null;
  readonly order: GridOrder;
}

export function chosenStreams(lines: readonly GridLine[], choice: GridChoice): GridLine[] {
  const text = choice.text.trim().toLowerCase();
  return lines
    .filter(
      ({ type, owner }) =>
        text === "" || type.toLowerCase().includes(text) || owner.toLowerCase().includes(text),
    )
    .filter(({ states }) => choice.only === null || hasState(states, choice.only))
    .toSorted(comparisons[choice.order]);
}

function hasState(line: string, wanted: BucketState | "faults"): boolean {
  if (wanted !== "faults") return line.includes(stateLetters[wanted]);
  return bucketStates.some((state) => isFault(state) && line.includes(stateLetters[state]));
}

const priorities = ["high", "normal", "low"];

const byName = (a: GridLine, b: GridLine): number => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0);

const comparisons: Readonly<Record<GridOrder, (a: GridLine, b: GridLine) => number>> = {
  name: byName,
  worst: (a, b) =>
    rankOf(a.states) - rankOf(b.states) || faultsOf(b.states) - faultsOf(a.states) || byName(a, b),
  owner: (a, b) => a.owner.localeCompare(b.owner) || byName(a, b),
  priority: (a, b) => priorities.indexOf(a.priority) - priorities.indexOf(b.priority) || byName(a, b),
};

/** The place of the worst state in the line: 0 is the worst there is. */
function rankOf(line: string): number {
  return worstFirst.findIndex((state) => line.includes(stateLetters[state]));
}

export function worstOf(line: string): BucketState {
  return worstFirst[rankOf(line)] ?? "none";
}

/** The same of the hours that are not open, if there is one. */
export function worstEnded(line: string): BucketState {
  const ended = worstOf(line.replaceAll(stateLetters.open, ""));
  return ended === "none" ? worstOf(line) : ended;
}

export function faultsOf(line: string): number {
  let faults = 0;
  for (let index = 0; index < line.length; index++) if (isFault(stateAt(line, index))) faults++;
  return faults;
}

/** How many buckets are in each state. */
export function tallyStates(lines: readonly GridLine[]): ReadonlyMap<BucketState, number> {
  const letters = new Map<string, number>();
  for (const { states } of lines) {
    for (const letter of states) letters.set(letter, (letters.get(letter) ?? 0) + 1);
  }
  return new Map(bucketStates.map((state) => [state, letters.get(stateLetters[state]) ?? 0]));
}

/** A place in the grid; column -1 is the stream's name. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

export interface GridSize {
  readonly rows: number;
  readonly columns: number;
}

/** Where a key leads, or null if it does not move. `page`: how many rows a page has. */
export function placeAfter(
  key: string,
  ctrl: boolean,
  at: Place,
  size: GridSize,
  page: number,
): Place | null {
  switch (key) {
    case "ArrowUp":
      return within({ ...at, row: at.row - 1 }, size);
    case "ArrowDown":
      return within({ ...at, row: at.row + 1 }, size);
    case "ArrowLeft":
      return within({ ...at, column: at.column - 1 }, size);
    case "ArrowRight":
      return within({ ...at, column: at.column + 1 }, size);
    case "PageUp":
      return within({ ...at, row: at.row - page }, size);
    case "PageDown":
      return within({ ...at, row: at.row + page }, size);
    case "Home":
      return within(ctrl ? { row: 0, column: -1 } : { ...at, column: -1 }, size);
    case "End":
      return within(
        ctrl ? { row: size.rows - 1, column: size.columns - 1 } : { ...at, column: size.columns - 1 },
        size,
      );
    default:
      return null;
  }
}

/** The nearest place that the grid has. */
export function within(at: Place, size: GridSize): Place {
  return {
    row: Math.max(0, Math.min(at.row, size.rows - 1)),
    column: Math.max(-1, Math.min(at.column, size.columns - 1)),
  };
}
