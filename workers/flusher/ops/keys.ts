/** `/v1/keys`: create, list, revoke. A key's text is in the answer that creates it, and nowhere else, ever. */
import * as z from "zod";
import { isoOf } from "../../../domain/hour.ts";
import { keyIdBytes, keySecretBytes, keyText, mintKey } from "../../../domain/key.ts";
import { noteCharsMax, scopesPerKeyMax } from "../../../domain/limits.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { Scope } from "../../../domain/scope.ts";
import { keyHash } from "../../../platform/auth.ts";
import { insertKey, listKeys, revokeKey } from "../../../platform/catalog/keys.ts";
import { randomBytes } from "../../../platform/random.ts";
import { type OpsCall, type OpsReply, json, readBody } from "./http.ts";
import { publish, unpublished } from "./publish.ts";

const NewKey = z.strictObject({
  scopes: z.array(Scope).min(1).max(scopesPerKeyMax),
  note: z.string().max(noteCharsMax).default(""),
});

/**
 * 201 with the key. `published` is false if the edges do not know it yet: then it works within a minute or two, and
 * creating another one would be no faster.
 */
export async function createKeyRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, NewKey);
  if (!body.ok) return body;
  const key = mintKey(randomBytes(keyIdBytes), randomBytes(keySecretBytes));
  const text = keyText(key);
  await insertKey(call.env.CATALOG, { id: key.id, hash: await keyHash(text), ...body.value }, call.now);
  const published = await publish(call);
  return ok(json({ id: key.id, key: text, ...body.value, createdAt: isoOf(call.now), published }, 201));
}

export async function listKeysRoute({ env }: OpsCall): Promise<OpsReply> {
  const keys = await listKeys(env.CATALOG);
  return ok(
    json({
      keys: keys.map(({ id, scopes, note, createdAtMs, revokedAtMs }) => ({
        id,
        scopes,
        note,
        createdAt: isoOf(createdAtMs),
        revokedAt: revokedAtMs === null ? null : isoOf(revokedAtMs),
      })),
    }),
  );
}

/** 204 also for a key that is revoked already; a revocation that edges cannot read yet is not answered as done. */
export async function revokeKeyRoute(call: OpsCall): Promise<OpsReply> {
  const known = await revokeKey(call.env.CATALOG, call.params["id"] ?? "", call.now);
  if (!known) return no({ code: "not_found" });
  return (await publish(call)) ? ok(new Response(null, { status: 204 })) : no(unpublished);
}
