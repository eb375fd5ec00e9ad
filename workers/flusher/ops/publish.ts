/** From the catalog to the edges: after a change of streams or keys the snapshot is written, and known here at once. */
import { retryAfterSeconds } from "../../../domain/limits.ts";
import type { RequestRefusal } from "../../../domain/refusal.ts";
import { log } from "../../../platform/log.ts";
import { edgeSnapshots, writeSnapshot } from "../../../platform/snapshot.ts";
import type { OpsCall } from "./http.ts";

/** True if edges can read the change. False: the catalog has it, and cron publishes it within a minute or two. */
export async function publish({ env, now, keepAlive }: OpsCall): Promise<boolean> {
  const work = writeSnapshot(env, now);
  keepAlive(work.catch(() => undefined));
  try {
    edgeSnapshots.take(await work);
    return true;
  } catch (error) {
    log("ops", "publish_failed", { error: String(error) });
    return false;
  }
}

/** For changes that can be repeated without harm. */
export const unpublished: RequestRefusal = {
  code: "unavailable",
  retryAfterSeconds,
  detail: "The change is recorded and not yet published to the edges; repeat it, or wait a minute.",
};
