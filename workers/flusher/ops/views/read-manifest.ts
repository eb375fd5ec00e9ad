/** A manifest as R2 holds it; null if it is not there, or is none: what that means is the auditor's to say. */
import type { BucketAddress } from "../../../../domain/ids.ts";
import { Manifest, manifestKey } from "../../../../domain/manifest.ts";
import { type ObjectStore, bytesOf } from "../../../../platform/objects.ts";

export async function readManifest(
  objects: Pick<ObjectStore, "get">,
  address: BucketAddress,
): Promise<Manifest | null> {
  const found = await objects.get(manifestKey(address));
  if (found === null) return null;
  try {
    const text = new TextDecoder().decode(await bytesOf(found.body));
    return Manifest.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
