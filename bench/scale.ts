/**
 * `npm run scale`: what a load needs, what of it meets a limit first, and what it costs a day. A small model over the
 * project's own limits, what the benchmarks measured and the platform's public limits and prices; every number of the
 * load can be changed.
 * Exit code: 0, also for a load that does not fit, which the table says; 2 bad arguments.
 */
import { parseArgs } from "node:util";
import { BadArgument } from "../scripts/local/arguments.ts";
import { runCommand } from "../scripts/local/command.ts";
import { type Load, talk } from "./scale/load.ts";
import { measured } from "./scale/measured.ts";
import { scaleReport } from "./scale/report.ts";

const options = {
  events: "eventsPerSecond",
  bytes: "bytesPerEvent",
  streams: "streams",
  clients: "clients",
  peak: "peak",
  skew: "skew",
  "per-request": "eventsPerRequest",
  "streams-per-request": "streamsPerRequest",
  isolates: "isolates",
  days: "daysKept",
} as const satisfies Record<string, keyof Load>;

const usage = `npm run scale -- [options]       the talk's load, unless changed by:

  --events N                 events a second, on average
  --bytes N                  bytes of an event
  --streams N                streams
  --clients N                clients
  --peak N                   the busiest hour over the average one
  --skew N                   the n-th stream's share goes with n^-skew; 0: all alike
  --per-request N            events in a request
  --streams-per-request N    streams among them
  --isolates N               isolates that share the requests
  --days N                   how long sealed hours are kept`;

function loadOf(args: readonly string[]): Load {
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.keys(options).map((name) => [name, { type: "string" as const }])),
  });
  const changed = Object.entries(options).flatMap(([name, field]) => {
    const text = values[name];
    return text === undefined ? [] : [[field, positive(name, text)] as const];
  });
  return { ...talk, ...Object.fromEntries(changed) };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && (value > 0 || (value === 0 && name === "skew"))) return value;
  throw new BadArgument(`--${name} takes a number above 0, not ${JSON.stringify(text)}`);
}

process.exitCode = await runCommand(
  { name: "scale", usage, failedCode: 1 },
  process.argv.slice(2),
  async (args) => {
    console.log(scaleReport(loadOf(args), measured));
    return 0;
  },
);
