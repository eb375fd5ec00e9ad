/** The command, apart from the process that it runs in: arguments in, lines and an exit code out. */
import { join } from "node:path";
import { localName } from "../../domain/pull/local-name.ts";
import { encodeSegment } from "../../domain/segment.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "../../domain/pull/outcome.ts";
import { isArgumentError } from "../local/arguments.ts";
import { lockFile } from "../local/lock.ts";
import { Refused } from "./failures.ts";
import { Gate } from "./gate.ts";
import { readOptions, usage } from "./options.ts";
import { type Output, Progress } from "./progress.ts";
import { expiredLines, summaryLine, unbalancedLines } from "./report.ts";
import { Pull } from "./run.ts";
import { BucketSource } from "./source.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export async function pullMain(args: readonly string[], env: Environment, output: Output): Promise<ExitCode> {
  if (args.includes("--help") || args.includes("-h")) {
    output.out(usage);
    return exitCodes.complete;
  }
  try {
    return await pull(args, env, output);
  } catch (error) {
    output.err(`pull: ${error instanceof Error ? error.message : String(error)}`);
    if (isArgumentError(error)) output.err(usage);
    const refused = isArgumentError(error) || error instanceof Refused;
    return refused ? exitCodes.refused : exitCodes.unreachable;
  }
}

async function pull(args: readonly string[], env: Environment, output: Output): Promise<ExitCode> {
  const options = readOptions(args, env);
  const { type, destination, timeoutMs } = options.pull;
  const source = new BucketSource(options.api, type);
  const listed = await source.list(options.pull.range);
  const folder = join(destination, "events", localName(`type=${encodeSegment(type)}`));
  const progress = new Progress(output);
  // Two pulls of one stream would write the same unfinished files.
  const unlock = lockFile(folder, ".pull-lock", "wait for that one, or choose another --dest");
  try {
    const gate = new Gate(options.pull.parallel);
    const { hours, beyond, timedOut } = await new Pull(options.pull, { source, progress, gate }).run(listed);
    progress.clear();
    for (const line of [...expiredLines(hours), ...unbalancedLines(hours)]) output.out(line);
    output.out(summaryLine(hours, beyond, folder));
    if (!timedOut) return exitCodeOf(hours);
    output.err(`pull: not everything was there after ${timeoutMs / 1_000} s (--timeout)`);
    return exitCodes.timeout;
  } finally {
    progress.clear();
    unlock();
  }
}
