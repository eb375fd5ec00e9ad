/**
 * The name of a folder on a disk for one step of a key in R2. It is the step itself wherever a file system can hold it;
 * one that is longer, of a long type with many encoded characters, is cut and told apart by its digest.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** Bytes of a name that file systems hold. */
export const localNameBytesMax = 255;

const digestChars = 32;

/** `step` is ASCII, as the steps of keys are. */
export function localName(step: string): string {
  if (step.length <= localNameBytesMax) return step;
  // An encoded byte is not cut in two.
  const kept = step.slice(0, localNameBytesMax - digestChars - 1).replace(/%.?$/, "");
  return `${kept}~${bytesToHex(sha256(utf8ToBytes(step))).slice(0, digestChars)}`;
}
