/** The sha256 of what is served, as RFC 9530 writes it: of the whole, also where a range of it is answered. */
import { base64Of } from "../../../domain/event/base64.ts";

/** No header for an object that was put without its sha256. */
export function digestHeaders(sha256: ArrayBuffer | undefined): Readonly<Record<string, string>> {
  return sha256 === undefined ? {} : { "repr-digest": `sha-256=:${base64Of(new Uint8Array(sha256))}:` };
}
