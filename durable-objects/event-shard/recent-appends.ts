/**
 * Recent appends: numbers that a shard has seen, so that a message which the network delivers twice is decided once.
 * The newest `recentAppendsMax` of them; those that brought rows are found again after a restart.
 */
import { unpackTags } from "../../domain/commit.ts";
import type { AppendNo, EdgeId } from "../../domain/ids.ts";
import { recentAppendsMax } from "../../domain/limits.ts";

export class RecentAppends {
  readonly #seen = new Set<string>();

  /** From packed append tags, oldest first. */
  static of(packedTags: Iterable<Uint8Array>): RecentAppends {
    const recent = new RecentAppends();
    for (const packed of packedTags) {
      for (const { edge, no } of unpackTags(packed)) recent.add(edge, no);
    }
    return recent;
  }

  /** False if it came before. */
  add(edge: EdgeId, no: AppendNo): boolean {
    const name = `${edge}/${no}`;
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= recentAppendsMax) break;
      this.#seen.delete(oldest);
    }
    return true;
  }
}
