/**
 * gzip in one synchronous step, and inflating that waits for whoever reads, which the streams of the platform cannot do. The only
 * code that names the runtime's zlib.
 */
import { type Gunzip, createGunzip, gunzipSync, gzipSync } from "node:zlib";

/** Level 6, said so that no default can change what is written. */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: 6 });
}

/**
 * Throws if the bytes hold another number of bytes than `plainBytes`, and makes no more than twice as many. The runtime
 * doubles its buffer as it goes, and throws where a doubled one passes the bound, however little of it would be used.
 */
export function gunzip(bytes: Uint8Array, plainBytes: number): Uint8Array {
  const plain = gunzipSync(bytes, { maxOutputLength: 2 * plainBytes + startBytes });
  if (plain.length !== plainBytes) throw new Error(`${plain.length} bytes, not ${plainBytes}`);
  return plain;
}

/** What the runtime's buffer may begin with. */
const startBytes = 64 * 1024;

/** Bytes that an inflating stream hands over at a time. */
const pieceBytes = 256 * 1024;

/** Resolves when more may be written, or nothing will be taken any more. */
export function drained(stream: Gunzip): Promise<void> {
  return new Promise((resolve) => {
    // It has said so, to nobody.
    if (stream.destroyed) {
      resolve();
      return;
    }
    const settle = (): void => {
      stream.off("drain", settle);
      stream.off("close", settle);
      resolve();
    };
    stream.on("drain", settle);
    stream.on("close", settle);
  });
}

export function gunzipStream(): Gunzip {
  return createGunzip({ chunkSize: pieceBytes });
}
