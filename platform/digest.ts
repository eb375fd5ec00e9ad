/** SHA-256 of bytes that go by, of which nobody holds all: the platform's own digest wants them at once. */
import { createHash } from "node:crypto";

export class Digest {
  readonly #hash = createHash("sha256");
  bytes = 0;

  update(piece: Uint8Array): void {
    this.#hash.update(piece);
    this.bytes += piece.length;
  }

  /** Lower-case hex. Once, when all have gone by. */
  sha256(): string {
    return this.#hash.digest("hex");
  }
}
