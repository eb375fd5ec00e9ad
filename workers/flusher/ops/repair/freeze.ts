/**
 * `/v1/ops/freezes`, `/v1/ops/freeze`, `/v1/ops/unfreeze`: keeping everything of a stream, or of all, from being deleted.
 * Objects whose time is over look for it before they delete; so does whatever deletes in R2.
 */
import * as z from "zod";
import type { Freeze } from "../../../../domain/freeze.ts";
import { isoOf } from "../../../../domain/hour.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import { TypeName } from "../../../../domain/stream.ts";
import { addFreeze, liftFreeze, listFreezes } from "../../../../platform/catalog/freezes.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { type OpsCall, type OpsReply, json, readBody } from "../http.ts";
import { unknownStream } from "../streams.ts";
import { tagged } from "../views/reply.ts";
import { act, actionFields } from "./act.ts";

/** Null, or nothing: all streams. */
const FreezeBody = z.strictObject({ ...actionFields, type: TypeName.nullable().default(null) });

export function freezeJson({ type, sinceMs, author, note }: Freeze) {
  return { type, since: isoOf(sinceMs), author, note };
}

export async function listFreezesRoute(call: OpsCall): Promise<OpsReply> {
  return tagged(call, { freezes: (await listFreezes(call.env.CATALOG)).map(freezeJson) });
}

export async function freezeRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, FreezeBody);
  if (!body.ok) return body;
  const { env, now } = call;
  const { type, author, note } = body.value;
  if (type !== null && (await getStream(env.CATALOG, type)) === null)
    return no(await unknownStream(env, type));
  return change(call, "freeze", body.value, () => addFreeze(env.CATALOG, { type, author, note }, now));
}

/** Lifts the freeze of just that; another one that keeps the stream too is among those that are left. */
export async function unfreezeRoute(call: OpsCall): Promise<OpsReply> {
  const body = await readBody(call.request, FreezeBody);
  if (!body.ok) return body;
  return change(call, "unfreeze", body.value, () => liftFreeze(call.env.CATALOG, body.value.type));
}

async function change(
  call: OpsCall,
  action: string,
  body: z.infer<typeof FreezeBody>,
  work: () => Promise<boolean>,
): Promise<OpsReply> {
  const { dryRun, type } = body;
  const freezes = async () => (await listFreezes(call.env.CATALOG)).map(freezeJson);
  if (dryRun) return ok(json({ dryRun, type, freezes: await freezes() }));
  const what = { action, target: type ?? "all streams" };
  const outcome = await act(call, what, body, async () => ({ changed: await work() }));
  return ok(json({ dryRun, type, ...outcome, freezes: await freezes() }));
}
