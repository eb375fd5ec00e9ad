/**
 * The ops routes: streams, keys, buckets, the audit report, health.
 *
 * Promises: nothing but `/healthz` answers without a key or a link that one made, and whether a path exists is told only to a key; a catalog or
 * a bucket that is away is 503 with `Retry-After`, never 500.
 */
import type { IRequest, IttyRouterType } from "itty-router";
import { IttyRouter } from "itty-router/IttyRouter";
import type { EpochMs } from "../../../domain/hour.ts";
import { retryAfterSeconds } from "../../../domain/limits.ts";
import { type RequestRefusal, no } from "../../../domain/refusal.ts";
import { typeOfSegment } from "../../../domain/segment.ts";
import { type Principal, adminKeyFault, admit, requireScope } from "../../../platform/auth.ts";
import { log } from "../../../platform/log.ts";
import { problemOf } from "../../../platform/problem.ts";
import { note, noteOutcome } from "../../../platform/span.ts";
import { isLinked } from "../../../domain/link.ts";
import { admitLink } from "../../../platform/links.ts";
import type { NeededScope } from "../../../domain/scope.ts";
import { edgeSnapshots } from "../../../platform/snapshot.ts";
import { listAlertsRoute } from "./alerts.ts";
import { getManifestRoute, listBucketsRoute, requeueAuditRoute } from "./buckets.ts";
import { type OpsCall, type OpsEnv, type OpsReply, json } from "./http.ts";
import { createKeyRoute, listKeysRoute, revokeKeyRoute, rotateKeyRoute } from "./keys.ts";
import { createLinksRoute } from "./links.ts";
import { getPartRoute } from "./parts.ts";
import { metricsRoute } from "./metrics.ts";
import { listPlansRoute } from "./plans.ts";
import { listQuotasRoute } from "./quotas.ts";
import { quarantineRoute } from "./quarantine.ts";
import { listActionsRoute } from "./repair/act.ts";
import { abandonRoute } from "./repair/abandon.ts";
import { reauditRoute, resealRoute } from "./repair/again.ts";
import { explainRoute } from "./repair/explain.ts";
import { drainRoute, undrainRoute } from "./repair/drain.ts";
import { exportRoute } from "./repair/export.ts";
import { freezeRoute, listFreezesRoute, unfreezeRoute } from "./repair/freeze.ts";
import { rebuildBucketsRoute, rebuildVerdictsRoute, restoreConfigRoute } from "./repair/rebuild.ts";
import { rebuildPartRoute } from "./repair/rebuild-part.ts";
import { reportRoute } from "./report.ts";
import { changeStreamsRoute, historyRoute, planChangeRoute } from "./stream-changes.ts";
import { getSchemaRoute, getStreamRoute, listStreamsRoute, putStreamRoute } from "./streams.ts";
import { bucketViewRoute } from "./views/bucket.ts";
import { gridRoute } from "./views/grid.ts";
import { streamViewRoute } from "./views/stream.ts";
import { trendRoute } from "./views/trend.ts";

export type { OpsEnv } from "./http.ts";

interface Asking {
  readonly principal: Principal;
  readonly call: Omit<OpsCall, "params">;
}

const router: IttyRouterType<IRequest, [Asking], OpsReply | undefined> = IttyRouter();

