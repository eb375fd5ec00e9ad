/**
 * Builds the Worker with wrangler's own bundler and answers its modules, so that what runs locally is built exactly as
 * what is deployed (its Node compatibility, its defines, its entry checks). A second or two; nothing is left on disk.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

export interface WorkerModule {
  readonly type: "ESModule" | "CompiledWasm" | "Data";
  readonly path: string;
  readonly contents: string | Uint8Array<ArrayBuffer>;
}

export class BuildFailed extends Error {
  override readonly name = "BuildFailed";
}

/** The modules of the `local` environment; the entry first. `main` is the entry's source file. */
export async function bundleWorker(configPath: string, main: string): Promise<WorkerModule[]> {
  const outdir = await mkdtemp(join(tmpdir(), "hourseal-build-"));
  try {
    await runWrangler(configPath, outdir);
    const entry = `${basename(main).replace(/\.[^.]+$/, "")}.js`;
    const names = (await readdir(outdir)).filter((name) => /\.(m?js|wasm|bin)$/.test(name));
    const ordered = names.toSorted((a, b) => Number(b === entry) - Number(a === entry));
    return await Promise.all(ordered.map((name) => moduleOf(outdir, name)));
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

async function runWrangler(configPath: string, outdir: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const wrangler = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
  const args = [
    wrangler,
    "deploy",
    "--dry-run",
    "--env",
    "local",
    "--config",
    configPath,
    "--outdir",
    outdir,
  ];
  const quiet = { WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CI: "1" };
  try {
    await promisify(execFile)(process.execPath, args, {
      cwd: dirname(configPath),
      env: { ...process.env, ...quiet },
    });
  } catch (error) {
    throw new BuildFailed(`the Worker does not build:\n${outputOf(error)}`, { cause: error });
  }
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts = ["stderr", "stdout"].map((name): unknown => Reflect.get(error, name));
  return parts.filter((part) => typeof part === "string" && part !== "").join("\n") || error.message;
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
