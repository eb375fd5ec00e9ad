/**
 * Telling of what is not as it should be: notes what changed, makes messages of it, and sends those that are due.
 *
 * Promises: everything that changed is told once it can be, in order of an address; a receiver that fails is tried again
 * for a day and more, and holds up no other one. A receiver may hear a message twice, with the same id.
 */
import { alertRetryAt, messageText } from "../../../domain/alert/message.ts";
import { type EpochMs, epochMs } from "../../../domain/hour.ts";
import {
  alertDeadlineMs,
  alertMessagesPerRunMax,
  alertParallelismMax,
  overdueMs,
} from "../../../domain/limits.ts";
import {
  type AlertMessage,
  dueMessages,
  forgetMessage,
  gatherMessage,
  noteAlerts,
  putOffMessage,
  takeUpMessage,
  untoldUrls,
} from "../../../platform/catalog/alerts.ts";
import { log } from "../../../platform/log.ts";
import { hexOf } from "../../../platform/objects.ts";
import { inParallel } from "../../../platform/parallel.ts";
import { randomBytes, randomFraction } from "../../../platform/random.ts";
import { deliverWebhook, isWebhookSecret } from "../../../platform/webhook.ts";

export const alertSecretVariable = "HOURSEAL_ALERT_SECRET";

export interface AlertEnv {
  readonly CATALOG: D1Database;
  /** Where alerts of streams go that name no address of their own. */
  readonly HOURSEAL_ALERT_URL?: string;
  /** `whsec_` and the base64 of what messages are signed with. */
  readonly [alertSecretVariable]?: string;
}

/** One round. */
export async function alertDue(env: AlertEnv, now: EpochMs): Promise<{ readonly progress: number }> {
  const { CATALOG, HOURSEAL_ALERT_URL: defaultUrl = "" } = env;
  await noteAlerts(CATALOG, epochMs(now - overdueMs), defaultUrl, now);
  for (const url of await untoldUrls(CATALOG, defaultUrl, alertMessagesPerRunMax)) {
    await gatherMessage(CATALOG, `msg_${hexOf(randomBytes(16))}`, url, defaultUrl, now);
  }
  const messages = await dueMessages(CATALOG, now, alertMessagesPerRunMax);
  let progress = 0;
  await inParallel(messages, alertParallelismMax, async (message) => {
    if (await attempt(env, message, now)) progress++;
  });
  return { progress };
}

/** True if the receiver has it. */
async function attempt(env: AlertEnv, message: AlertMessage, now: EpochMs): Promise<boolean> {
  const { CATALOG, [alertSecretVariable]: secret } = env;
  if (!(await takeUpMessage(CATALOG, message, epochMs(now + 2 * alertDeadlineMs)))) return false;
  const { id, url } = message;
  const body = messageText(message.alerts, message.createdAtMs);
  const delivery = isWebhookSecret(secret)
    ? await deliverWebhook({ id, url, body }, secret)
    : {
        taken: false as const,
        error: `the secret ${alertSecretVariable} is not whsec_ and 24 or more bytes in base64; set it with wrangler secret put`,
      };
  if (delivery.taken) {
    await forgetMessage(CATALOG, id, false);
    return true;
  }
  const retryAtMs = alertRetryAt(message.attempts + 1, randomFraction(), now);
  log("alerts", retryAtMs === null ? "alert_given_up" : "alert_not_taken", {
    id,
    alerts: message.alerts.length,
    attempts: message.attempts + 1,
    error: delivery.error,
  });
  if (retryAtMs === null) await forgetMessage(CATALOG, id, true);
  else await putOffMessage(CATALOG, message, delivery.error, retryAtMs);
  return false;
}
