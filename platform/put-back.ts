/**
 * Putting an object back that is not what was sealed: the only code that overwrites under `events/`, for an operator alone.
 * Promises that R2 checks the sha256 on the way, and that nothing but what was looked at before is overwritten.
 */
import { hexOf, sha256Hex } from "./objects.ts";

/** An object as it lies in R2, read to its end. */
export interface SeenObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of the bytes that were read. */
  readonly sha256: string;
  /** The one that R2 was given with them; null: none. */
  readonly signedSha256: string | null;
  /** Names exactly this object to a put. */
  readonly etag: string;
}

export async function look(bucket: Pick<R2Bucket, "get">, key: string): Promise<SeenObject | null> {
  const object = await bucket.get(key);
  if (object === null) return null;
  const bytes = new Uint8Array(await object.arrayBuffer());
  const { sha256 } = object.checksums;
  return {
    bytes,
    sha256: await sha256Hex(bytes),
    signedSha256: sha256 === undefined ? null : hexOf(new Uint8Array(sha256)),
    etag: object.etag,
  };
}

/** False: what lies there now is not what was seen; look again. */
export async function putBack(
  bucket: Pick<R2Bucket, "put">,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
  sha256: string,
  seen: SeenObject | null,
): Promise<boolean> {
  const onlyIf = seen === null ? { etagDoesNotMatch: "*" } : { etagMatches: seen.etag };
  return (await bucket.put(key, bytes, { onlyIf, sha256 })) !== null;
}
