/**
 * wrangler.toml as the scripts need it: read by wrangler, checked here. Wrangler's own types for it do not resolve
 * without its private packages, so this is the border.
 */
import { dirname, join, resolve } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import * as z from "zod";

const Config = z.looseObject({
  name: z.string(),
  main: z.string(),
  r2_buckets: z.array(z.looseObject({ binding: z.string(), bucket_name: z.string() })).min(1),
  d1_databases: z.array(
    z.looseObject({ binding: z.string(), database_name: z.string(), migrations_dir: z.string().optional() }),
  ),
});

const WorkerOptions = z.custom<V4WorkerOptions>((value) => z.looseObject({}).safeParse(value).success);

export interface ProjectConfig {
  readonly path: string;
  readonly name: string;
  /** The entry's source file. */
  readonly main: string;
  /** The bucket that holds the events. */
  readonly events: { readonly binding: string; readonly bucketName: string };
  readonly catalog: { readonly binding: string; readonly name: string; readonly migrationsDir: string };
}

export const repositoryRoot = resolve(import.meta.dirname, "../..");

/** The configuration of an environment; `undefined` is the top level, the one that is deployed. */
export function readProjectConfig(environment?: "local", root = repositoryRoot): ProjectConfig {
  const path = join(root, "wrangler.toml");
  const args = environment === undefined ? { config: path } : { config: path, env: environment };
  const config = Config.parse(unstable_readConfig(args));
  const bucket = config.r2_buckets.find((entry) => entry.binding === "EVENTS");
  const database = config.d1_databases.find((entry) => entry.binding === "CATALOG");
  if (bucket === undefined || database === undefined) {
    throw new Error(`${path} has no R2 binding EVENTS or no D1 binding CATALOG; restore them`);
  }
  return {
    path,
    name: config.name,
    main: config.main,
    events: { binding: bucket.binding, bucketName: bucket.bucket_name },
    catalog: {
      binding: database.binding,
      name: database.database_name,
      migrationsDir: resolve(dirname(path), database.migrations_dir ?? "migrations"),
    },
  };
}

/** Miniflare's options for the Worker of `[env.local]`: all bindings, no source. */
export function localWorkerOptions(root = repositoryRoot): V4WorkerOptions {
  const options: unknown = unstable_getMiniflareWorkerOptions(
    join(root, "wrangler.toml"),
    "local",
  ).workerOptions;
  return WorkerOptions.parse(options);
}
