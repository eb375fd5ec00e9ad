/**
 * The composition in which hours are sealed for measurement: that of local mode, and two routes for the admin secret.
 *
 *     POST /v1/bench/r2 {"away":true}   from now on R2 takes no object, as in an outage, so that nothing is flushed
 *     POST /v1/bench/gzip               compresses the body and throws it away: what gzip alone takes, in this runtime
 *
 * Only `npm run bench:seal` runs it. All classes share one isolate there, so one variable switches R2 for all of them.
 */
import local, * as classes from "../../workers/local.ts";
import * as z from "zod";
import { pieces } from "../../platform/pieces.ts";
import { refusedWithoutAdmin } from "../admin-only.ts";

export { LocalClock, EdgeLedger, UndatedHome } from "../../workers/local.ts";

type LocalEnv = Parameters<typeof local.fetch>[1];

let away = false;

function switched<Bindings extends { readonly EVENTS: R2Bucket }>(env: Bindings): Bindings {
  const put: R2Bucket["put"] = (...args: Parameters<R2Bucket["put"]>) =>
    away ? Promise.reject(new Error("R2 is away (10001)")) : env.EVENTS.put(...args);
  const EVENTS = new Proxy(env.EVENTS, {
    get: (bucket, name): unknown => {
      if (name === "put") return put;
      const value: unknown = Reflect.get(bucket, name);
      return typeof value === "function"
        ? (...given: unknown[]): unknown => Reflect.apply(value, bucket, given)
        : value;
    },
  });
  return { ...env, EVENTS };
}

export class EventShard extends classes.EventShard {
  constructor(ctx: DurableObjectState, env: LocalEnv) {
    super(ctx, switched(env));
  }
}

export class HourBucket extends classes.HourBucket {
  constructor(ctx: DurableObjectState, env: LocalEnv) {
    super(ctx, switched(env));
  }
}

const Switch = z.strictObject({ away: z.boolean() });

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/v1/bench/")) return local.fetch(request, env, ctx);
    const refused = refusedWithoutAdmin(request, env);
    if (refused !== null) return refused;
    if (pathname === "/v1/bench/r2") {
      away = Switch.parse(await request.json()).away;
      return Response.json({ away });
    }
    // Received before it is compressed: what is measured is gzip, not the socket.
    const plain = await request.bytes();
    if (request.headers.has("X-Without-Gzip")) return Response.json({ bytes: plain.length });
    let bytes = 0;
    const packed = new Blob([plain]).stream().pipeThrough(new CompressionStream("gzip"));
    for await (const piece of pieces(packed)) bytes += piece.length;
    return Response.json({ bytes });
  },
  scheduled: (controller, env) => local.scheduled(controller, env),
} satisfies ExportedHandler<LocalEnv & { readonly HOURSEAL_ADMIN_KEY?: string }>;
