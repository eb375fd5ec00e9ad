/**
 * Objects in R2, as the system uses them: created once, read, looked up, listed. Nothing here overwrites or deletes.
 * The only code that names R2 for events; the snapshot, which does change, has its own.
 */

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hex, as R2 verified it on the put; null for objects that somebody else put without one. */
  readonly sha256: string | null;
}

export interface ObjectStore {
  /** Puts the bytes if the key is free; R2 verifies the sha256 and stores nothing on a mismatch. */
  create(key: string, bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<"created" | "exists">;
  head(key: string): Promise<StoredObject | null>;
  get(
    key: string,
  ): Promise<{ readonly object: StoredObject; readonly body: ReadableStream<Uint8Array> } | null>;
  /** Every object under the prefix, in key order. */
  list(prefix: string): Promise<StoredObject[]>;
}

function stored(object: R2Object): StoredObject {
  const digest = object.checksums.sha256;
  return {
    key: object.key,
    bytes: object.size,
    sha256: digest === undefined ? null : hexOf(new Uint8Array(digest)),
  };
}

export function r2Objects(bucket: R2Bucket): ObjectStore {
  return {
    async create(key, bytes, sha256) {
      const object = await bucket.put(key, bytes, { onlyIf: { etagDoesNotMatch: "*" }, sha256 });
      return object === null ? "exists" : "created";
    },
    async head(key) {
      const object = await bucket.head(key);
      return object === null ? null : stored(object);
    },
    async get(key) {
      const object = await bucket.get(key);
      return object === null
        ? null
        : { object: stored(object), body: object.body as ReadableStream<Uint8Array> };
    },
    async list(prefix) {
      const found: StoredObject[] = [];
      let cursor: string | undefined;
      do {
        const page: R2Objects = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
        found.push(...page.objects.map(stored));
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
      return found;
    },
  };
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** All bytes of a stream; the caller knows that they fit its memory. */
export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
