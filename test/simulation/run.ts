/**
 * `npm run sim`: plays seeds one after the other. Exit code: 0 every guarantee held, 1 one did not, with the seed and its
 * trace, or a set of at least `coverageRuns` runs left an order unreached; 2 bad arguments.
 */
import { parseArgs } from "node:util";
import { wholeNumber } from "../../scripts/local/arguments.ts";
import { runCommand } from "../../scripts/local/command.ts";
import { shrinkLimits } from "./limits.ts";

const usage = `npm run sim -- [options]

  --seed N   the first seed (default: from the clock)
  --runs M   seeds N … N+M-1 (default 100)
  --trace    print what happened, step by step
  --quiet    do not print how often each order was reached`;

async function simulate(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
      runs: { type: "string", default: "100" },
      trace: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
    },
  });
  const seed = wholeNumber("seed", values.seed, 0, 0xffff_ffff);
  const runs = wholeNumber("runs", values.runs, 1, 1_000_000);
  shrinkLimits();
  // The limits must be in place before anything that reads them is loaded.
  const { runSeeds } = await import("./seeds.ts");
  return runSeeds(seed, runs, values);
}

process.exitCode = await runCommand({ name: "sim", usage, failedCode: 1 }, process.argv.slice(2), simulate);
