/** `/v1/ops/reseal/:type/:hour` and `/v1/ops/reaudit/:type/:hour`: what the cron does, now, for one bucket. */
import { isoOf } from "../../../../domain/hour.ts";
import { bucketName } from "../../../../domain/ids.ts";
import { dueAt } from "../../../../domain/plan.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import { clearPartChecks, requeueAudit } from "../../../../platform/catalog/audits.ts";
import { getBucket } from "../../../../platform/catalog/buckets.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { sealOne } from "../../seal/seal-due.ts";
import { type OpsCall, type OpsReply, addressParams, json, readBody } from "../http.ts";
import { expired, noManifest } from "../no-manifest.ts";
import { unknownStream } from "../streams.ts";
import { ActionBody, act } from "./act.ts";

/** Asks the bucket to seal, and records what it answers. A bucket that is sealed only says so again. */
export async function resealRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const body = await readBody(call.request, ActionBody);
  if (!body.ok) return body;
  const { env, now } = call;
  const { type, hour } = address.value;
  const found = await getStream(env.CATALOG, type);
  if (found === null) return no(await unknownStream(env, type));
  const { stream, end } = found;
  const row = await getBucket(env.CATALOG, address.value);
  if (row === null && hour < stream.firstHour)
    return no({ code: "before_stream", type, firstHour: stream.firstHour });
  if (row === null && end !== null && hour >= end) return no({ code: "after_stream", type, end });
  const dueAtMs = row?.dueAtMs ?? dueAt(hour, stream.graceMs);
  if (now < dueAtMs) {
    const detail = `The bucket takes rows until ${isoOf(dueAtMs)}; it is sealed after that, and not before.`;
    return no({ code: "not_sealed", dueAt: isoOf(dueAtMs), now: isoOf(now), overdue: false, detail });
  }
  const would = { type, hour, catalog: row?.state ?? "not taken up", failedAttempts: row?.attempts ?? 0 };
  if (body.value.dryRun) return ok(json({ dryRun: true, ...would, would: "ask the bucket to seal" }));
  const due = { address: address.value, settings: stream, dueAtMs, attempts: row?.attempts ?? 0 };
  const what = { action: "reseal", target: bucketName(address.value) };
  const outcome = await act(call, what, body.value, async () => ({ reply: await sealOne(env, due, now) }));
  return ok(json({ dryRun: false, type, hour, ...outcome }));
}

/** Puts the bucket into the queue of audits, to be read from its first part on. */
export async function reauditRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const body = await readBody(call.request, ActionBody);
  if (!body.ok) return body;
  const { env, now } = call;
  const row = await getBucket(env.CATALOG, address.value);
  if (row === null || row.seal === null) return no(await noManifest(call, address.value));
  const gone = expired(address.value, row);
  if (gone !== null) return no(gone);
  const was = { ...address.value, verdict: row.verdict, findings: row.findingCount };
  if (body.value.dryRun) return ok(json({ dryRun: true, ...was, would: "audit it in the next minute" }));
  const what = { action: "reaudit", target: bucketName(address.value) };
  const outcome = await act(call, what, body.value, async () => {
    await clearPartChecks(env.CATALOG, address.value);
    return { queued: await requeueAudit(env.CATALOG, address.value, now) };
  });
  return ok(json({ dryRun: false, ...was, ...outcome }));
}
