/** What the system tells of this process's workerd: CPU and memory. Linux alone tells; elsewhere the answers are null. */
import { readFileSync, readdirSync } from "node:fs";

/** Clock ticks a second: fixed at 100 for what /proc shows, on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** The workerd processes that this process has started. */
export function workerdOf(parent: number): readonly number[] {
  return pids().filter((pid) => {
    const stat = statOf(pid);
    return stat !== null && stat.parent === parent && stat.command.includes("workerd");
  });
}

/** User and system CPU of these processes since they began. */
export function cpuMsOf(processes: readonly number[]): number | null {
  const ticks = processes.map((pid) => statOf(pid)?.ticks ?? null);
  if (ticks.length === 0 || ticks.includes(null)) return null;
  return (ticks.reduce<number>((total, one) => total + (one ?? 0), 0) * 1_000) / ticksPerSecond;
}

/** Resident memory of these processes. */
export function residentBytesOf(processes: readonly number[]): number | null {
  let bytes = 0;
  for (const pid of processes) {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`) ?? "");
    if (line?.[1] === undefined) return null;
    bytes += Number(line[1]) * 1_024;
  }
  return processes.length === 0 ? null : bytes;
}

function statOf(
  pid: number,
): { readonly command: string; readonly parent: number; readonly ticks: number } | null {
  // The command is in brackets and may hold anything; what follows is counted from the last bracket.
  const [, command, rest] = /^\d+ \((.*)\) (.*)$/s.exec(textOf(`/proc/${pid}/stat`) ?? "") ?? [];
  if (command === undefined || rest === undefined) return null;
  const fields = rest.split(" ");
  return { command, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

function pids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