router
  .get("/v1/streams", needs("admin", listStreamsRoute))
  .get("/v1/streams/:type", needs("admin", getStreamRoute))
  .put("/v1/streams/:type", needs("admin", putStreamRoute))
  .get("/v1/quotas", needs("read:audit", listQuotasRoute))
  .get("/v1/streams/:type/plans", needs("read:audit", listPlansRoute))
  .get("/v1/streams/:type/quarantine", needs("read:buckets", quarantineRoute))
  .get("/v1/streams/:type/schemas/:version", needs("read:buckets", getSchemaRoute))
  .get("/v1/stream-changes", needs("admin", historyRoute))
  .post("/v1/stream-changes", needs("admin", changeStreamsRoute))
  .post("/v1/stream-changes/plan", needs("admin", planChangeRoute))
  .get("/v1/keys", needs("keys", listKeysRoute))
  .post("/v1/keys", needs("admin", createKeyRoute))
  .post("/v1/keys/:id/rotate", needs("keys", rotateKeyRoute))
  .delete("/v1/keys/:id", needs("admin", revokeKeyRoute))
  .get("/v1/buckets", needs("read:buckets", listBucketsRoute))
  .get("/v1/buckets/:type/:hour", needs("read:buckets", getManifestRoute))
  .post("/v1/buckets/:type/:hour/audit", needs("admin", requeueAuditRoute))
  .post("/v1/buckets/:type/:hour/links", needs("read:buckets", createLinksRoute))
  .get("/v1/buckets/:type/:hour/parts/:name", needs("read:buckets", getPartRoute))
  .get("/v1/audit/grid", needs("read:audit", gridRoute))
  .get("/v1/audit/trend", needs("read:audit", trendRoute))
  .get("/v1/audit/buckets/:type/:hour", needs("read:audit", bucketViewRoute))
  .get("/v1/audit/streams/:type", needs("read:audit", streamViewRoute))
  .get("/v1/audit/report", needs("read:audit", reportRoute))
  .get("/v1/alerts", needs("read:audit", listAlertsRoute))
  .get("/v1/ops/explain/:type/:hour", needs("read:audit", explainRoute))
  .get("/v1/ops/actions", needs("admin", listActionsRoute))
  .post("/v1/ops/reseal/:type/:hour", needs("admin", resealRoute))
  .post("/v1/ops/reaudit/:type/:hour", needs("admin", reauditRoute))
  .post("/v1/ops/restore-config", needs("admin", restoreConfigRoute))
  .post("/v1/ops/rebuild-buckets/:type", needs("admin", rebuildBucketsRoute))
  .post("/v1/ops/rebuild-verdicts", needs("admin", rebuildVerdictsRoute))
  .get("/v1/ops/freezes", needs("read:audit", listFreezesRoute))
  .post("/v1/ops/freeze", needs("admin", freezeRoute))
  .post("/v1/ops/unfreeze", needs("admin", unfreezeRoute))
  .post("/v1/ops/drain/:type", needs("admin", drainRoute))
  .post("/v1/ops/undrain/:type", needs("admin", undrainRoute))
  .post("/v1/ops/abandon/:type/:hour", needs("admin", abandonRoute))
  .get("/v1/ops/export/:type/:hour/:index", needs("admin", exportRoute))
  .post("/v1/ops/rebuild-part/:type/:hour/:name", needs("admin", rebuildPartRoute))
  .get("/metrics", needs("read:audit", metricsRoute));

export async function handleOps(
  request: Request,
  env: OpsEnv,
  ctx: Pick<ExecutionContext, "waitUntil">,
  now: EpochMs,
): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/healthz") return health(request);
  const admitted = await (isLinked(url.searchParams) ? admitLink : admit)(request, edgeSnapshots, env, now);
  if (!admitted.ok) return problemOf(unadmitted(admitted.reason, env));
  const keepAlive = (work: Promise<unknown>): void => {
    ctx.waitUntil(work);
  };
  const { keyId, scopes } = admitted.value;
  note({ key: keyId, method: request.method });
  const call = { request, env, now, keyId, scopes, query: url.searchParams, keepAlive };
  // HEAD is GET without the body.
  const asked = { method: request.method === "HEAD" ? "GET" : request.method, url: request.url };
  try {
    const reply: OpsReply =
      (await router.fetch(asked, { principal: admitted.value, call })) ?? no(unrouted(url));
    const response = reply.ok ? reply.value : problemOf(reply.reason);
    return request.method === "HEAD" ? await withoutBody(response) : response;
  } catch (error) {
    noteOutcome("failed", { error: String(error) });
    return problemOf({
      code: "unavailable",
      retryAfterSeconds,
      detail: "The catalog or the bucket cannot be reached right now; try again.",
    });
  }
}

function needs(scope: NeededScope, route: (call: OpsCall) => Promise<OpsReply>) {
  return (asked: IRequest, { principal, call }: Asking): OpsReply | Promise<OpsReply> => {
    const refusal = requireScope(principal, scope);
    if (refusal !== null) return no(refusal);
    const params = decoded(asked.params);
    // The pattern, and what it names of buckets: the rest of an address may be what nobody meant to be written down.
    note({ route: asked.route, type: params?.["type"], hour: params?.["hour"] });
    return params === null
      ? no({ code: "invalid_request", detail: "The path is not percent-encoded UTF-8." })
      : route({ ...call, params });
  };
}

function decoded(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, text]) => [
        name,
        name === "type" ? typeOfSegment(text) : decodeURIComponent(text),
      ]),
    );
  } catch {
    return null;
  }
}

/** No route took it: the path is unknown, or known for other methods. */
function unrouted({ pathname }: URL): RequestRefusal {
  const methods = router.routes.filter(([, path]) => path.test(pathname)).map(([method]) => method);
  if (methods.length === 0) return { code: "not_found" };
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return { code: "method_not_allowed", allow: allow.join(", ") };
}

/** Whoever sets up a deployment without a proper admin secret is told so, instead of that the key is bad. */
function unadmitted(refusal: RequestRefusal, env: OpsEnv): RequestRefusal {
  const fault = refusal.code === "bad_key" ? adminKeyFault(env) : null;
  if (fault !== null) log("ops", "misconfigured", { refusal: fault });
  return fault ?? refusal;
}

/** That the Worker runs, and no more: it touches nothing, so that asking costs nothing. */
function health(request: Request): Response {
  if (request.method === "GET") return json({ ok: true });
  if (request.method === "HEAD") return new Response(null);
  return problemOf({ code: "method_not_allowed", allow: "GET, HEAD" });
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
