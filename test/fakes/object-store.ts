/** R2 in memory: create-only, with the sha256 checked, and a way to make any call fail before or after its effect. */
import { createHash } from "node:crypto";
import type { ObjectStore, StoredObject } from "../../platform/objects.ts";

interface Held {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string | null;
}

export class MemoryObjects implements ObjectStore {
  readonly #held = new Map<string, Held>();
  /** Keys in the order in which their objects were created. */
  readonly created: string[] = [];

  async create(key: string, bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<"created" | "exists"> {
    const found = createHash("sha256").update(bytes).digest("hex");
    if (found !== sha256) throw new Error(`sha256 of ${key} is ${found}, not ${sha256}`);
    if (this.#held.has(key)) return "exists";
    this.#held.set(key, { bytes: bytes.slice(), sha256 });
    this.created.push(key);
    return "created";
  }

  async head(key: string): Promise<StoredObject | null> {
    const held = this.#held.get(key);
    return held === undefined ? null : stored(key, held);
  }

  async get(
    key: string,
  ): Promise<{ readonly object: StoredObject; readonly body: ReadableStream<Uint8Array> } | null> {
    const held = this.#held.get(key);
    if (held === undefined) return null;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        if (held.bytes.length > 0) controller.enqueue(held.bytes.slice());
        controller.close();
      },
    });
    return { object: stored(key, held), body };
  }

  async list(prefix: string): Promise<StoredObject[]> {
    return [...this.#held]
      .filter(([key]) => key.startsWith(prefix))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, held]) => stored(key, held));
  }

  /** Somebody else's object, put past every check. */
  plant(key: string, bytes: Uint8Array<ArrayBuffer>, sha256: string | null = null): void {
    this.#held.set(key, { bytes, sha256 });
  }

  /** Keys and bytes, in key order, for a test to compare. */
  contents(): [string, Uint8Array<ArrayBuffer>][] {
    return [...this.#held].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, { bytes }]) => [key, bytes]);
  }
}

function stored(key: string, { bytes, sha256 }: Held): StoredObject {
  return { key, bytes: bytes.length, sha256 };
}

export type ObjectOperation = "create" | "head" | "get" | "list";

/** Stands around one call: runs its effect, or fails before it, or after it with the reply lost. */
export type AroundCall = <Reply>(
  operation: ObjectOperation,
  key: string,
  effect: () => Promise<Reply>,
) => Promise<Reply>;

/** The store with every call passed through `around`. */
export function aroundObjects(store: ObjectStore, around: AroundCall): ObjectStore {
  return {
    create: (key, bytes, sha256) => around("create", key, () => store.create(key, bytes, sha256)),
    head: (key) => around("head", key, () => store.head(key)),
    get: (key) => around("get", key, () => store.get(key)),
    list: (prefix) => around("list", prefix, () => store.list(prefix)),
  };
}

export type ObjectFault = "before" | "after" | null;

/** Fails the calls that `decide` names. */
export function failingObjects(
  store: ObjectStore,
  decide: (operation: ObjectOperation, key: string) => ObjectFault,
): ObjectStore {
  return aroundObjects(store, async (operation, key, effect) => {
    const fault = decide(operation, key);
    if (fault === "before") throw new Error(`${operation} of ${key} failed`);
    const reply = await effect();
    if (fault === "after") throw new Error(`the reply to ${operation} of ${key} was lost`);
    return reply;
  });
}
