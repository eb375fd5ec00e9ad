/**
 * The composition root: one Worker with the edge (`POST /v1/events`), the ops routes, the flusher's cron and the object
 * classes. Nothing is decided here. Each request and each run of the cron is a span, with one line in the log; the answer
 * names it in `traceresponse`.
 */
import { problemOf } from "../platform/problem.ts";
import { retryAfterSeconds } from "../domain/limits.ts";
import { readClock } from "../platform/clock.ts";
import { noteOutcome, noteStatus, note, openSpan, spanned } from "../platform/span.ts";
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
    const atEdge = ingestPath.test(new URL(request.url).pathname);
    const span = openSpan(env, request.headers.get("traceparent"));
    const work = spanned(span, atEdge ? "edge" : "ops", "request", () => answered(atEdge, request, env, ctx));
    // Rows may be on their way to a shard when the client hangs up: append, report and line are finished all the same.
    ctx.waitUntil(work);
    const answer = await work;
    answer.headers.set("traceresponse", span.traceparent);
    return answer;
  },
  async scheduled(_controller, env): Promise<void> {
    await spanned(openSpan(env), "flusher", "run", async () => runFlusher(env, await readClock(env)));
  },
} satisfies ExportedHandler<Env>;

/** Never throws, and notes what it came to. */
async function answered(
  atEdge: boolean,
  request: Request,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response> {
  const answer = await answerTo(atEdge, request, env, ctx).catch((error: unknown) => {
    // Nothing was decided, or nobody knows what was: whoever sent it should send it again.
    noteOutcome("failed", { error: String(error) });
    const detail = "An internal call failed; try again.";
    return problemOf({ code: "unavailable", retryAfterSeconds, detail });
  });
  const { status } = answer;
  if (status >= 400) noteStatus(status);
  else note({ status });
  return answer;
}

async function answerTo(
  atEdge: boolean,
  request: Request,
  env: Env,
  ctx: ExecutionContext,
): Promise<Response> {
  if (atEdge) return ingest.fetch(request, env, ctx);
  return handleOps(request, env, ctx, await readClock(env));
}
