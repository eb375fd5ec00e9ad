/** What is measured: Hourseal, and what it is compared with, all started at the same time and idle but for one. */
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import * as z from "zod";
import { repositoryRoot } from "../../scripts/local/config.ts";
import { guardWorkerd } from "../../scripts/local/watchdog.ts";
import { workerdOf } from "../cost/process.ts";
import { startNode } from "./cores.ts";
import { type MeasuredSystem, startHourseal } from "./hourseal.ts";

export type TargetName = "hourseal" | "other" | "a" | "b" | "c" | "d";

export interface Target {
  readonly name: TargetName;
  readonly port: number;
  /** Its processes: their CPU counts as its own. */
  readonly pids: readonly number[];
  /** Where a round sends, so that each begins with nothing stored. */
  requestOf(round: number): { readonly path: string; readonly headers: Readonly<Record<string, string>> };
}

export interface Targets {
  /** Those that must not lose anything, by name. */
  readonly systems: ReadonlyMap<TargetName, MeasuredSystem>;
  readonly all: readonly Target[];
  stop(): Promise<void>;
}

export const titles: Readonly<Record<TargetName, string>> = {
  hourseal: "Hourseal",
  other: "another checkout",
  a: "(a) answer only",
  b: "(b) bare group commit",
  c: "(c) row per event",
  d: "(d) Node + SQLite",
};

export interface TargetOptions {
  /** Their state is under it. */
  readonly dir: string;
  /** Where the Node server runs; workerd is moved by the caller. Null: anywhere. */
  readonly core: number | null;
  /** Another checkout of this project, to be measured beside this one; null: none. */
  readonly against: string | null;
}

/** Starts them all. */
export async function startTargets({ dir, core, against }: TargetOptions): Promise<Targets> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  const systems = new Map<TargetName, MeasuredSystem>();
  const all: Target[] = [];
  /** The processes that it started are told from those before it. */
  const startSystem = async (name: TargetName, root?: string): Promise<void> => {
    const before = workerdOf(process.pid);
    const system = await startHourseal(join(dir, name), root);
    stops.push(() => system.stop());
    systems.set(name, system);
    const pids = workerdOf(process.pid).filter((pid) => !before.includes(pid));
    all.push({ name, port: system.port, pids, requestOf: () => system.request });
  };
  const perRound = (round: number): { path: string; headers: Record<string, string> } => ({
    path: `/round-${round}`,
    headers: {},
  });
  try {
    await startSystem("hourseal");
    if (against !== null) await startSystem("other", against);
    const before = workerdOf(process.pid);
    const baselines = await startBaselines(join(dir, "baselines"));
    stops.push(() => baselines.stop());
    const pids = workerdOf(process.pid).filter((pid) => !before.includes(pid));
    all.push(...baselines.ports.map(([name, port]) => ({ name, port, pids, requestOf: perRound })));
    const node = await startNodeSqlite(dir, core);
    stops.push(() => node.stop());
    all.push({ name: "d", port: node.port, pids: [node.pid], requestOf: perRound });
    return { systems, all, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const baselineWorkers = [
  { name: "a", source: "answer", objects: {} },
  { name: "b", source: "commit", objects: { COMMIT: { className: "Commit", useSQLite: true } } },
  { name: "c", source: "rows", objects: { ROWS: { className: "Rows", useSQLite: true } } },
] as const;

/** One workerd with the three of them, each with a socket and an isolate of its own. */
async function startBaselines(
  dir: string,
): Promise<{ readonly ports: readonly (readonly [TargetName, number])[]; stop(): Promise<void> }> {
  const workers = await Promise.all(
    baselineWorkers.map(async ({ name, source, objects }) => ({
      name,
      modules: [{ type: "ESModule" as const, path: `${source}.js`, contents: await bundle(source) }],
      compatibilityDate: "2026-10-20",
      durableObjects: objects,
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    })),
  );
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ resourcePersistencePath: dir, telemetry: { enabled: false }, workers }),
  );
  await miniflare.ready;
  const endGuard = await guardWorkerd();
  const ports = await Promise.all(
    baselineWorkers.map(
      async ({ name }) => [name, Number((await miniflare.unsafeGetDirectURL(name)).port)] as const,
    ),
  );
  return {
    ports,
    stop: async () => {
      await miniflare.dispose();
      endGuard();
    },
  };
}

async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(repositoryRoot, "bench", "speed", "baselines", `${source}.ts`)],
    bundle: true,
    format: "esm",
    target: "es2024",
    external: ["cloudflare:workers"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

const Ready = z.object({ port: z.number().int() });

async function startNodeSqlite(
  dir: string,
  core: number | null,
): Promise<{ readonly port: number; readonly pid: number; stop(): Promise<void> }> {
  mkdirSync(join(dir, "node"), { recursive: true });
  const script = join(import.meta.dirname, "baselines", "node-sqlite.ts");
  const child = startNode(script, [join(dir, "node", "log.sqlite")], core);
  const [message] = (await once(child, "message")) as unknown[];
  const { port } = Ready.parse(message);
  return {
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
