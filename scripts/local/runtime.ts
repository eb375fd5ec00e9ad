/**
 * The whole system on this machine, embedded: Miniflare with a direct socket, not wrangler's dev proxy, which is an
 * order of magnitude slower. Bindings come from wrangler.toml's `local` environment and nowhere else.
 *
 * Promises: when it resolves, migrations are applied and requests are answered on `url`; state is in `dataDir`.
 * Does not promise: to run beside another runtime on the same `dataDir` (it is locked while this runs).
 */
import { join, resolve } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { bundleWorker } from "./bundle.ts";
import { lockDataDir } from "./lock.ts";
import { applyMigrations } from "./migrate.ts";
import { localWorkerOptions, readProjectConfig } from "./config.ts";
import { startCron } from "./cron.ts";
import { guardWorkerd } from "./watchdog.ts";

export interface LocalRuntimeOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly dataDir: string;
  readonly adminKey: string;
  /** Variables of the Worker beside it. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Run `scheduled` every minute of real time. */
  readonly cron: boolean;
  /** Another composition root than that of local mode: one that measures. */
  readonly entry?: string;
  /**
   * Serve the dashboard, too; unless another entry is given. Miniflare's router for assets then stands before the Worker and
   * takes its share of every request, so what measures leaves it out.
   */
  readonly dashboard?: boolean;
  /** Let the isolate be looked into, by V8's inspector on any free port. */
  readonly inspector?: boolean;
  /** Where wrangler.toml lies; this repository unless a test says otherwise. */
  readonly root?: string;
  readonly onCronFailure?: (reason: string) => void;
}

export interface LocalRuntime {
  readonly url: string;
  readonly adminKey: string;
  readonly miniflare: Miniflare;
  readonly migrationsApplied: readonly string[];
  readonly dispose: () => Promise<void>;
}

export async function startLocalRuntime(options: LocalRuntimeOptions): Promise<LocalRuntime> {
  const unlock = lockDataDir(options.dataDir);
  try {
    return await start(options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function start(options: LocalRuntimeOptions, unlock: () => void): Promise<LocalRuntime> {
  const config = readProjectConfig("local", options.root);
  const { assets, ...worker } = localWorkerOptions(options.root);
  const dashboard = options.dashboard ?? options.entry === undefined;
  const { name } = config;
  const modules = await bundleWorker(config.path, options.entry ?? config.main);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: resourcesIn(options.dataDir),
      telemetry: { enabled: false },
      ...(options.inspector === true ? { inspectorPort: 0 } : {}),
      workers: [
        {
          ...worker,
          ...(dashboard && assets !== undefined ? { assets } : {}),
          name,
          modules,
          bindings: { ...worker["bindings"], ...options.variables, HOURSEAL_ADMIN_KEY: options.adminKey },
          unsafeDirectSockets: [{ host: "127.0.0.1", port: options.port }],
        },
      ],
    }),
  );
  try {
    await miniflare.ready;
    const endGuard = await guardWorkerd();
    const url = (await miniflare.unsafeGetDirectURL(name)).origin;
    const database = await miniflare.getD1Database(config.catalog.binding, name);
    const migrationsApplied = await applyMigrations(database, config.catalog.migrationsDir);
    const stopCron = options.cron
      ? startCron({ url, key: options.adminKey }, options.onCronFailure)
      : () => undefined;
    return {
      url,
      adminKey: options.adminKey,
      miniflare,
      migrationsApplied,
      dispose: async () => {
        stopCron();
        await miniflare.dispose();
        endGuard();
        unlock();
      },
    };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

/** Where Miniflare keeps R2, D1 and objects under a data directory. */
export function resourcesIn(dataDir: string): string {
  return join(resolve(dataDir), "state");
}
