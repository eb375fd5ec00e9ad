/** Work done a few at a time. */

/** Runs `work` on every item, at most `parallelism` at once. Rejects with the first rejection; `work` should catch. */
export async function inParallel<Item>(
  items: Iterable<Item>,
  parallelism: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: parallelism }, lane));
}

export interface Fairness<Item> {
  readonly parallelism: number;
  /** Which items are of one kind, and how many of a kind are at work at the same time. */
  readonly groupOf: (item: Item) => string;
  readonly ofGroupMax: number;
}

/**
 * The same in the order of the items, but for those whose group has as many at work as it may: they are passed over until
 * one of theirs is done. A lane that finds no other ends; those that hold the groups up go on with them.
 */
export async function inFairParallel<Item>(
  items: Iterable<Item>,
  { parallelism, groupOf, ofGroupMax }: Fairness<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const atWork = new Map<string, number>();
  const lane = async (): Promise<void> => {
    for (;;) {
      const at = waiting.findIndex((item) => (atWork.get(groupOf(item)) ?? 0) < ofGroupMax);
      const [item] = at < 0 ? [] : waiting.splice(at, 1);
      if (item === undefined) return;
      const group = groupOf(item);
      atWork.set(group, (atWork.get(group) ?? 0) + 1);
      try {
        await work(item);
      } finally {
        atWork.set(group, (atWork.get(group) ?? 0) - 1);
      }
    }
  };
  await Promise.all(Array.from({ length: parallelism }, lane));
}
