/**
 * Links to a manifest or a part for those who have no key: an address with when it expires, who made it and a signature
 * over all of that. What a link opens is its own path, read only; making and checking the signature is the platform's.
 */
import { type EpochMs, epochMs, isoOf } from "./hour.ts";
import { linkMsMax } from "./limits.ts";
import { type RequestRefusal, type Result, no, ok } from "./refusal.ts";

export interface Link {
  /** The path as it stands in the URL, percent-encoded. */
  readonly path: string;
  readonly expiresAtMs: number;
  /** The key that made it; a link ends with its key. */
  readonly keyId: string;
}

/** A URL's query, as far as it is read here. */
interface Query {
  get(name: string): string | null;
}

/** What is signed. A line each; none of the three can hold a line break. */
export function signedText({ path, expiresAtMs, keyId }: Link): string {
  return `hourseal link 1\n${path}\n${expiresAtMs}\n${keyId}`;
}

/** Digits, a key's id and hex: nothing that a query would have to encode. */
export function linkQuery({ expiresAtMs, keyId }: Link, signature: string): string {
  return `expires=${expiresAtMs}&by=${keyId}&signature=${signature}`;
}

/** True if the request comes by a link: then no key of it counts. */
export function isLinked(query: Query): boolean {
  return query.get("signature") !== null;
}

/** The link that was followed and its signature, or why it opens nothing; the signature is not checked here. */
export function followedLink(
  method: string,
  path: string,
  query: Query,
  now: EpochMs,
): Result<{ readonly link: Link; readonly signature: string }, RequestRefusal> {
  const expires = query.get("expires") ?? "";
  const keyId = query.get("by") ?? "";
  const signature = query.get("signature") ?? "";
  const isWhole = /^\d{1,15}$/.test(expires) && /^[0-9a-z]+$/.test(keyId) && /^[0-9a-f]{64}$/.test(signature);
  if (!isWhole || (method !== "GET" && method !== "HEAD")) return no({ code: "bad_link" });
  const expiresAtMs = Number(expires);
  if (expiresAtMs <= now) return no({ code: "link_expired", expiredAt: isoOf(epochMs(expiresAtMs)) });
  // Whatever signed it: none that we make lives longer.
  if (expiresAtMs > now + linkMsMax) return no({ code: "bad_link" });
  return ok({ link: { path, expiresAtMs, keyId }, signature });
}
