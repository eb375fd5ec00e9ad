/**
 * The outermost frame of every command: `--help` shows the usage, a wrong argument says what is wrong and shows it too,
 * a failure is one line on standard error. What it does not do: end the process; the caller sets the exit code.
 */
import { isArgumentError } from "./arguments.ts";

export interface Command {
  readonly name: string;
  readonly usage: string;
  /** The exit code of a run that threw anything but an argument error. */
  readonly failedCode: number;
}

/** The exit code: what `run` returned, 0 for `--help`, 2 for bad arguments, else `failedCode`. */
export async function runCommand(
  { name, usage, failedCode }: Command,
  args: readonly string[],
  run: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  try {
    return await run(args);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    if (!isArgumentError(error)) return failedCode;
    console.error(usage);
    return 2;
  }
}
