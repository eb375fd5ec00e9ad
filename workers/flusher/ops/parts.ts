/**
 * `/v1/buckets/:type/:hour/parts/:name`: a part, whole or a range of it.
 *
 * Promises to serve only what the manifest lists, with the size and sha256 that it lists; the sha256 is the ETag.
 * R2 checked the sha256 when the part was put; the bytes are not hashed again on the way out.
 */
import { type ByteRange, parseByteRange } from "../../../domain/byte-range.ts";
import { Manifest, type Part, bucketPrefix, manifestKey } from "../../../domain/manifest.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { hexOf } from "../../../platform/objects.ts";
import { immutable, lost, noManifest } from "./buckets.ts";
import { type OpsCall, type OpsReply, addressParams } from "./http.ts";

export async function getPartRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const { env, request, params } = call;
  const manifest = await env.EVENTS.get(manifestKey(address.value));
  if (manifest === null) return noManifest(call, address.value);
  const name = params["name"] ?? "";
  const part = partOf(await manifest.text(), bucketPrefix(address.value) + name);
  if (part === "no_manifest") return no(lost("The manifest"));
  if (part === null) return no({ code: "not_found" });
  const etag = `"${part.sha256}"`;
  const headers = { etag, "accept-ranges": "bytes", "cache-control": immutable };
  if (request.headers.get("if-none-match") === etag) return ok(new Response(null, { status: 304, headers }));
  const range = rangeOf(request, etag, part.bytes);
  if (range.range === "unsatisfiable") return no({ code: "range_not_satisfiable", bytes: part.bytes });
  const object = await env.EVENTS.get(
    part.key,
    range.range === "part" ? { range: { offset: range.offset, length: range.length } } : {},
  );
  if (object === null) return no(lost(name));
  if (!isSealed(object, part)) {
    await object.body.cancel();
    return no(lost(name));
  }
  return ok(
    new Response(object.body, {
      status: range.range === "part" ? 206 : 200,
      headers: {
        ...headers,
        ...lengthOf(range, part.bytes),
        "content-type": "application/gzip",
        "content-disposition": `attachment; filename="${name}"`,
      },
    }),
  );
}

function partOf(manifest: string, key: string): Part | null | "no_manifest" {
  let value: unknown;
  try {
    value = JSON.parse(manifest);
  } catch {
    return "no_manifest";
  }
  const parsed = Manifest.safeParse(value);
  if (!parsed.success) return "no_manifest";
  return parsed.data.parts.find((part) => part.key === key) ?? null;
}

/** A range for another state of the part than this one is a question about something that does not exist. */
function rangeOf(request: Request, etag: string, bytes: number): ByteRange {
  const ifRange = request.headers.get("if-range");
  return ifRange === null || ifRange === etag
    ? parseByteRange(request.headers.get("range"), bytes)
    : { range: "whole" };
}

function isSealed(object: R2ObjectBody, part: Part): boolean {
  const { sha256 } = object.checksums;
  return object.size === part.bytes && sha256 !== undefined && hexOf(new Uint8Array(sha256)) === part.sha256;
}

function lengthOf(range: ByteRange, bytes: number): Readonly<Record<string, string>> {
  if (range.range !== "part") return { "content-length": String(bytes) };
  const last = range.offset + range.length - 1;
  return {
    "content-length": String(range.length),
    "content-range": `bytes ${range.offset}-${last}/${bytes}`,
  };
}
