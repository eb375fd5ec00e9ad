/** Deleting objects in R2: the only code that does, for hours that have expired. */

/** R2 takes so many keys in one call. */
const keysPerCallMax = 1_000;

/** In the given order; what is not there any more is as good as deleted. */
export async function deleteObjects(
  bucket: Pick<R2Bucket, "delete">,
  keys: readonly string[],
): Promise<void> {
  // The first one goes by itself: whoever sees it sees all of the others.
  const [first, ...others] = keys;
  if (first === undefined) return;
  await bucket.delete(first);
  for (let at = 0; at < others.length; at += keysPerCallMax) {
    await bucket.delete(others.slice(at, at + keysPerCallMax));
  }
}
