/**
 * `npm run sim -- --seed N --runs M [--trace] [--quiet]`: plays the seeds N … N+M−1. Exit code 1 if a guarantee does not hold, with
 * the seed and its trace, or if a set of at least `coverageRuns` runs left an order unreached.
 */
import { parseArgs } from "node:util";
import { shrinkLimits } from "./limits.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    runs: { type: "string", default: "100" },
    trace: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
  },
});

shrinkLimits();
// The limits must be in place before anything that reads them is loaded.
const { runSeeds } = await import("./seeds.ts");
process.exitCode = await runSeeds(Number(values.seed), Number(values.runs), values);
