/** Keeping server and generator on different cores, so that neither takes the other's time. Linux alone can. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";

export const serverCore = 0;
export const generatorCore = 1;

/** False if the processes cannot be kept apart: one core, or no `taskset`. */
export function canPin(): boolean {
  if (process.platform !== "linux" || availableParallelism() < 2) return false;
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Moves a running process to a core, with all its threads. */
export function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", String(core), String(pid)], { stdio: "ignore" });
}

/** Starts a script of this folder as a Node process with a channel to it. */
export function startNode(script: string, args: readonly string[], core: number | null): ChildProcess {
  const command = [process.execPath, script, ...args];
  const [file = "", ...rest] = core === null ? command : ["taskset", "-c", String(core), ...command];
  return spawn(file, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}
