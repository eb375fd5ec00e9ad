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
