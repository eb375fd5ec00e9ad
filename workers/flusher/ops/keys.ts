/**
 * `/v1/keys`: create, list, rotate, revoke. A key's text is in the answer that creates it, and nowhere else, ever.
 *
 * Administrators do all of it. A key with the scope `keys` lists and rotates the keys of its own owner, and gets no further
 * than they do: a new key may do what the old one may, and a key with `admin` is rotated by administrators only.
 */
import * as z from "zod";
import { type EpochMs, epochMs, isoOf } from "../../../domain/hour.ts";
import { type Key, keyIdBytes, keySecretBytes, keyText, mintKey } from "../../../domain/key.ts";
import {
  eventsPerSecondLimit,
  keyOverlapMsDefault,
  keyOverlapMsMax,
  noteCharsMax,
  ownerCharsMax,
  scopesPerKeyMax,
} from "../../../domain/limits.ts";
import { QuotaEvents } from "../../../domain/quota.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { Scope, holds } from "../../../domain/scope.ts";
import { keyHash } from "../../../platform/auth.ts";
import {
  type CatalogKey,
  getKey,
  insertKey,
  listKeys,
  revokeKey,
  rotateKey,
} from "../../../platform/catalog/keys.ts";
import { randomBytes } from "../../../platform/random.ts";
import { type OpsCall, type OpsReply, json, readBody } from "./http.ts";
import { publish, unpublished } from "./publish.ts";

const NewKey = z.strictObject({
  scopes: z.array(Scope).min(1).max(scopesPerKeyMax),
  note: z.string().max(noteCharsMax).default(""),
  owner: z.string().max(ownerCharsMax).default(""),
  eventsPerSecondMax: z.number().int().min(1).max(eventsPerSecondLimit).nullable().default(null),
  eventsPerHourMax: QuotaEvents.default(null),
  eventsPerDayMax: QuotaEvents.default(null),
});

/**
 * 201 with the key. `published` is false if the edges do not know it yet: then it works within a minute or two, and
 * creating another one would be no faster.
 */
export async function createKeyRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, NewKey);
  if (!body.ok) return body;
  const key = mint();
  const text = keyText(key);
  const hash = keyHash(text);
  await insertKey(call.env.CATALOG, { id: key.id, hash, expiresAtMs: null, ...body.value }, call.now);
  const published = await publish(call);
  return ok(json({ id: key.id, key: text, ...body.value, createdAt: isoOf(call.now), published }, 201));
}

function mint(): Key {
  return mintKey(randomBytes(keyIdBytes), randomBytes(keySecretBytes));
}

/** All keys for an administrator, else those of the asking key's owner. */
export async function listKeysRoute(call: OpsCall): Promise<OpsReply> {
  const owner = holds(call.scopes, "admin") ? null : await ownerOf(call);
  if (owner === "") return no(ownerless);
  const keys = await listKeys(call.env.CATALOG, owner);
  return ok(json({ keys: keys.map(keyJson) }));
}

const Rotation = z.strictObject({
  overlapMs: z.number().int().min(0).max(keyOverlapMsMax).default(keyOverlapMsDefault),
});

/** 201 with a new key that may do what the old one may; the old one ends when the overlap does. */
export async function rotateKeyRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, Rotation);
  if (!body.ok) return body;
  const { CATALOG } = call.env;
  const id = call.params["id"] ?? "";
  const old = await getKey(CATALOG, id);
  if (old === null || !(await mayRotate(call, old))) return no({ code: "not_found" });
  const key = mint();
  const text = keyText(key);
  const endsAt = epochMs(call.now + body.value.overlapMs);
  const successor = { id: key.id, hash: keyHash(text) };
  if (!(await rotateKey(CATALOG, id, successor, endsAt, call.now))) return no(over(old));
  const published = await publish(call);
  const { scopes, note, owner, eventsPerSecondMax, eventsPerHourMax, eventsPerDayMax } = old;
  const replaces = {
    id,
    expiresAt: isoOf(old.expiresAtMs === null ? endsAt : earlier(old.expiresAtMs, endsAt)),
  };
  const reply = {
    id: key.id,
    key: text,
    scopes,
    note,
    owner,
    eventsPerSecondMax,
    eventsPerHourMax,
    eventsPerDayMax,
    createdAt: isoOf(call.now),
    replaces,
    published,
  };
  return ok(json(reply, 201));
}

function earlier(a: EpochMs, b: EpochMs): EpochMs {
  return a < b ? a : b;
}

/** A key of somebody else is not said to exist. */
async function mayRotate(call: OpsCall, { owner, scopes }: CatalogKey): Promise<boolean> {
  if (holds(call.scopes, "admin")) return true;
  return owner !== "" && !scopes.includes("admin") && owner === (await ownerOf(call));
}

async function ownerOf({ env, keyId }: OpsCall): Promise<string> {
  return (await getKey(env.CATALOG, keyId))?.owner ?? "";
}

const ownerless = {
  code: "conflict",
  detail: "The key has no owner, so there are no keys of its owner; ask an administrator for one that has.",
} as const;

function over({ replacedBy }: CatalogKey) {
  const why = replacedBy === null ? "is revoked or has ended" : `was rotated to ${replacedBy}`;
  const detail = `The key ${why}; rotate a key that is good, or ask for another one.`;
  return { code: "conflict", detail } as const;
}

function keyJson(key: CatalogKey): object {
  const { id, scopes, note, owner, createdAtMs, revokedAtMs, expiresAtMs, replacedBy } = key;
  return {
    id,
    scopes,
    note,
    owner,
    eventsPerSecondMax: key.eventsPerSecondMax,
    eventsPerHourMax: key.eventsPerHourMax,
    eventsPerDayMax: key.eventsPerDayMax,
    createdAt: isoOf(createdAtMs),
    revokedAt: revokedAtMs === null ? null : isoOf(revokedAtMs),
    expiresAt: expiresAtMs === null ? null : isoOf(expiresAtMs),
    replacedBy,
  };
}

/** 204 also for a key that is revoked already; a revocation that edges cannot read yet is not answered as done. */
export async function revokeKeyRoute(call: OpsCall): Promise<OpsReply> {
  const known = await revokeKey(call.env.CATALOG, call.params["id"] ?? "", call.now);
  if (!known) return no({ code: "not_found" });
  return (await publish(call)) ? ok(new Response(null, { status: 204 })) : no(unpublished);
}
