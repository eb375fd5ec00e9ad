/** `/v1/buckets/:type/:hour/links`: addresses of a sealed hour's manifest and parts that open without a key, for a while. */
import * as z from "zod";
import { epochMs, isoOf } from "../../../domain/hour.ts";
import { linkMsDefault, linkMsMax, linkMsMin } from "../../../domain/limits.ts";
import { bucketPrefix } from "../../../domain/manifest.ts";
import { encodeSegment, typeSegment } from "../../../domain/segment.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { getBucket } from "../../../platform/catalog/buckets.ts";
import { linkSigner } from "../../../platform/links.ts";
import { type OpsCall, type OpsReply, addressParams, json, readBody } from "./http.ts";
import { expired } from "./no-manifest.ts";
import { readManifest } from "./parts.ts";

const NewLinks = z.strictObject({
  expiresInMs: z.number().int().min(linkMsMin).max(linkMsMax).default(linkMsDefault),
});

/** 201 with a link each. Asking again makes others; both open until they expire. */
export async function createLinksRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const body = await readBody(call.request, NewLinks);
  if (!body.ok) return body;
  const signer = await linkSigner(call.env);
  if (!signer.ok) return signer;
  const manifest = await readManifest(call, address.value);
  if (!manifest.ok) return manifest;
  const gone = expired(address.value, await getBucket(call.env.CATALOG, address.value));
  if (gone !== null) return no(gone);
  const { type, hour } = address.value;
  const expiresAtMs = epochMs(call.now + body.value.expiresInMs);
  const { origin } = new URL(call.request.url);
  const root = `/v1/buckets/${typeSegment(type)}/${hour}`;
  const linkTo = async (path: string): Promise<string> =>
    origin + (await signer.value({ path, expiresAtMs, keyId: call.keyId }));
  const parts = manifest.value.parts.map(async ({ key, format, bytes, sha256 }) => {
    const name = key.slice(bucketPrefix(address.value).length);
    return { name, format, bytes, sha256, url: await linkTo(`${root}/parts/${encodeSegment(name)}`) };
  });
  return ok(
    json(
      {
        type,
        hour,
        expiresAt: isoOf(expiresAtMs),
        manifest: await linkTo(root),
        parts: await Promise.all(parts),
      },
      201,
    ),
  );
}
