/**
 * Putting one part, or any other object that must exist once with known bytes.
 *
 * Protocol: what goes into it is durably frozen by the caller before the first call.
 *  1. `create` under the computed key. Created: done.
 *  2. Exists, or the reply was lost: look the object up. Same sha256 and size: it is ours, done.
 *  3. Other bytes: read it back. The same rows, whatever compressed them (another compressor version, say): adopt it
 *     with the digest that it has.
 *  4. Different content: a stray. The caller moves on to the next number and reports the stray.
 * Safe to stop after each step: doing it again finds the object and ends at 2.
 */
import type { Format } from "../domain/encoding.ts";
import { broken } from "../domain/invariant.ts";
import { type ObjectStore, bytesOf } from "./objects.ts";
import type { PartCodec } from "./part-codec.ts";

/** A part's bytes, ready to be put. */
export interface EncodedPart {
  readonly format: Format;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

export type PutOutcome =
  { readonly put: "stored"; readonly bytes: number; readonly sha256: string } | { readonly put: "stray" };

/**
 * Puts an object of which only these bytes may exist under its key: a manifest, a marker. Finding others there is a
 * broken invariant: somebody else has sealed this hour.
 */
export async function putExact(
  objects: ObjectStore,
  codec: Pick<PartCodec, "sha256">,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const sha256 = await codec.sha256(bytes);
  const created = await objects.create(key, bytes, sha256).catch(async (error: unknown) => {
    if ((await objects.head(key)) === null) throw error;
    return "exists" as const;
  });
  if (created === "created") return;
  const found = await objects.head(key);
  if (found === null) throw new Error(`${key} exists for a put and not for a look; try again`);
  if (found.sha256 !== sha256) broken(`${key} holds other bytes than the ones that were frozen`);
}

export async function putPart(
  objects: ObjectStore,
  codec: PartCodec,
  key: string,
  part: EncodedPart,
): Promise<PutOutcome> {
  const ours = { put: "stored", bytes: part.bytes.length, sha256: part.sha256 } as const;
  const created = await objects.create(key, part.bytes, part.sha256).catch(async (error: unknown) => {
    // A lost reply is unknown, not failed: look before deciding.
    if ((await objects.head(key)) === null) throw error;
    return "exists" as const;
  });
  if (created === "created") return ours;
  const found = await objects.get(key);
  if (found === null) throw new Error(`${key} exists for a put and not for a get; try again`);
  if (found.object.sha256 === part.sha256 && found.object.bytes === part.bytes.length) {
    await found.body.cancel();
    return ours;
  }
  const theirs = await bytesOf(found.body);
  const sameContent = await Promise.all(
    [theirs, part.bytes].map((bytes) => codec.contentSha256(part.format, bytes)),
  ).then(
    ([a, b]) => a === b,
    () => false,
  );
  if (!sameContent) return { put: "stray" };
  return { put: "stored", bytes: theirs.length, sha256: await codec.sha256(theirs) };
}
