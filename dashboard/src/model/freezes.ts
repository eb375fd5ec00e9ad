/** Which freezes concern a page. */

interface Freeze {
  /** Null: all streams. */
  readonly type: string | null;
}

/** Of a stream: its own, and that of all streams. `type` null: all of them. */
export function freezesOf<Item extends Freeze>(freezes: readonly Item[], type: string | null): Item[] {
  return freezes.filter((freeze) => type === null || freeze.type === null || freeze.type === type);
}
