/**
 * `/v1/ops/abandon/:type/:hour`: gives up a shard that can never answer, and seals its bucket without it. The manifest names
 * it with who and why, and the verdict is `missing`, for ever. A dry run asks the shard once more and says what it answers.
 */
import * as z from "zod";
import { type AbandonReply, Abandoned } from "../../../../domain/abandon.ts";
import { isoOf } from "../../../../domain/hour.ts";
import { HolderName, bucketName, shardOfName } from "../../../../domain/ids.ts";
import { claimDeadlineMs } from "../../../../domain/limits.ts";
import { dueAt } from "../../../../domain/plan.ts";
import { type RequestRefusal, no, ok } from "../../../../domain/refusal.ts";
import { getBucket } from "../../../../platform/catalog/buckets.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { bucketKeeper, shardStub } from "../../../../platform/stubs.ts";
import { withDeadline } from "../../../../platform/timer.ts";
import { hear } from "../../audit/hear.ts";
import { sealOne } from "../../seal/seal-due.ts";
import { type OpsCall, type OpsEnv, type OpsReply, addressParams, json, readBody } from "../http.ts";
import { unknownStream } from "../streams.ts";
import { act, actionFields } from "./act.ts";

/** Why is not left out: it stands in the manifest for ever. */
const AbandonBody = z.strictObject({ ...actionFields, shard: HolderName, note: Abandoned.shape.note });

export async function abandonRoute(call: OpsCall): Promise<OpsReply> {
  const address = addressParams(call);
  if (!address.ok) return address;
  const body = await readBody(call.request, AbandonBody);
  if (!body.ok) return body;
  const { env, now } = call;
  const { type, hour } = address.value;
  const { shard, author, note, dryRun } = body.value;
  const found = await getStream(env.CATALOG, type);
  if (found === null) return no(await unknownStream(env, type));
  const bucket = bucketKeeper(env.HOUR_BUCKET, address.value);
  const would = await bucket.abandon({ shard, author, note, nowMs: now, dryRun: true });
  if (!would.abandoned) return no(notAbandoned(shard, would));
  const answer = { ...address.value, shard, before: would.before };
  if (dryRun) return ok(json({ dryRun, ...answer, ...(await lastWord(env, `${shard}/${type}`)) }));
  const row = await getBucket(env.CATALOG, address.value);
  const { stream } = found;
  const due = {
    address: address.value,
    settings: stream,
    dueAtMs: row?.dueAtMs ?? dueAt(hour, stream.graceMs),
    attempts: row?.attempts ?? 0,
  };
  const what = { action: "abandon", target: `${bucketName(address.value)} shard ${shard}` };
  const outcome = await act(call, what, body.value, async () => {
    const reply = await bucket.abandon({ shard, author, note, nowMs: now, dryRun });
    return { ...reply, reply: await sealOne(env, due, now) };
  });
  return outcome.abandoned ? ok(json({ dryRun, ...answer, ...outcome })) : no(notAbandoned(shard, outcome));
}

/** Whether the shard answers after all, by a question that changes nothing. */
async function lastWord(
  env: OpsEnv,
  name: string,
): Promise<{ readonly answers: boolean; readonly why: string | null }> {
  const address = shardOfName(name);
  if (address === null) return { answers: false, why: "it has no address" };
  const heard = await hear(withDeadline(shardStub(env.EVENT_SHARD, address).describe(), claimDeadlineMs));
  return heard.heard ? { answers: true, why: null } : { answers: false, why: heard.why };
}

function notAbandoned(shard: string, reply: Exclude<AbandonReply, { abandoned: true }>): RequestRefusal {
  return { code: "conflict", detail: `Shard ${shard} is not abandoned: ${why(reply)}` };
}

function why(reply: Exclude<AbandonReply, { abandoned: true }>): string {
  switch (reply.why) {
    case "not_enrolled":
      return "the bucket does not wait for it; explain names those that it waits for.";
    case "answered":
      return "it has given its receipt, and its rows are in the bucket.";
    case "not_waiting":
      return "the bucket's seal does not fail for missing receipts; explain says what it waits for.";
    case "too_early":
      return `the bucket has not heard it for less than an hour; not before ${isoOf(reply.fromMs)}.`;
  }
}
