/**
 * Rebuilding the catalog from R2, in bounded pieces that can be repeated in any order:
 *
 *     /v1/ops/restore-config             streams and keys, from the snapshot
 *     /v1/ops/rebuild-buckets/:type      sealed hours, from their manifests, a week at a time
 *     /v1/ops/rebuild-verdicts           verdicts, from the digests, a hundred at a time
 *
 * `npm run ops -- rebuild-catalog` does all three. What is there is left as it is.
 */
import * as z from "zod";
import { parseTimestamp } from "../../../../domain/event/timestamp.ts";
import { type Hour, HourText, epochMs, hourNumber, plusHours } from "../../../../domain/hour.ts";
import type { BucketAddress } from "../../../../domain/ids.ts";
import {
  auditAfterRebuildMs,
  rebuildDigestsMax,
  rebuildHoursMax,
  receiptParallelismMax,
} from "../../../../domain/limits.ts";
import { Manifest, manifestKey } from "../../../../domain/manifest.ts";
import { dueAt } from "../../../../domain/plan.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import {
  knownBuckets,
  lostConfig,
  restoreConfig,
  restoreVerdicts,
} from "../../../../platform/catalog/restore.ts";
import { recountForgotten } from "../../../../platform/catalog/digests.ts";
import { type SealedEntry, recordSealed } from "../../../../platform/catalog/sealed.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { readDigest } from "../../../../platform/digests.ts";
import { type ObjectStore, bytesOf, r2Objects, sha256Hex } from "../../../../platform/objects.ts";
import { inParallel } from "../../../../platform/parallel.ts";
import { readSnapshot } from "../../../../platform/snapshot.ts";
import { type OpsCall, type OpsReply, json, readBody, typeParam } from "../http.ts";
import { publish, unpublished } from "../publish.ts";
import { unknownStream } from "../streams.ts";
import { ActionBody, act, actionFields } from "./act.ts";

export async function restoreConfigRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, ActionBody);
  if (!body.ok) return body;
  const { env, keyId, now } = call;
  const snapshot = await readSnapshot(env.EVENTS);
  if (snapshot === null) {
    return no({
      code: "conflict",
      detail: "R2 has no snapshot that can be read; apply streams.yaml, and make new keys.",
    });
  }
  const lost = await lostConfig(env.CATALOG, snapshot);
  const counts = { streams: lost.streams.map(({ type }) => type), keys: lost.keys };
  const nothing = lost.streams.length + lost.keys.length === 0;
  if (body.value.dryRun || nothing) return ok(json({ dryRun: body.value.dryRun, ...counts }));
  const { author, note } = body.value;
  const what = { action: "restore-config", target: `snapshot ${snapshot.version}` };
  const outcome = await act(call, what, body.value, async () => {
    await restoreConfig(env.CATALOG, snapshot, lost, { author, note, keyId }, now);
    return { streams: lost.streams.length, keys: lost.keys.length };
  });
  if (!(await publish(call))) return no(unpublished);
  return ok(json({ dryRun: false, ...counts, id: outcome.id }));
}

const RebuildBody = z.strictObject({ ...actionFields, from: HourText, to: HourText });

