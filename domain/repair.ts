/**
 * What objects do for an operator alone, and the decision whether an object in R2 is to be put back. But for giving up a
 * shard, objects only answer: what they hold is read, and nothing of them is changed.
 */
import type { BucketAddress, ShardAddress } from "./ids.ts";
import { shardOfName } from "./ids.ts";
import type { AbandonMessage, AbandonReply } from "./abandon.ts";
import type { Hour } from "./hour.ts";
import type { PartOrigin } from "./manifest.ts";
import type { ExportPage } from "./shard-export.ts";

/**
 * A part, encoded again from the rows that it was made of. `dropped`: the rows are not kept any more. `unknown`: whoever
 * was asked has never put a part under this key, or has retired. `outgrown`: encoded today, it is more than a part may be.
 */
export type StoredPart =
  | { readonly stored: true; readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: string }
  | { readonly stored: false; readonly why: "dropped" | "unknown" | "outgrown" };

export interface ShardRepairRpc {
  /** The part that this shard put under the key for the bucket of that hour; reads only. */
  storedPart(hour: Hour, key: string): Promise<StoredPart>;
  /** What this shard has stored, from the record after a cursor on; reads only. */
  exportPage(after: string | null, bytesMax: number): Promise<ExportPage>;
}

export interface BucketRepairRpc {
  /** The part that this bucket merged under the key; reads only. */
  storedPart(key: string): Promise<StoredPart>;
  /** The manifest's text as it was frozen; null: none was, or the bucket has retired. Reads only. */
  storedManifest(): Promise<string | null>;
  /** Gives up a shard whose receipt is missing; the next seal goes on without it. Repeating it changes nothing. */
  abandon(message: AbandonMessage): Promise<AbandonReply>;
}

/** Who has the rows of a part; null: its bucket, which merged it. */
export function keeperOf({ type, hour }: BucketAddress, origin: PartOrigin): ShardAddress | null {
  if (origin === "merged") return null;
  if (typeof origin === "number") return { type, hour, index: origin };
  // A shard of an earlier hour, whose rows moved here.
  return shardOfName(`${origin.replace(".", "/")}/${type}`);
}

/**
 * `sound`: it is what was sealed. `unsigned`: its bytes are, but R2 was given no sha256 with them, so they are not served.
 * `altered` and `lost` speak for themselves.
 */
export type ObjectState = "sound" | "unsigned" | "altered" | "lost";

export function objectState(
  sealedSha256: string,
  inR2: { readonly sha256: string; readonly signedSha256: string | null } | null,
): ObjectState {
  if (inR2 === null) return "lost";
  if (inR2.sha256 !== sealedSha256) return "altered";
  return inR2.signedSha256 === sealedSha256 ? "sound" : "unsigned";
}
