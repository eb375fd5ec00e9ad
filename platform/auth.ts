/**
 * Who is asking: from a request's key to its scopes.
 *
 * Promises that only a hash is compared, in constant time, and that unknown, revoked, expired and wrong keys cost and
 * answer alike. The first administrator's key is the secret `HOURSEAL_ADMIN_KEY`; without a proper one nobody is it.
 */
import { adminKeyCharsMin, basicUser, parseAuthorization, parseKey } from "../domain/key.ts";
import { bytesToHex, hexToBytes } from "../domain/fingerprint.ts";
import type { EpochMs } from "../domain/hour.ts";
import { retryAfterSeconds } from "../domain/limits.ts";
import { type RequestRefusal, type Result, no, ok } from "../domain/refusal.ts";
import { type NeededScope, holds } from "../domain/scope.ts";
import { sha256OfText } from "../domain/sha256.ts";
import { type Snapshot, emptySnapshot, liveKey } from "../domain/snapshot.ts";
import { log } from "./log.ts";
import type { SnapshotEnv, SnapshotSource } from "./snapshot-source.ts";

export const adminKeyVariable = "HOURSEAL_ADMIN_KEY";

export interface AuthEnv {
  readonly [adminKeyVariable]?: string;
}

export interface Principal {
  /** Names the key in logs; `admin` is the secret's. */
  readonly keyId: string;
  readonly scopes: readonly string[];
  /** Null: as many as come. */
  readonly eventsPerSecondMax: number | null;
}

/**
 * The principal of a request by this snapshot. Hashes here and not by the platform, whose digest is asynchronous: that each
 * request was entered once more took 3 % of all CPU of a request of 20 events, and this takes 1 µs.
 */
export function authenticate(
  request: Request,
  snapshot: Snapshot,
  env: AuthEnv,
  now: EpochMs,
): Result<Principal, RequestRefusal> {
  const text = keyOf(request);
  if (text === null) return no({ code: "no_key" });
  const digest = sha256OfText(text);
  const adminDigest = adminKeyFault(env) === null ? adminDigestOf(env[adminKeyVariable] ?? "") : dummy;
  const isAdmin = crypto.subtle.timingSafeEqual(digest, adminDigest);
  const stored = liveKey(snapshot, parseKey(text)?.id ?? "", now);
  const isStored = crypto.subtle.timingSafeEqual(
    digest,
    stored === undefined ? dummy : hexToBytes(stored.hash),
  );
  if (isAdmin) return ok({ keyId: "admin", scopes: ["admin"], eventsPerSecondMax: null });
  return isStored && stored !== undefined
    ? ok({
        keyId: stored.id,
        scopes: stored.scopes,
        eventsPerSecondMax: stored.eventsPerSecondMax,
      })
    : no({ code: "bad_key" });
}

/**
 * The same from the source. The admin secret needs no snapshot, so that a broken one locks no administrator out; a key
 * that is not known yet is looked up once more in a fresh snapshot.
 */
export async function admit(
  request: Request,
  source: SnapshotSource,
  env: AuthEnv & SnapshotEnv,
  now: EpochMs,
): Promise<Result<Principal, RequestRefusal>> {
  const bySecret = authenticate(request, emptySnapshot, env, now);
  if (bySecret.ok || bySecret.reason.code === "no_key") return bySecret;
  try {
    const snapshot = await source.current(env, now);
    const found = authenticate(request, snapshot, env, now);
    if (found.ok) return found;
    const fresh = await source.refresh(env, now);
    return fresh === snapshot ? found : authenticate(request, fresh, env, now);
  } catch (error) {
    log("auth", "unavailable", { error: String(error) });
    return no({
      code: "unavailable",
      retryAfterSeconds,
      detail: "Keys cannot be checked right now; try again.",
    });
  }
}

/** Null if the principal has the scope. */
export function requireScope(principal: Principal, scope: NeededScope): RequestRefusal | null {
  return holds(principal.scopes, scope) ? null : { code: "missing_scope", scope };
}

/** Why the admin secret cannot be used, or null if it can. */
export function adminKeyFault(env: AuthEnv): RequestRefusal | null {
  const secret = env[adminKeyVariable];
  if (secret !== undefined && secret.length >= adminKeyCharsMin) return null;
  const what = secret === undefined ? "is not set" : `has fewer than ${adminKeyCharsMin} characters`;
  return {
    code: "misconfigured",
    variable: adminKeyVariable,
    detail: `The secret ${adminKeyVariable} ${what}; set it with \`wrangler secret put ${adminKeyVariable}\`.`,
  };
}

/** SHA-256 of a key's text as it is stored, hex. */
export function keyHash(text: string): string {
  return bytesToHex(sha256OfText(text));
}

/** The key's text as the request carries it: a header before the query. */
function keyOf(request: Request): string | null {
  const header = request.headers.get("authorization");
  const authorization = header === null ? null : parseAuthorization(header);
  if (authorization === null) return nonEmpty(new URL(request.url).searchParams.get("key"));
  return authorization.scheme === "bearer" ? authorization.key : userOf(authorization.encoded);
}

function userOf(encoded: string): string | null {
  try {
    return nonEmpty(basicUser(atob(encoded)));
  } catch {
    return null;
  }
}

function nonEmpty(text: string | null): string | null {
  return text === "" ? null : text;
}

/** What nothing hashes to: compared with where there is no hash, so that the comparison takes place all the same. */
const dummy = new Uint8Array(32);

let adminDigest: { readonly secret: string; readonly digest: Uint8Array } | null = null;

/** The secret does not change within an isolate's life; it is hashed once. */
function adminDigestOf(secret: string): Uint8Array {
  if (adminDigest?.secret !== secret) adminDigest = { secret, digest: sha256OfText(secret) };
  return adminDigest.digest;
}
