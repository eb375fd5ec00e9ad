/**
 * `/v1/buckets/:type/:hour/parts/:name`: a part, whole or a range of it.
 *
 * Promises to serve only what the manifest lists, with the size and sha256 that it lists; the sha256 is the ETag.
 * R2 checked the sha256 when the part was put; the bytes are not hashed again on the way out.
 */
import { type ByteRange, parseByteRange } from "../../../domain/byte-range.ts";
import { noneMatchNames, rangeHolds } from "../../../domain/etag.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { Manifest, type Part, bucketPrefix, manifestKey } from "../../../domain/manifest.ts";
import { type RequestRefusal, type Result, no, ok } from "../../../domain/refusal.ts";
import { hexOf } from "../../../platform/objects.ts";
import { immutable } from "./buckets.ts";
import { type OpsCall, type OpsReply, addressParams } from "./http.ts";
import { goneOrLost, lost, noManifest } from "./no-manifest.ts";
import { digestHeaders } from "./repr-digest.ts";

/** By a part's format. Compression is part of the format: it is never a content encoding that a client undoes. */
const mediaTypes: Readonly<Record<string, string>> = {
  "ndjson.gz": "application/gzip",
  parquet: "application/vnd.apache.parquet",
};

export async function getPartRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const { env, request, params } = call;
  const name = params["name"] ?? "";
  const part = await listedPart(call, address.value, name);
  if (!part.ok) return part;
  const { key, bytes, sha256, format } = part.value;
  const etag = `"${sha256}"`;
  const headers = { etag, "accept-ranges": "bytes", "cache-control": immutable };
  if (noneMatchNames(request.headers.get("if-none-match"), etag)) {
    return ok(new Response(null, { status: 304, headers }));
  }
  const range = rangeOf(request, etag, bytes);
  if (range.range === "unsatisfiable") return no({ code: "range_not_satisfiable", bytes });
  const object = await env.EVENTS.get(
    key,
    range.range === "part" ? { range: { offset: range.offset, length: range.length } } : {},
  );
  if (object === null) return no(await goneOrLost(call, address.value, name));
  if (!isSealed(object, part.value)) {
    await object.body.cancel();
    return no(lost(name));
  }
  return ok(
    new Response(object.body, {
      status: range.range === "part" ? 206 : 200,
      headers: {
        ...headers,
        ...lengthOf(range, bytes),
        ...digestHeaders(object.checksums.sha256),
        "content-type": mediaTypes[format] ?? "application/octet-stream",
        "content-disposition": `attachment; filename="${name}"`,
      },
    }),
  );
}

/** The part of that name, if the bucket's manifest lists it. */
async function listedPart(
  call: OpsCall,
  address: BucketAddress,
  name: string,
): Promise<Result<Part, RequestRefusal>> {
  const manifest = await readManifest(call, address);
  if (!manifest.ok) return manifest;
  const key = bucketPrefix(address) + name;
  const part = manifest.value.parts.find((listed) => listed.key === key);
  return part === undefined ? no({ code: "not_found" }) : ok(part);
}

/** The bucket's manifest, or why there is none. */
export async function readManifest(
  call: OpsCall,
  address: BucketAddress,
): Promise<Result<Manifest, RequestRefusal>> {
  const object = await call.env.EVENTS.get(manifestKey(address));
  if (object === null) return no(await noManifest(call, address));
  const manifest = Manifest.safeParse(jsonOf(await object.text()));
  return manifest.success ? ok(manifest.data) : no(lost("The manifest"));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A range for another state of the part than this one is a question about something that does not exist. */
function rangeOf(request: Request, etag: string, bytes: number): ByteRange {
  return rangeHolds(request.headers.get("if-range"), etag)
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
