/** `/v1/quotas`: what every stream and key that has a quota has used of it, and which are used up. */
import { isoOf } from "../../../domain/hour.ts";
import { quotaName } from "../../../domain/quota.ts";
import { ok } from "../../../domain/refusal.ts";
import { readQuotas, readUse } from "../../../platform/catalog/quotas.ts";
import { type OpsCall, type OpsReply, json } from "./http.ts";

/** As of the cron's last run, a minute ago at most while it runs. */
export async function listQuotasRoute({ env, now }: OpsCall): Promise<OpsReply> {
  const { owned, spent } = await readQuotas(env.CATALOG);
  const use = await readUse(env.CATALOG, now);
  const until = new Map(spent.map((one) => [quotaName(one), one.until]));
  return ok(
    json({
      quotas: owned.map((one) => {
        const usedUpUntil = until.get(quotaName(one));
        return {
          ...one,
          eventsThisHour: use(one).hour,
          eventsToday: use(one).day,
          usedUpUntil: usedUpUntil === undefined || usedUpUntil <= now ? null : isoOf(usedUpUntil),
        };
      }),
    }),
  );
}
