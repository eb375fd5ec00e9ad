/** The sha256 of bytes, lower-case hex, as manifests and digests write it. */
import { createHash } from "node:crypto";

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
