/**
 * The counting composition: the Worker of local mode, with a meter between the runtime and every class and binding.
 * Only `npm run cost` and its kin run it. It adds one route, `GET /v1/local/counts`, for the admin secret.
 */
import local, * as classes from "../../workers/local.ts";
import * as deployed from "../../workers/index.ts";
import { refusedWithoutAdmin } from "../admin-only.ts";
import { count, countCalls, countedEnv, countedState, countsNow } from "./meter.ts";

export { LocalClock } from "../../workers/local.ts";

countCalls("EventShard", deployed.EventShard.prototype);
countCalls("HourBucket", deployed.HourBucket.prototype);
countCalls("EdgeLedger", deployed.EdgeLedger.prototype);
countCalls("UndatedHome", deployed.UndatedHome.prototype);

const say = console.log.bind(console);
console.log = (...args: unknown[]): void => {
  count("log_lines/all");
  say(...args);
};

type LocalEnv = Parameters<typeof local.fetch>[1];

export class EventShard extends classes.EventShard {
  constructor(ctx: DurableObjectState, env: LocalEnv) {
    super(countedState(ctx, "EventShard"), countedEnv(env));
  }
}

export class HourBucket extends classes.HourBucket {
  constructor(ctx: DurableObjectState, env: LocalEnv) {
    super(countedState(ctx, "HourBucket"), countedEnv(env));
  }
}

export class EdgeLedger extends classes.EdgeLedger {
  constructor(ctx: DurableObjectState, env: LocalEnv) {
    super(countedState(ctx, "EdgeLedger"), env);
  }
}

export class UndatedHome extends classes.UndatedHome {
  constructor(ctx: DurableObjectState, env: LocalEnv) {
    super(countedState(ctx, "UndatedHome"), env);
  }
}

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/local/counts") {
      return refusedWithoutAdmin(request, env) ?? Response.json(countsNow());
    }
    if (pathname === "/v1/local/cron") count("worker_requests/cron");
    else if (!pathname.startsWith("/v1/local/")) count(`worker_requests/${request.method} ${pathname}`);
    return local.fetch(request, countedEnv(env), ctx);
  },
  scheduled: (controller, env) => {
    count("worker_requests/cron");
    return local.scheduled(controller, countedEnv(env));
  },
} satisfies ExportedHandler<LocalEnv & { readonly HOURSEAL_ADMIN_KEY?: string }>;
