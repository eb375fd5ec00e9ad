/**
 * `npm run bench`: how fast events are accepted, beside what else could take them, in one run on one machine. Real
 * workerd with its own SQLite, R2 and D1, the deployed code, durable answers; see docs/performance.md for what the
 * comparisons do and leave out.
 * Exit code: 0 measured and nothing was lost, 1 something was, 2 bad arguments.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { BadArgument, isArgumentError, wholeNumber } from "../scripts/local/arguments.ts";
import { canPin } from "./speed/cores.ts";
import { figuresTable, ratiosTable, summaryOf } from "./speed/report.ts";
import { runWorkload } from "./speed/run.ts";
import { type Workload, workloads } from "./speed/workloads.ts";

const usage = `npm run bench -- [options]

  --only NAMES    of these, with commas between: ${workloads.map(({ name }) => name).join(", ")}
                  (events per request × requests at a time)
  --rounds N      how often each target is measured (default 3)
  --seconds N     how long each time (default 1)
  --against DIR   another checkout of this project, measured beside this one
  --json FILE     every figure of every round

All of it takes about eight minutes.`;

async function bench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "1" },
      against: { type: "string" },
      json: { type: "string" },
    },
  });
  const wanted = chosen(values.only);
  const rounds = wholeNumber("rounds", values.rounds, 1, 100);
  const seconds = wholeNumber("seconds", values.seconds, 1, 600);
  const against = values.against === undefined ? null : resolve(values.against);
  const pinned = canPin();
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? "an unknown kind"}`;
  const say = (line: string): void => {
    console.log(line);
  };
  say(`${machine}; server and generator ${pinned ? "each on a core of its own" : "not kept apart"}`);
  const results = [];
  for (const workload of wanted) {
    results.push(await runWorkload(workload, { rounds, measureMs: seconds * 1_000, pinned, against, say }));
  }
  const summaries = results.map(summaryOf);
  say(`\n${figuresTable(summaries)}\n\n${ratiosTable(summaries)}`);
  if (values.json !== undefined) {
    const text = JSON.stringify({ machine, pinned, rounds, seconds, summaries, results }, null, 2);
    writeFileSync(values.json, `${text}\n`);
  }
  const faults = results.flatMap(({ workload, faults: found }) =>
    found.map((fault) => `${workload.name}: ${fault}`),
  );
  if (faults.length > 0) throw new Error(`this run does not count:\n${faults.join("\n")}`);
}

function chosen(names: string | undefined): readonly Workload[] {
  if (names === undefined) return workloads;
  return names.split(",").map((name) => {
    const found = workloads.find((workload) => workload.name === name);
    if (found === undefined) throw new BadArgument(`--only: no workload is called ${name}`);
    return found;
  });
}

try {
  await bench(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  if (isArgumentError(error)) console.error(usage);
  process.exitCode = isArgumentError(error) ? 2 : 1;
}
