/** Runs the project's own wrangler, never one from the PATH, on the project's own configuration. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Runs it quietly, without questions; answers what it printed. */
export function runWrangler(
  args: readonly string[],
  configPath: string,
): Promise<{ readonly code: number; readonly output: string }> {
  return run(args, configPath, { WRANGLER_HIDE_BANNER: "true", CI: "1" }, "pipe");
}

/** Runs it on this terminal, where it may ask; answers its exit code. */
export async function showWrangler(args: readonly string[], configPath: string): Promise<number> {
  return (await run(args, configPath, {}, "inherit")).code;
}

function run(
  args: readonly string[],
  configPath: string,
  env: Readonly<Record<string, string>>,
  output: "pipe" | "inherit",
): Promise<{ readonly code: number; readonly output: string }> {
  const require = createRequire(import.meta.url);
  const bin = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args, "--config", configPath], {
      cwd: dirname(configPath),
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", ...env },
      stdio: [output === "pipe" ? "ignore" : "inherit", output, output],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? 1, output: text });
    });
  });
}
