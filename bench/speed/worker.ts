/**
 * The composition that is measured: the deployed one, with the system's clock and no virtual alarm, as in production.
 * It adds one route for the admin secret, `POST /v1/bench/flusher {"nowMs":…}`, which runs the flusher as if it were
 * then: an hour that has only begun can so be sealed and audited as soon as it was measured. Only `npm run bench` runs it.
 */
import worker, * as deployed from "../../workers/index.ts";
import * as z from "zod";
import { EpochMs } from "../../domain/hour.ts";
import { refusedWithoutAdmin } from "../admin-only.ts";
import { runFlusher } from "../../workers/flusher/scheduled.ts";

// The configuration of local mode names it; nothing reaches it here.
export { LocalClock } from "../../workers/local.ts";

type BenchEnv = Env & { readonly HOURSEAL_ADMIN_KEY?: string };

const Run = z.strictObject({ nowMs: EpochMs });
const route = "/v1/bench/flusher";

/** Without the virtual clock there is no local mode. */
function real<Bindings extends object>(env: Bindings): Bindings {
  return { ...env, LOCAL_CLOCK: undefined };
}

export class EventShard extends deployed.EventShard {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, real(env));
  }
}

export class HourBucket extends deployed.HourBucket {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, real(env));
  }
}

export class EdgeLedger extends deployed.EdgeLedger {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, real(env));
  }
}

export class UndatedHome extends deployed.UndatedHome {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, real(env));
  }
}

let kept: { readonly given: BenchEnv; readonly real: BenchEnv } | null = null;

export default {
  fetch(request, env, ctx) {
    if (kept?.given !== env) kept = { given: env, real: real(env) };
    if (!request.url.endsWith(route)) return worker.fetch(request, kept.real, ctx);
    return flush(request, kept.real);
  },
} satisfies ExportedHandler<BenchEnv>;

async function flush(request: Request, env: BenchEnv): Promise<Response> {
  const refused = refusedWithoutAdmin(request, env);
  if (refused !== null) return refused;
  const { nowMs } = Run.parse(await request.json());
  await runFlusher(env, nowMs);
  return Response.json({});
}
