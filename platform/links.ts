/**
 * Making links, and admitting who comes by one.
 *
 * The signature is an HMAC under a key derived from the admin secret, which is stored nowhere that Hourseal writes to:
 * who can read the snapshot or the catalog can make no link. A new admin secret ends all links; a revoked key ends
 * those that it made, as soon as it ends itself.
 */
import type { EpochMs } from "../domain/hour.ts";
import { type Link, followedLink, linkQuery, signedText } from "../domain/link.ts";
import { retryAfterSeconds } from "../domain/limits.ts";
import { type RequestRefusal, type Result, no, ok } from "../domain/refusal.ts";
import { holds } from "../domain/scope.ts";
import { liveKey } from "../domain/snapshot.ts";
import { type AuthEnv, type Principal, adminKeyFault, adminKeyVariable } from "./auth.ts";
import { log } from "./log.ts";
import { hexOf } from "./objects.ts";
import type { SnapshotEnv, SnapshotSource } from "./snapshot-source.ts";

/** Signs links of one deployment. Without a proper admin secret there is nothing to sign with. */
export async function linkSigner(
  env: AuthEnv,
): Promise<Result<(link: Link) => Promise<string>, RequestRefusal>> {
  const fault = adminKeyFault(env);
  if (fault !== null) return no(fault);
  const key = await signingKey(env);
  return ok(async (link) => {
    const signature = await crypto.subtle.sign("HMAC", key, bytesOf(signedText(link)));
    return `${link.path}?${linkQuery(link, hexOf(new Uint8Array(signature)))}`;
  });
}

/** Who made the link that this request follows; it may read what the link names, and the request asks for just that. */
export async function admitLink(
  request: Request,
  source: SnapshotSource,
  env: AuthEnv & SnapshotEnv,
  now: EpochMs,
): Promise<Result<Principal, RequestRefusal>> {
  const { pathname, searchParams } = new URL(request.url);
  const followed = followedLink(request.method, pathname, searchParams, now);
  if (!followed.ok) return followed;
  const fault = adminKeyFault(env);
  if (fault !== null) return no(fault);
  const { link, signature } = followed.value;
  const given = Uint8Array.from(signature.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
  // `verify` compares in constant time.
  const isOurs = await crypto.subtle.verify("HMAC", await signingKey(env), given, bytesOf(signedText(link)));
  if (!isOurs) return no({ code: "bad_link" });
  const { keyId } = link;
  const principal = { keyId, scopes: ["read:buckets"], eventsPerSecondMax: null };
  if (keyId === "admin") return ok(principal);
  try {
    const maker = liveKey(await source.current(env, now), keyId, now);
    return maker !== undefined && holds(maker.scopes, "read:buckets")
      ? ok(principal)
      : no({ code: "bad_link" });
  } catch (error) {
    log("links", "unavailable", { error: String(error) });
    const detail = "Links cannot be checked right now; try again.";
    return no({ code: "unavailable", retryAfterSeconds, detail });
  }
}

/** A key for links alone: what is signed with it says nothing of the secret, and nothing else is signed with it. */
async function signingKey(env: AuthEnv): Promise<CryptoKey> {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", bytesOf(env[adminKeyVariable] ?? ""), hmac, false, [
    "sign",
  ]);
  const derived = await crypto.subtle.sign("HMAC", secret, bytesOf("hourseal links"));
  return crypto.subtle.importKey("raw", derived, hmac, false, ["sign", "verify"]);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
