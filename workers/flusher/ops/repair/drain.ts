/**
 * `/v1/ops/drain/:type`, `/v1/ops/undrain/:type`: a stream that takes no new events, and takes them again. Answered when the
 * snapshot says so, by which every edge goes within `snapshotMaxAgeMs`. Both can be repeated.
 */
import { drainedOf } from "../../../../domain/drain.ts";
import type { EventType } from "../../../../domain/ids.ts";
import { no, ok } from "../../../../domain/refusal.ts";
import { addDrain, liftDrain } from "../../../../platform/catalog/drains.ts";
import { getStream } from "../../../../platform/catalog/streams.ts";
import { type OpsCall, type OpsReply, json, readBody, typeParam } from "../http.ts";
import { publish, unpublished } from "../publish.ts";
import { unknownStream } from "../streams.ts";
import { ActionBody, act } from "./act.ts";

export async function drainRoute(call: OpsCall): Promise<OpsReply> {
  return change(call, "drain", (type, { author, note }) =>
    addDrain(call.env.CATALOG, type, { sinceMs: call.now, author, note }),
  );
}

/** Also of a stream that was removed while it was drained: registered again it would still be. */
export async function undrainRoute(call: OpsCall): Promise<OpsReply> {
  return change(call, "undrain", (type) => liftDrain(call.env.CATALOG, type));
}

async function change(
  call: OpsCall,
  action: "drain" | "undrain",
  work: (type: EventType, by: ActionBody) => Promise<boolean>,
): Promise<OpsReply> {
  const named = typeParam(call);
  if (!named.ok) return named;
  const body = await readBody(call.request, ActionBody);
  if (!body.ok) return body;
  const { env } = call;
  const type = named.value;
  const found = await getStream(env.CATALOG, type);
  if (found === null) return no(await unknownStream(env, type));
  if (action === "drain" && found.removed !== null) {
    const detail =
      "The stream was removed: its events are refused already, as those of an unregistered type.";
    return no({ code: "conflict", detail });
  }
  const { dryRun } = body.value;
  if (dryRun) return ok(json({ dryRun, type, drained: drainedOf(found.stream.drain) }));
  const outcome = await act(call, { action, target: type }, body.value, async () => ({
    changed: await work(type, body.value),
  }));
  // Also if nothing was changed: whoever did may not have been able to tell the edges.
  if (!(await publish(call))) return no(unpublished);
  const now = await getStream(env.CATALOG, type);
  return ok(json({ dryRun, type, ...outcome, drained: drainedOf(now?.stream.drain) }));
}
