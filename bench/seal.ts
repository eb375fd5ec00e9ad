/**
 * `npm run bench:seal`: how long an hour takes to seal and audit, beside gzip alone over the same bytes in the same
 * runtime, and how much memory the runtime holds meanwhile. See docs/performance.md.
 * Exit code: 0 measured and nothing was lost, 1 something was, 2 bad arguments.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { wholeNumber } from "../scripts/local/arguments.ts";
import { runCommand } from "../scripts/local/command.ts";
import { type MeasuredHour, measureHour } from "./seal/hour.ts";
import { memoryTable, sealTable } from "./seal/report.ts";

const usage = `npm run bench:seal -- [options]

  --rows N,M,…   rows of the hours, one after the other (default 10000,100000,1000000)
  --live         what lives in the isolate, garbage collected, instead of what the runtime has taken from the system;
                 collecting takes time, so times are not shown
  --json FILE    every figure

Each hour is filled twice: flushed while it goes on, and with R2 away until it is due. A million rows of 500 bytes take
about three minutes.`;

async function seal(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: "string", default: "10000,100000,1000000" },
      live: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const counts = values.rows.split(",").map((text) => wholeNumber("rows", text, 1, 20_000_000));
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? "an unknown kind"}`;
  console.log(`${machine}; generator and runtime share them`);
  const measured: MeasuredHour[] = [];
  for (const rows of counts) {
    for (const r2Away of [false, true]) {
      measured.push(await measureHour({ rows, r2Away, live: values.live }));
      console.log(`${rows} rows, R2 ${r2Away ? "away until the hour was due" : "there"}: measured`);
    }
  }
  console.log(`\n${values.live ? memoryTable(measured) : sealTable(measured)}`);
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine, measured }, null, 2)}\n`);
  }
  return 0;
}

process.exitCode = await runCommand(
  { name: "bench:seal", usage, failedCode: 1 },
  process.argv.slice(2),
  seal,
);
