/**
 * `npm run plan-sim`: what the planner makes of two weeks of a stream, and with `--write` the page of it in docs.
 * Exit code: 0 done, 1 the page could not be written, 2 bad arguments.
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "./local/command.ts";
import { page, table } from "./plan-sim/page.ts";
import { plot } from "./plan-sim/plot.ts";
import { simulate, summaries } from "./plan-sim/run.ts";

const usage = `npm run plan-sim -- [--write]

  --write   writes docs/planner.md and docs/planner.svg`;

const docs = join(resolve(import.meta.dirname, ".."), "docs");

function planSim(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { write: { type: "boolean", default: false } },
  });
  const hours = simulate();
  console.log(table(summaries(hours)));
  if (values.write) {
    writeFileSync(join(docs, "planner.md"), page(hours));
    writeFileSync(join(docs, "planner.svg"), plot(hours));
  }
  return Promise.resolve(0);
}

process.exitCode = await runCommand(
  { name: "plan-sim", usage, failedCode: 1 },
  process.argv.slice(2),
  planSim,
);
