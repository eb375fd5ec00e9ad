/**
 * Ends the runtime's workerd when this process dies, however it dies: `kill -9` leaves no handler to run, and an
 * orphaned workerd would keep the port and the data directory.
 *
 * A shell waits on a pipe that only this process holds open; when the pipe closes, it kills the given processes.
 * Where there is no `sh` or `ps` (Windows), an orphan has to be ended by hand.
 */
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

/** Guards every workerd that is a child of this process now. The answer ends the guard. */
export async function guardWorkerd(): Promise<() => void> {
  const pids = await workerdChildren();
  if (pids.length === 0) return () => undefined;
  const script = `cat >/dev/null; kill -9 ${pids.join(" ")} 2>/dev/null`;
  const guard = spawn("sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  guard.on("error", () => undefined);
  guard.unref();
  return () => {
    guard.kill("SIGKILL");
  };
}

async function workerdChildren(): Promise<number[]> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,comm="]);
    return stdout.split("\n").flatMap((line) => {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      const ours = Number(parent) === process.pid && command?.includes("workerd") === true;
      return ours ? [Number(pid)] : [];
    });
  } catch {
    return [];
  }
}
