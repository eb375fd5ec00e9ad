/** Why a bucket has no manifest, as somebody who waits for it needs to know. */
import { isoOf } from "../../../domain/hour.ts";
import type { BucketAddress } from "../../../domain/ids.ts";
import { overdueMs } from "../../../domain/limits.ts";
import { dueAt } from "../../../domain/plan.ts";
import type { RequestRefusal } from "../../../domain/refusal.ts";
import { type CatalogBucket, getBucket } from "../../../platform/catalog/buckets.ts";
import { getStream } from "../../../platform/catalog/streams.ts";
import type { OpsCall } from "./http.ts";
import { unknownStream } from "./streams.ts";

/** No such stream, not its hour, not sealed yet and when it is due, or gone. */
export async function noManifest({ env, now }: OpsCall, address: BucketAddress): Promise<RequestRefusal> {
  const found = await getStream(env.CATALOG, address.type);
  if (found === null) return unknownStream(env, address.type);
  const { type, firstHour, graceMs } = found.stream;
  const { end } = found;
  if (address.hour < firstHour) return { code: "before_stream", type, firstHour };
  const bucket = await getBucket(env.CATALOG, address);
  if (bucket?.state === "sealed") return lost(address.hour);
  if (bucket === null && end !== null && address.hour >= end) return { code: "after_stream", type, end };
  const dueAtMs = bucket?.dueAtMs ?? dueAt(address.hour, graceMs);
  const due = isoOf(dueAtMs);
  const overdue = isOverdue(dueAtMs, now);
  const why = bucket === null ? "the flusher has not looked at it" : lastFailure(bucket);
  return {
    code: "not_sealed",
    dueAt: due,
    now: isoOf(now),
    overdue,
    detail: overdue
      ? `The bucket was due at ${due} and is overdue: ${why}. See /v1/audit/report.`
      : `The bucket is due at ${due} and sealed soon after; ask again then.`,
  };
}

export function isOverdue(dueAtMs: number, now: number): boolean {
  return dueAtMs + overdueMs <= now;
}

/** Why a bucket that is due is not sealed, as far as the catalog knows. */
export function lastFailure({
  attempts,
  lastStep,
  lastError,
}: Pick<CatalogBucket, "attempts" | "lastStep" | "lastError">): string {
  return attempts === 0
    ? "no flusher has asked it to seal yet"
    : `${attempts} attempts failed, the last one at ${lastStep}: ${lastError}`;
}

/** Why a part that a manifest lists is not in R2: its hour has expired, or it is lost. */
export async function goneOrLost(
  { env }: Pick<OpsCall, "env">,
  address: BucketAddress,
  what: string,
): Promise<RequestRefusal> {
  return expired(address, await getBucket(env.CATALOG, address)) ?? lost(what);
}

/** Null: the hour has not expired, as far as the catalog knows. */
export function expired(address: BucketAddress, bucket: CatalogBucket | null): RequestRefusal | null {
  const at = bucket?.expiredAtMs ?? null;
  return at === null ? null : { code: "expired", ...address, expiredAt: isoOf(at) };
}

/** The catalog knows it and R2 does not have it: the audit names such a loss, this route only does not hide it. */
export function lost(what: string): { readonly code: "conflict"; readonly detail: string } {
  return {
    code: "conflict",
    detail: `${what} was sealed, and what lies in R2 is not what was sealed; see /v1/audit/report.`,
  };
}
