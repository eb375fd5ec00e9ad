/**
 * R2 as its binding presents it: conditional puts with a checked sha256, reads, lists in pages. Production's own
 * `r2Objects` stands on it. Unlike R2 it remembers what lay under a key, so that nothing changes unseen.
 */
import { hexToBytes } from "@noble/hashes/utils.js";
import { sha256Of } from "./codec.ts";

interface Held {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string | null;
}

/** Around one call: delays it, fails it before its effect or after. */
export type AroundR2 = <Reply>(
  operation: "put" | "head" | "get" | "list",
  key: string,
  effect: () => Reply,
) => Promise<Reply>;

const pageObjects = 3;

function etagOf(held: Held | undefined): string | undefined {
  return held === undefined ? undefined : sha256Of(held.bytes).slice(0, 32);
}

export class SimulatedR2 {
  readonly held = new Map<string, Held>();
  /** Told of every put that took effect; `before` is what lay there. */
  onPut: (key: string, bytes: Uint8Array<ArrayBuffer>, before: Uint8Array | null) => void = () => undefined;

  /** Told of every put that found its key taken. */
  onTaken: (key: string, bytes: Uint8Array, held: Uint8Array) => void = () => undefined;

  /** Somebody else's object. */
  plant(key: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.held.set(key, { bytes, sha256: sha256Of(bytes) });
  }

  /** The binding as one party sees it. */
  bucket(around: AroundR2): R2Bucket {
    const bucket = {
      put: (
        key: string,
        value: Uint8Array<ArrayBuffer> | string,
        options: { readonly onlyIf?: R2Conditional; readonly sha256?: string },
      ) => around("put", key, () => this.#put(key, value, options)),
      head: (key: string) => around("head", key, () => this.#object(key)),
      get: (key: string) => around("get", key, () => this.#get(key)),
      list: ({ prefix, cursor }: R2ListOptions) =>
        around("list", prefix ?? "", () => this.#list(prefix ?? "", cursor)),
    };
    // Only what `r2Objects` uses of the binding is there.
    return bucket as unknown as R2Bucket;
  }

  #put(
    key: string,
    value: Uint8Array<ArrayBuffer> | string,
    { onlyIf, sha256 }: { readonly onlyIf?: R2Conditional; readonly sha256?: string },
  ): unknown {
    const bytes = typeof value === "string" ? new Uint8Array(new TextEncoder().encode(value)) : value;
    const digest = sha256Of(bytes);
    if (sha256 !== undefined && sha256 !== digest) throw new Error(`${key}: the sha256 is another one`);
    const before = this.held.get(key);
    if (onlyIf?.etagDoesNotMatch === "*" && before !== undefined) {
      this.onTaken(key, bytes, before.bytes);
      return null;
    }
    if (onlyIf?.etagMatches !== undefined && onlyIf.etagMatches !== etagOf(before)) return null;
    this.held.set(key, { bytes: bytes.slice(), sha256: sha256 === undefined ? null : digest });
    this.onPut(key, bytes, before?.bytes ?? null);
    return this.#object(key);
  }

  #object(key: string): Record<string, unknown> | null {
    const held = this.held.get(key);
    if (held === undefined) return null;
    const sha256 = held.sha256 === null ? undefined : hexToBytes(held.sha256).buffer;
    return { key, size: held.bytes.length, etag: etagOf(held), checksums: { sha256 } };
  }

  #get(key: string): unknown {
    const object = this.#object(key);
    const bytes = this.held.get(key)?.bytes;
    if (object === null || bytes === undefined) return null;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        if (bytes.length > 0) controller.enqueue(bytes.slice());
        controller.close();
      },
    });
    return { ...object, body, text: async () => new TextDecoder().decode(bytes) };
  }

  #list(prefix: string, cursor: string | undefined): unknown {
    const keys = [...this.held.keys()].filter((key) => key.startsWith(prefix) && key > (cursor ?? "")).sort();
    const page = keys.slice(0, pageObjects);
    const truncated = keys.length > page.length;
    return {
      objects: page.map((key) => this.#object(key)),
      truncated,
      cursor: truncated ? page.at(-1) : undefined,
    };
  }
}
