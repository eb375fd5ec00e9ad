/** gzip in one synchronous step, which the streams of the platform cannot do. The only code that names the runtime's zlib. */
import { gunzipSync, gzipSync } from "node:zlib";

/** Level 6, said so that no default can change what is written. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 6 });
}

/** Throws if the bytes hold another number of bytes than `plainBytes`, before it makes more of them. */
export function gunzip(bytes: Uint8Array, plainBytes: number): Uint8Array {
  return gunzipSync(bytes, { maxOutputLength: Math.max(plainBytes, 1) });
}
