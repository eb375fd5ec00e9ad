/** `/v1/buckets`: the listing from the catalog, and one bucket's manifest, byte for byte as it lies in R2. */
import * as z from "zod";
import { noneMatchNames } from "../../../domain/etag.ts";
import { HourText, isoOf } from "../../../domain/hour.ts";
import { bucketName, bucketOfName } from "../../../domain/ids.ts";
import { pageRowsMax } from "../../../domain/limits.ts";
import { manifestKey } from "../../../domain/manifest.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { TypeName } from "../../../domain/stream.ts";
import { VerdictName } from "../../../domain/verdict.ts";
import { requeueAudit } from "../../../platform/catalog/audits.ts";
import { type CatalogBucket, getBucket, listBuckets } from "../../../platform/catalog/buckets.ts";
import { getStream } from "../../../platform/catalog/streams.ts";
import { type OpsCall, type OpsReply, addressParams, checkedQuery, json } from "./http.ts";
import { expired, isOverdue, noManifest } from "./no-manifest.ts";
import { digestHeaders } from "./repr-digest.ts";
import { unknownStream } from "./streams.ts";

/** Where a page starts: `<hour>/<type>` of the last bucket of the page before. */
export const After = z.string().transform((text, ctx) => {
  const address = bucketOfName(text);
  if (address !== null) return address;
  ctx.addIssue({ code: "custom", message: "after is the `next` of the page before" });
  return z.NEVER;
});

export const Limit = z.coerce.number().int().min(1).max(pageRowsMax);

const ListQuery = z.strictObject({
  type: TypeName.optional(),
  from: HourText.optional(),
  to: HourText.optional(),
  state: z.enum(["due", "sealed"]).optional(),
  verdict: VerdictName.exclude(["open", "due", "overdue"]).optional(),
  after: After.optional(),
  limit: Limit.default(100),
});

export async function listBucketsRoute({ env, now, query }: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(ListQuery, query);
  if (!wanted.ok) return wanted;
  const { after = null, limit, ...filter } = wanted.value;
  const { items, next } = await listBuckets(env.CATALOG, filter, after, limit);
  const { type } = filter;
  if (items.length === 0 && type !== undefined && (await getStream(env.CATALOG, type)) === null) {
    return no(await unknownStream(env, type));
  }
  return ok(
    json({
      buckets: items.map((bucket) => bucketJson(bucket, now)),
      next: next === null ? null : bucketName(next),
    }),
  );
}

/** A bucket as listings and the report show it. */
export function bucketJson(bucket: CatalogBucket, now: number): object {
  const { address, seal } = bucket;
  return {
    type: address.type,
    hour: address.hour,
    state: bucket.state === "due" && isOverdue(bucket.dueAtMs, now) ? "overdue" : bucket.state,
    dueAt: isoOf(bucket.dueAtMs),
    sealedAt: seal === null ? null : isoOf(seal.sealedAtMs),
    rows: seal?.rows ?? null,
    bytes: seal?.bytes ?? null,
    identitySum: seal?.identitySum ?? null,
    manifestSha256: seal?.manifestSha256 ?? null,
    verdict: bucket.verdict,
    expiredAt: bucket.expiredAtMs === null ? null : isoOf(bucket.expiredAtMs),
    verifiedAt: bucket.verifiedAtMs === null ? null : isoOf(bucket.verifiedAtMs),
    failedAttempts: bucket.attempts,
    lastStep: bucket.lastStep,
    lastError: bucket.lastError,
  };
}

/** A manifest never changes: whoever has it may keep it. */
export const immutable = "private, max-age=31536000, immutable";

export async function getManifestRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const { env, request } = call;
  const found = await env.EVENTS.get(manifestKey(address.value));
  if (found === null) return no(await noManifest(call, address.value));
  const { sha256 } = found.checksums;
  const headers = { etag: found.httpEtag, "cache-control": immutable, ...digestHeaders(sha256) };
  if (noneMatchNames(request.headers.get("if-none-match"), found.httpEtag)) {
    await found.body.cancel();
    return ok(new Response(null, { status: 304, headers }));
  }
  return ok(
    new Response(found.body, {
      headers: { ...headers, "content-type": "application/json", "content-length": String(found.size) },
    }),
  );
}

/** Asks for another audit of a sealed bucket; the next cron run makes it. Asking again is safe. */
export async function requeueAuditRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const { type, hour } = address.value;
  if (!(await requeueAudit(call.env.CATALOG, address.value, call.now))) {
    const bucket = await getBucket(call.env.CATALOG, address.value);
    return no(expired(address.value, bucket) ?? (await noManifest(call, address.value)));
  }
  return ok(json({ type, hour, audit: "queued" }, 202));
}
