/**
 * Reading the snapshot at an edge, kept in the isolate.
 *
 * Promises: what is served never goes back to an older version within an isolate; it is at most `snapshotMaxAgeMs` old
 * while R2 answers; a broken object is never taken over. While R2 does not answer, what is held is served on, for
 * `keyOutageMsMax`: so long a key that is revoked then lives on at that edge. An edge whose snapshot is older, or that never read one, and cannot, serves none at all: an empty
 * snapshot would refuse every key, and clients drop what is refused.
 */
import type { EpochMs } from "../domain/hour.ts";
import { keyOutageMsMax, snapshotMaxAgeMs, snapshotMinAgeMs, snapshotReadMs } from "../domain/limits.ts";
import {
  type Snapshot,
  emptySnapshot,
  newerSnapshot,
  parseSnapshot,
  snapshotKey,
} from "../domain/snapshot.ts";
import { log } from "./log.ts";
import { withDeadline } from "./timer.ts";

/** What reading needs of the environment. */
export interface SnapshotEnv {
  readonly EVENTS: Pick<R2Bucket, "get">;
}

/** Streams and keys as an edge sees them. */
export type SnapshotView = Snapshot;

export class SnapshotSource {
  /** Null until the object, or its absence, was seen once. */
  #held: Snapshot | null = null;
  #etag: string | null = null;
  #readAtMs: EpochMs | null = null;
  #triedAtMs: EpochMs | null = null;
  #reading: { readonly done: Promise<void>; readonly startedAtMs: EpochMs } | null = null;

  /** The snapshot to go by. Throws if there never was one to read, or not for `keyOutageMsMax`. */
  async current(env: SnapshotEnv, now: EpochMs): Promise<SnapshotView> {
    if (!isWithin(this.#readAtMs, now, snapshotMaxAgeMs)) await this.#read(env, now);
    if (this.#held === null) throw new Error("the snapshot of streams and keys cannot be read");
    if (this.#readAtMs !== null && now - this.#readAtMs > keyOutageMsMax) {
      throw new Error("the snapshot could not be read for too long: a key may have been revoked since");
    }
    return this.#held;
  }

  /** The same, read early because a type or key is unknown; a flood of unknown ones reads no more often. */
  async refresh(env: SnapshotEnv, now: EpochMs): Promise<SnapshotView> {
    await this.#read(env, now);
    return this.current(env, now);
  }

  /** Takes over a snapshot that this isolate wrote itself. */
  take(snapshot: Snapshot): void {
    this.#held = newerSnapshot(this.#held ?? emptySnapshot, snapshot);
  }

  /** Reads once for all who wait, at most every `snapshotMinAgeMs`. */
  async #read(env: SnapshotEnv, now: EpochMs): Promise<void> {
    // A reader whose client went away may never finish; after its time the next request reads for itself.
    if (this.#reading === null || !isWithin(this.#reading.startedAtMs, now, snapshotReadMs)) {
      if (isWithin(this.#triedAtMs, now, snapshotMinAgeMs - 1)) return;
      this.#triedAtMs = now;
      const reading = { done: this.#readOnce(env, now), startedAtMs: now };
      this.#reading = reading;
    }
    const { done } = this.#reading;
    try {
      await withDeadline(done, snapshotReadMs);
    } catch (error) {
      log("snapshot", "unreadable", { error: String(error), serving: this.#held?.version ?? null });
    } finally {
      if (this.#reading?.done === done) this.#reading = null;
    }
  }

  async #readOnce(env: SnapshotEnv, now: EpochMs): Promise<void> {
    const object = await this.#get(env);
    if (object === null) {
      // Never written; or deleted, and then what is held is better.
      this.#held ??= emptySnapshot;
    } else if (isRead(object)) {
      const parsed = parseSnapshot(await object.text());
      if (!parsed.ok) throw new Error(`${snapshotKey} is broken: ${parsed.reason}`);
      this.#held = newerSnapshot(this.#held ?? emptySnapshot, parsed.value);
      this.#etag = object.etag;
    }
    this.#readAtMs = now;
  }

  /** Without a body if the object is still the one that is held. */
  #get({ EVENTS }: SnapshotEnv): Promise<R2Object | R2ObjectBody | null> {
    return this.#etag === null
      ? EVENTS.get(snapshotKey)
      : EVENTS.get(snapshotKey, { onlyIf: { etagDoesNotMatch: this.#etag } });
  }
}

/** R2 answers a get whose condition fails with the object's description and no body. */
function isRead(object: R2Object | R2ObjectBody): object is R2ObjectBody {
  return "body" in object;
}

/** The one of this isolate. */
export const edgeSnapshots = new SnapshotSource();

/** False also if `now` lies before: a clock that was set back makes nothing fresh. */
function isWithin(atMs: EpochMs | null, now: EpochMs, ageMs: number): boolean {
  return atMs !== null && now >= atMs && now - atMs <= ageMs;
}
