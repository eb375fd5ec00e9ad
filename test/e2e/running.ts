/** `npm start` as a process of its own, which a test can stop, kill and start again. */
import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

export interface Running {
  readonly url: string;
  /** What it has printed. */
  readonly output: () => string;
  /** Sends the signal and waits for the end; answers the exit code, null if the signal ended it. */
  readonly end: (signal: "SIGTERM" | "SIGKILL") => Promise<number | null>;
}

/** Starts it and waits until it serves. */
export async function start(dataDir: string, args: readonly string[] = []): Promise<Running> {
  const command = [join(root, "scripts", "start.ts"), "--data", dataDir, "--no-cron", ...args];
  const child = spawn(process.execPath, command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const url = await new Promise<string>((found, failed) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString("utf8");
      const served = /Hourseal on (\S+),/.exec(output)?.[1];
      if (served !== undefined && output.includes("Ctrl-C")) found(served);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("close", (code) => {
      failed(new Error(`start ended with ${code}:\n${output}`));
    });
  });
  return { url, output: () => output, end: (signal) => endOf(child, signal, ended) };
}

function endOf(
  child: ChildProcess,
  signal: "SIGTERM" | "SIGKILL",
  ended: Promise<number | null>,
): Promise<number | null> {
  child.kill(signal);
  return ended;
}
