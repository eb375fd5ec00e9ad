/** Which cells a scrolled window shows: only these are drawn, whatever the grid's size. */
export interface Span {
  /** The first one shown, and the first one that no longer is. */
  readonly first: number;
  readonly end: number;
}

export function spanOf(scroll: number, length: number, cell: number, count: number): Span {
  const first = Math.max(0, Math.min(Math.floor(scroll / cell), count));
  return { first, end: Math.max(first, Math.min(Math.ceil((scroll + length) / cell), count)) };
}

/** How far to scroll so that a cell is shown whole; as it is, if it is shown already. */
export function scrollToShow(scroll: number, length: number, cell: number, index: number): number {
  const start = index * cell;
  if (start < scroll) return start;
  return start + cell > scroll + length ? start + cell - length : scroll;
}
