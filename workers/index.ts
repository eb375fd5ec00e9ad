/**
 * The composition root: one Worker with the edge (`POST /v1/events`), the ops routes, the flusher's cron and the object
 * classes. Nothing is decided here.
 */
import { problemOf } from "../platform/problem.ts";
import { retryAfterSeconds } from "../domain/limits.ts";
import { readClock } from "../platform/clock.ts";
import { log } from "../platform/log.ts";
import { ingest } from "./ingest/app.ts";
import { handleOps } from "./flusher/ops/index.ts";
import { runFlusher } from "./flusher/scheduled.ts";

export { EdgeLedger } from "../durable-objects/edge-ledger/index.ts";
export { EventShard } from "../durable-objects/event-shard/index.ts";
export { UndatedHome } from "../durable-objects/undated-home/index.ts";
export { HourBucket } from "../durable-objects/hour-bucket/index.ts";

const ingestPath = /^\/v1\/events\/*$/;

export default {
  async fetch(request, env, ctx): Promise<Response> {
    try {
      const { pathname } = new URL(request.url);
      if (ingestPath.test(pathname)) return await ingest.fetch(request, env, ctx);
      return await handleOps(request, env, ctx, await readClock(env));
    } catch (error) {
      // Nothing was decided, or nobody knows what was: whoever sent it should send it again.
      log("worker", "request_failed", { error: String(error) });
      return problemOf({
        code: "unavailable",
        retryAfterSeconds,
        detail: "An internal call failed; try again.",
      });
    }
  },
  async scheduled(_controller, env): Promise<void> {
    await runFlusher(env, await readClock(env));
  },
} satisfies ExportedHandler<Env>;
