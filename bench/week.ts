/**
 * `npm run bench:week`: how many objects of what size a week of skewed streams leaves in R2. Every event goes through the
 * real runtime on a virtual clock, every hour is sealed and audited, and every row is counted. See docs/performance.md.
 * Exit code: 0 measured and nothing was lost, 1 something was, 2 bad arguments.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Format, Formats } from "../domain/encoding.ts";
import { BadArgument, wholeNumber } from "../scripts/local/arguments.ts";
import { runCommand } from "../scripts/local/command.ts";
import { weekOf } from "./week/load.ts";
import { weekTable } from "./week/report.ts";
import { measureWeek } from "./week/run.ts";

const usage = `npm run bench:week -- [options]

  --events N     of about 500 bytes each, in all (default 3000000)
  --streams N    the busiest has a third of them (default 12)
  --hours N      (default 168)
  --formats F,…  ndjson.gz, parquet or both (default ndjson.gz)
  --json FILE    every hour

About six minutes.`;

async function week(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: "string", default: "3000000" },
      streams: { type: "string", default: "12" },
      hours: { type: "string", default: "168" },
      formats: { type: "string", default: "ndjson.gz" },
      json: { type: "string" },
    },
  });
  const formats = Formats.safeParse(values.formats.split(","));
  if (!formats.success) throw new BadArgument(`--formats ${values.formats}: ${Format.options.join(", ")}`);
  const load = weekOf({
    events: wholeNumber("events", values.events, 1, 100_000_000),
    streams: wholeNumber("streams", values.streams, 1, 100),
    hours: wholeNumber("hours", values.hours, 1, 10_000),
  });
  const buckets = await measureWeek(load, formats.data);
  console.log(weekTable(buckets));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(buckets, null, 2)}\n`);
  return 0;
}

process.exitCode = await runCommand(
  { name: "bench:week", usage, failedCode: 1 },
  process.argv.slice(2),
  week,
);
