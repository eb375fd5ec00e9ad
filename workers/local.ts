/**
 * Composition root of local mode (`[env.local]` in wrangler.toml): the same Worker behind a virtual clock.
 * It adds the routes under /v1/local/, and puts a `VirtualAlarm` between the runtime and each class's `alarm()`.
 * Never deployed: `npm run deploy` deploys workers/index.ts.
 */
import worker, * as deployed from "./index.ts";
import { VirtualAlarm } from "../durable-objects/local-clock/virtual-alarm.ts";
import { type LocalRoutesEnv, isLocalRoute, localRoute } from "./local/routes.ts";
import { readClock } from "../platform/clock.ts";

type LocalEnv = Env & LocalRoutesEnv;

export { LocalClock } from "../durable-objects/local-clock/local-clock.ts";

export class EventShard extends deployed.EventShard {
  readonly #alarm = new VirtualAlarm(this.ctx, this.env, "EventShard", () => super.alarm());
  override alarm(): Promise<void> {
    return this.#alarm.fired();
  }
  runAlarmIfDue(): Promise<number | null> {
    return this.#alarm.runIfDue();
  }
}

export class HourBucket extends deployed.HourBucket {
  readonly #alarm = new VirtualAlarm(this.ctx, this.env, "HourBucket", () => super.alarm());
  override alarm(): Promise<void> {
    return this.#alarm.fired();
  }
  runAlarmIfDue(): Promise<number | null> {
    return this.#alarm.runIfDue();
  }
}

export class EdgeLedger extends deployed.EdgeLedger {
  readonly #alarm = new VirtualAlarm(this.ctx, this.env, "EdgeLedger", () => super.alarm());
  override alarm(): Promise<void> {
    return this.#alarm.fired();
  }
  runAlarmIfDue(): Promise<number | null> {
    return this.#alarm.runIfDue();
  }
}

export class UndatedHome extends deployed.UndatedHome {
  readonly #alarm = new VirtualAlarm(this.ctx, this.env, "UndatedHome", () => super.alarm());
  override alarm(): Promise<void> {
    return this.#alarm.fired();
  }
  runAlarmIfDue(): Promise<number | null> {
    return this.#alarm.runIfDue();
  }
}

export default {
  async fetch(request, env, ctx) {
    if (!isLocalRoute(request)) return worker.fetch(request, env, ctx);
    return localRoute(request, env, async () => {
      await worker.scheduled(await scheduledNow(env), env);
    });
  },
  async scheduled(_controller, env) {
    await worker.scheduled(await scheduledNow(env), env);
  },
} satisfies ExportedHandler<LocalEnv>;

/** A cron event of this very moment, by the virtual clock. */
async function scheduledNow(env: LocalEnv): Promise<ScheduledController> {
  return {
    cron: "* * * * *",
    scheduledTime: await readClock(env),
    noRetry: () => undefined,
  };
}
