/**
 * Sending one signed message to an address of somebody else. Promises: bounded in time, follows no redirect, and sends no
 * key of this system. Taken is what the receiver answered with 2xx.
 */
import { secretBytes, signedText } from "../domain/alert/message.ts";
import { alertDeadlineMs } from "../domain/limits.ts";
import { systemMs } from "./clock.ts";

export interface WebhookMessage {
  readonly id: string;
  readonly url: string;
  readonly body: string;
}

export type Delivery = { readonly taken: true } | { readonly taken: false; readonly error: string };

export async function deliverWebhook({ id, url, body }: WebhookMessage, secret: string): Promise<Delivery> {
  // The receiver compares it with its own clock, so it is the time of the world and not that of a virtual clock.
  const seconds = Math.floor(systemMs() / 1_000);
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      signal: AbortSignal.timeout(alertDeadlineMs),
      headers: {
        "content-type": "application/json",
        "user-agent": "hourseal",
        "webhook-id": id,
        "webhook-timestamp": String(seconds),
        "webhook-signature": `v1,${await signatureOf(secret, signedText(id, seconds, body))}`,
      },
      body,
    });
    await response.body?.cancel();
    return response.ok
      ? { taken: true }
      : { taken: false, error: `the receiver answered ${response.status}` };
  } catch (error) {
    return { taken: false, error: String(error) };
  }
}

/** True if alerts can be signed with it. */
export function isWebhookSecret(text: string | undefined): text is string {
  return text !== undefined && secretBytes(text) !== null;
}

async function signatureOf(secret: string, text: string): Promise<string> {
  const bytes = Uint8Array.from(atob(secretBytes(secret) ?? ""), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...signature));
}
