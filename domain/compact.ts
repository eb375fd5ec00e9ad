/**
 * How the rows of batches whose payloads are dropped are merged. A batch is a commit, and a commit can be a single
 * event: kept as they are, such rows would take a page each until the shard retires.
 *
 * Promises: order is kept, and a merged row never spans the end of a part, so that which rows a part or the tail holds
 * can still be told by their numbers. A batch that is alone over `bytesMax` stays alone.
 */
export interface CompactBatch {
  readonly seq: number;
  readonly kind: string;
  /** What it keeps: fingerprints and tags. */
  readonly keptBytes: number;
}

/** Runs of neighbours to merge, each in order. `partEnds`: the last number of each part. */
export function compactRuns<Batch extends CompactBatch>(
  batches: readonly Batch[],
  partEnds: ReadonlySet<number>,
  bytesMax: number,
): Batch[][] {
  const runs: Batch[][] = [];
  let bytes = 0;
  let ended = true;
  for (const batch of batches) {
    const run = runs.at(-1);
    const fits = bytes + batch.keptBytes <= bytesMax && run?.at(-1)?.kind === batch.kind;
    if (run === undefined || ended || !fits) {
      runs.push([batch]);
      bytes = batch.keptBytes;
    } else {
      run.push(batch);
      bytes += batch.keptBytes;
    }
    ended = partEnds.has(batch.seq);
  }
  return runs;
}
