/**
 * What this isolate has learned from shards: which hours are closed, and which plan an hour really has. Hints only:
 * a shard checks every append, so forgetting them costs one more round trip and nothing else.
 */
import type { Hour } from "../../domain/hour.ts";
import type { EventType } from "../../domain/ids.ts";

/** Entries kept of each kind; the oldest go first. */
const entriesMax = 10_000;

export class Learned<Value> {
  readonly #values = new Map<string, Value>();

  get(type: EventType, hour: Hour): Value | undefined {
    // It is asked for every event, and mostly knows nothing: then no name is made.
    if (this.#values.size === 0) return undefined;
    return this.#values.get(`${hour}/${type}`);
  }

  set(type: EventType, hour: Hour, value: Value): void {
    this.#values.set(`${hour}/${type}`, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= entriesMax) break;
      this.#values.delete(oldest);
    }
  }
}

export class ClosedHours {
  readonly #hours = new Learned<true>();

  add(type: EventType, hour: Hour): void {
    this.#hours.set(type, hour, true);
  }

  has(type: EventType, hour: Hour): boolean {
    return this.#hours.get(type, hour) === true;
  }
}
