/**
 * `npm run cost`: what delivering a million events costs, from counts of a real run on the real runtime times the prices
 * in bench/prices.ts. Counted are requests, calls of objects, rows, operations of R2 and D1, GB-seconds and CPU, from the
 * post to the retirement of the objects: seal, audit and deletes included.
 * Exit code: 0 counted, 1 something was not balanced or failed, 2 bad arguments.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runCommand } from "../scripts/local/command.ts";
import { BadArgument } from "../scripts/local/arguments.ts";
import { eventBytes } from "./cost/load.ts";
import { alternativesTable, billOf, billTable, meterTable, usesTable } from "./cost/report.ts";
import { type Measured, busy, cron, fleet, idle, oneASecond } from "./cost/workloads.ts";

const usage = `npm run cost -- [options]

  --only NAME   one workload: busy-1, busy-20, busy-500, second, idle, cron or fleet
  --quick       few requests: shows that it works, and little else
  --full        250 streams × 24 hours instead of 50 × 4; takes a quarter of an hour
  --json FILE   everything that was counted`;

interface Sizes {
  readonly requests: number;
  readonly seconds: number;
  readonly hours: number;
  readonly fleetStreams: number;
  readonly fleetHours: number;
  /** Tried one after the other until enough requests share a commit. */
  readonly concurrencies: readonly number[];
}

const concurrencies = [4, 8, 16, 32, 64, 128];
const sizes = {
  quick: { requests: 40, seconds: 2, hours: 2, fleetStreams: 3, fleetHours: 2, concurrencies: [16] },
  usual: { requests: 4_000, seconds: 20, hours: 24, fleetStreams: 50, fleetHours: 4, concurrencies },
  full: { requests: 4_000, seconds: 60, hours: 24, fleetStreams: 250, fleetHours: 24, concurrencies },
} as const satisfies Record<string, Sizes>;

/** Streams that share the fixed work of an hour, in the idle workload. The talk's system has 250. */
const idleStreams = 10;

/** Four requests share a commit: what a stream of some hundred requests a second and shard comes to. */
const sharing = 4;

function workloads({
  concurrencies: tried,
  requests,
  seconds,
  hours,
  fleetStreams,
  fleetHours,
}: Sizes): Record<string, () => Promise<Measured>> {
  const load = { sharing, concurrencies: tried };
  return {
    "busy-1": () => busy({ ...load, eventsPerRequest: 1, requests }),
    "busy-20": () => busy({ ...load, eventsPerRequest: 20, requests }),
    "busy-500": () => busy({ ...load, eventsPerRequest: 500, requests: Math.ceil(requests / 10) }),
    second: () => oneASecond(seconds),
    idle: () => idle({ streams: idleStreams, hours }),
    cron: () => cron(hours),
    fleet: () =>
      fleet({ streams: fleetStreams, hours: fleetHours, requestsPerHour: 3, eventsPerRequest: 20 }),
  };
}

async function cost(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const all = workloads(sizes[values.quick ? "quick" : values.full ? "full" : "usual"]);
  const wanted = Object.entries(all).filter(([name]) => values.only === undefined || name === values.only);
  if (wanted.length === 0) throw new BadArgument(`--only: no workload is called ${String(values.only)}`);
  const bills = [];
  for (const [name, run] of wanted) {
    const bill = billOf(await run());
    bills.push(bill);
    console.log(`\n${name}: ${bill.name}, $${bill.usd.toFixed(5)} in all\n${usesTable(bill, 12)}`);
  }
  console.log(`\n${billTable(bills)}\n\n${meterTable(bills)}\n\n${alternativesTable(eventBytes, 20)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(bills, null, 2)}\n`);
}

process.exitCode = await runCommand(
  { name: "cost", usage, failedCode: 1 },
  process.argv.slice(2),
  async (args) => {
    await cost(args);
    return 0;
  },
);
