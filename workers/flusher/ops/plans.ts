/** `/v1/streams/:type/plans`: how many shards the planner gave a stream's hours, and why. */
import * as z from "zod";
import { isoOf } from "../../../domain/hour.ts";
import { viewHoursMax } from "../../../domain/limits.ts";
import { no, ok } from "../../../domain/refusal.ts";
import { listDecisions } from "../../../platform/catalog/plans.ts";
import { getStream } from "../../../platform/catalog/streams.ts";
import { type OpsCall, type OpsReply, checked, json, typeParam } from "./http.ts";
import { unknownStream } from "./streams.ts";

const PlansQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(viewHoursMax).default(24) });

/** Newest first. `planned`: what edges go by, each step from its hour on. */
export async function listPlansRoute(call: OpsCall): Promise<OpsReply> {
  const type = typeParam(call);
  if (!type.ok) return type;
  const wanted = checked(PlansQuery, Object.fromEntries(call.query));
  if (!wanted.ok) return wanted;
  const found = await getStream(call.env.CATALOG, type.value);
  if (found === null) return no(await unknownStream(call.env, type.value));
  const { shards, shardsMax, planned } = found.stream;
  const decisions = await listDecisions(call.env.CATALOG, type.value, wanted.value.limit);
  return ok(
    json({
      type: type.value,
      shards,
      shardsMax,
      planned,
      decisions: decisions.map(({ decision, decidedAtMs }) => ({
        ...decision,
        decidedAt: isoOf(decidedAtMs),
      })),
    }),
  );
}
