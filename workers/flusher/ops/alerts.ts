/** `/v1/alerts`: messages that wait for their receiver, and how the last attempt failed. Delivered ones are gone. */
import * as z from "zod";
import { isoOf } from "../../../domain/hour.ts";
import { pageRowsMax } from "../../../domain/limits.ts";
import { ok } from "../../../domain/refusal.ts";
import { waitingMessages } from "../../../platform/catalog/alerts.ts";
import { type OpsCall, type OpsReply, checkedQuery, json } from "./http.ts";

const AlertsQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(pageRowsMax).default(100) });

export async function listAlertsRoute({ env, query }: OpsCall): Promise<OpsReply> {
  const wanted = checkedQuery(AlertsQuery, query);
  if (!wanted.ok) return wanted;
  const messages = await waitingMessages(env.CATALOG, wanted.value.limit);
  return ok(
    json({
      waiting: messages.map(({ id, url, alerts, createdAtMs, attempts, retryAtMs, lastError }) => ({
        id,
        url,
        createdAt: isoOf(createdAtMs),
        attempts,
        retryAt: isoOf(retryAtMs),
        lastError,
        alerts: alerts.map(({ type, hour, condition }) => ({ type, hour, condition })),
      })),
    }),
  );
}
