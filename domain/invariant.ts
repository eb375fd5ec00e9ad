/**
 * A broken invariant: something that cannot happen if the code and the platform do what they promise. It is thrown, it
 * stops the bucket that it concerns, keeps its data, and shows in the report; nothing is acknowledged or deleted past it.
 */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant";
}

export function broken(detail: string): never {
  throw new BrokenInvariant(detail);
}
