/**
 * `npm start` as a process of its own, killed and started again on the same data and, so that clients find it, the same
 * port. A kill is SIGKILL to workerd and to its parent: no handler runs, nothing is flushed.
 * Does not do: lose what the operating system holds in its page cache. Only a machine that stops loses that.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot } from "../local/config.ts";

interface Process {
  readonly child: ChildProcess;
  readonly workerd: readonly number[];
  readonly ended: Promise<number | null>;
  readonly output: () => string;
}

const startTriesMax = 30;

export class KillableRuntime {
  readonly #dataDir: string;
  readonly #clock: string;
  #process: Process | null = null;
  #port = 0;
  /** Time spent starting, over all starts. */
  startMs = 0;
  starts = 0;

  constructor(dataDir: string, clock: string) {
    this.#dataDir = dataDir;
    this.#clock = clock;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const startedMs = Date.now();
    for (let tries = 1; ; tries++) {
      try {
        this.#process = await this.#spawn();
        break;
      } catch (error) {
        // The port is free once the killed runtime's sockets are gone.
        if (tries === startTriesMax || !/in use/i.test(String(error))) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    this.starts++;
    this.startMs += Date.now() - startedMs;
  }

  /** Kills both processes, in either order, and waits until they are gone. */
  async kill(workerdFirst: boolean): Promise<void> {
    const { child, workerd, ended } = this.#take();
    const parent = child.pid === undefined ? [] : [child.pid];
    for (const pid of workerdFirst ? [...workerd, ...parent] : [...parent, ...workerd]) killNow(pid);
    await ended;
    await gone(workerd);
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    const { child, workerd, ended, output } = this.#take();
    child.kill("SIGTERM");
    const code = await ended;
    await gone(workerd);
    if (code !== 0) throw new Error(`the runtime ended with ${code}:\n${output().slice(-2_000)}`);
  }

  /** For a run that fails: leaves no process behind. */
  abandon(): void {
    for (const pid of this.#process?.workerd ?? []) killNow(pid);
    this.#process?.child.kill("SIGKILL");
    this.#process = null;
  }

  #take(): Process {
    if (this.#process === null) throw new Error("broken invariant: the runtime is not running");
    const running = this.#process;
    this.#process = null;
    return running;
  }

  async #spawn(): Promise<Process> {
    const script = join(repositoryRoot, "scripts", "start.ts");
    const args = ["--data", this.#dataDir, "--no-cron", "--port", String(this.#port)];
    const clock = this.#port === 0 ? ["--clock", this.#clock] : [];
    const child = spawn(process.execPath, [script, ...args, ...clock], {
      cwd: repositoryRoot,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const url = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer): void => {
        // Bounded: a runtime may log for hours.
        output = (output + chunk.toString("utf8")).slice(-20_000);
        const served = /Hourseal on (\S+),/.exec(output)?.[1];
        if (served !== undefined && output.includes("Ctrl-C")) resolve(served);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("error", reject);
      void ended.then((code) => {
        reject(new Error(`npm start ended with ${code}:\n${output.slice(-2_000)}`));
      });
    });
    this.#port = Number(new URL(url).port);
    return { child, workerd: workerdOf(child.pid ?? 0), ended, output: () => output };
  }
}

function workerdOf(parent: number): number[] {
  const found = processes()
    .filter(({ parent: of, command }) => of === parent && command.includes("workerd"))
    .map(({ pid }) => pid);
  if (found.length === 0) throw new Error("the runtime has no workerd process to kill");
  return found;
}

function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already, for example by the hand of start's own watchdog.
  }
}

/** Waits until they run no more. A killed orphan that nobody has reaped yet is a zombie, and as good as gone. */
async function gone(pids: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const states = processes().filter(({ pid }) => pids.includes(pid));
    if (states.every(({ state }) => state.startsWith("Z"))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`workerd ${pids.join(", ")} outlives its SIGKILL`);
}

function processes(): { pid: number; parent: number; state: string; command: string }[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,comm="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const [, pid, parent, state = "", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), state, command }];
  });
}