export async function rebuildBucketsRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const body = await readBody(call.request, RebuildBody);
  if (!body.ok) return body;
  const { env } = call;
  const { from, to, dryRun } = body.value;
  const hours = hourNumber(to) - hourNumber(from);
  if (hours > rebuildHoursMax) return no({ code: "too_much", what: "hours", limit: rebuildHoursMax });
  const found = await getStream(env.CATALOG, type.value);
  if (found === null) return no(await unknownStream(env, type.value));
  const { graceMs } = found.stream;
  const known = await knownBuckets(env.CATALOG, type.value, { from, to });
  const objects = r2Objects(env.EVENTS);
  const entries: SealedEntry[] = [];
  const absent: Hour[] = [];
  const unreadable: Hour[] = [];
  const range = Array.from({ length: Math.max(0, hours) }, (_, index) => plusHours(from, index));
  await inParallel(range, receiptParallelismMax, async (hour) => {
    const read = await readEntry(objects, { type: type.value, hour }, graceMs);
    if (read === "absent") absent.push(hour);
    else if (read === "unreadable") unreadable.push(hour);
    else entries.push(read);
  });
  const added = entries.filter(({ address }) => known.get(address.hour)?.state !== "sealed");
  const differing = entries.filter(({ address, summary }) => {
    const sha256 = known.get(address.hour)?.manifest_sha256 ?? null;
    return sha256 !== null && sha256 !== summary.manifestSha256;
  });
  const counts = {
    type: type.value,
    from,
    to,
    manifests: entries.length,
    added: added.length,
    differing: differing.map(({ address }) => address.hour).toSorted(),
    unreadable: unreadable.toSorted(),
    absent: absent.toSorted(),
  };
  if (dryRun || added.length === 0) return ok(json({ dryRun, ...counts }));
  const what = { action: "rebuild-buckets", target: `${type.value} ${from} to ${to}` };
  const { id } = await act(call, what, body.value, async () => {
    // What the digests say of them is taken over before: some have expired, and an audit would find their parts missing.
    const auditAtMs = epochMs(call.now + auditAfterRebuildMs);
    await recordSealed(
      env.CATALOG,
      added.map((entry) => ({ ...entry, auditAtMs })),
    );
    return { added: added.length };
  });
  return ok(json({ dryRun: false, ...counts, id }));
}

/** A sealed bucket as its manifest tells of it. */
async function readEntry(
  objects: Pick<ObjectStore, "get">,
  address: BucketAddress,
  graceMs: number,
): Promise<SealedEntry | "absent" | "unreadable"> {
  const found = await objects.get(manifestKey(address));
  if (found === null) return "absent";
  const bytes = await bytesOf(found.body);
  const manifest = Manifest.safeParse(jsonOf(bytes));
  const sealedAt = manifest.success ? parseTimestamp(manifest.data.sealedAt) : null;
  if (!manifest.success || sealedAt === null) return "unreadable";
  const { type, hour, plan, rows, identitySum } = manifest.data;
  if (type !== address.type || hour !== address.hour) return "unreadable";
  return {
    address,
    dueAtMs: dueAt(hour, plan?.graceMs ?? graceMs),
    summary: {
      sealedAtMs: epochMs(sealedAt),
      manifestSha256: await sha256Hex(bytes),
      tally: { rows, sum: identitySum },
      bytes: manifest.data.bytes,
    },
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

const VerdictsBody = z.strictObject({ ...actionFields, from: z.number().int().min(1) });

export async function rebuildVerdictsRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, VerdictsBody);
  if (!body.ok) return body;
  const { env } = call;
  const { from, dryRun } = body.value;
  const objects = r2Objects(env.EVENTS);
  if (dryRun) {
    const there = (await readDigest(objects, from)) !== null;
    return ok(json({ dryRun, from, digests: there ? "some" : "none" }));
  }
  const what = { action: "rebuild-verdicts", target: `digests from ${from}` };
  const outcome = await act(call, what, body.value, async () => {
    let digests = 0;
    let verdicts = 0;
    let sequence = from;
    for (; sequence < from + rebuildDigestsMax; sequence++) {
      const found = await readDigest(objects, sequence);
      if (sequence === 1) await recountForgotten(env.CATALOG, [], true);
      if (found === null) return { digests, verdicts, next: null };
      digests++;
      const writtenAtMs = found.digest === null ? null : parseTimestamp(found.digest.writtenAt);
      if (found.digest === null || writtenAtMs === null) continue;
      const entries = found.digest.buckets;
      await recountForgotten(env.CATALOG, entries, false);
      verdicts += await restoreVerdicts(env.CATALOG, {
        sequence,
        writtenAtMs: epochMs(writtenAtMs),
        entries,
      });
    }
    return { digests, verdicts, next: sequence };
  });
  return ok(json({ dryRun, from, ...outcome }));
}
