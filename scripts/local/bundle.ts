/**
 * Builds the Worker with wrangler's own bundler and answers its modules, so that what runs locally is built exactly as
 * what is deployed (its Node compatibility, its defines, its entry checks). A second or two; nothing is left on disk.
 */
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runWrangler } from "./wrangler.ts";

export interface WorkerModule {
  readonly type: "ESModule" | "CompiledWasm" | "Data";
  readonly path: string;
  readonly contents: string | Uint8Array<ArrayBuffer>;
}

export class BuildFailed extends Error {
  override readonly name = "BuildFailed";
}

const built = new Map<string, Promise<WorkerModule[]>>();

/**
 * The modules of the `local` environment; the entry first. `main` is the entry's source file, and may be another one than
 * the environment's own. A process builds each entry once.
 */
export function bundleWorker(configPath: string, main: string): Promise<WorkerModule[]> {
  const name = JSON.stringify([configPath, main]);
  const modules = built.get(name) ?? build(configPath, main);
  built.set(name, modules);
  return modules;
}

async function build(configPath: string, main: string): Promise<WorkerModule[]> {
  const outdir = await mkdtemp(join(tmpdir(), "hourseal-build-"));
  try {
    const args = ["deploy", main, "--dry-run", "--env", "local", "--outdir", outdir];
    const { code, output } = await runWrangler(args, configPath);
    if (code !== 0) throw new BuildFailed(`the Worker does not build:\n${output}`);
    const entry = `${basename(main).replace(/\.[^.]+$/, "")}.js`;
    const names = (await readdir(outdir)).filter((name) => /\.(m?js|wasm|bin)$/.test(name));
    const ordered = names.toSorted((a, b) => Number(b === entry) - Number(a === entry));
    return await Promise.all(ordered.map((name) => moduleOf(outdir, name)));
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

async function moduleOf(outdir: string, name: string): Promise<WorkerModule> {
  const bytes = await readFile(join(outdir, name));
  if (/\.m?js$/.test(name)) return { type: "ESModule", path: name, contents: bytes.toString("utf8") };
  return {
    type: name.endsWith(".wasm") ? "CompiledWasm" : "Data",
    path: name,
    contents: new Uint8Array(bytes),
  };
}
