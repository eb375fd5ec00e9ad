/**
 * What `pull` does with one part, from what lies in the folder.
 *
 * A file under the part's own name is whole or it is not trusted; an unfinished download lies beside it under another
 * name, and is continued. So whatever kills a pull, the next one downloads only what is not there.
 */
import type { Part } from "../manifest.ts";

export interface LocalPart {
  /** The file under the part's name. The sha256 is null if only its size was looked at. */
  readonly file: { readonly bytes: number; readonly sha256: string | null } | null;
  /** Bytes of the unfinished download; null if there is none. */
  readonly partialBytes: number | null;
}

export type PartStep =
  | { readonly step: "keep" }
  /** The unfinished download has all its bytes: only the check and the rename are missing. */
  | { readonly step: "check" }
  | { readonly step: "download"; readonly fromByte: number };

export function partStep(part: Pick<Part, "bytes" | "sha256">, local: LocalPart): PartStep {
  if (local.file !== null && localFault(part, local.file) === null) return { step: "keep" };
  const partial = local.partialBytes ?? 0;
  if (partial === part.bytes) return { step: "check" };
  return { step: "download", fromByte: partial < part.bytes ? partial : 0 };
}

/** What is wrong with a file that is there under the part's name; null if nothing is. */
export function localFault(
  part: Pick<Part, "bytes" | "sha256">,
  file: NonNullable<LocalPart["file"]>,
): string | null {
  if (file.bytes !== part.bytes) return `${file.bytes} bytes instead of ${part.bytes}`;
  if (file.sha256 !== null && file.sha256 !== part.sha256) return `sha256 ${file.sha256}`;
  return null;
}

/** Downloads of one part from its first byte before it is said to be corrupt where it comes from. */
export const wholeDownloadsMax = 2;

/**
 * After a download was checked. `sound`: bytes, sha256, rows and identity sum are the manifest's.
 * `wholeDownloads`: how many began at the first byte. One that was continued may rest on bytes that were bad before,
 * and any may have been damaged under way: neither says anything of the source.
 */
export function afterCheck(sound: boolean, wholeDownloads: number): "accept" | "again" | "corrupt" {
  if (sound) return "accept";
  return wholeDownloads < wholeDownloadsMax ? "again" : "corrupt";
}
