/** `docs/planner.md`: what the planner does, and what came of it in the simulation, with today's limits. */
import {
  identitiesPerShardMax,
  lastHoursSeen,
  planAheadHours,
  planLeadMs,
  plannedGrowthMax,
  shardRowsTarget,
} from "../../domain/limits.ts";
import { type SimulatedHour, type Summary, summaries } from "./run.ts";

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(2)} %`;
}

/** A markdown table, aligned as the formatter aligns it. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  const [head = [], ...body] = rows;
  return [line(head), line(rule), ...body.map(line)].join("\n");
}

export function table(of: readonly Summary[]): string {
  const head = [
    "hours",
    "count",
    "shard-hours used",
    "needed",
    "over-provision",
    "hours short",
    "spilled",
    "turned away",
  ];
  const rows = of.map((one) => [
    one.name,
    String(one.hours),
    String(one.used),
    String(one.needed),
    `×${(one.used / one.needed).toFixed(2)}`,
    String(one.short),
    percent(one.spilledRows, one.rows),
    percent(one.turnedAwayRows, one.rows),
  ]);
  return aligned([head, ...rows]);
}

function fixed(hours: readonly SimulatedHour[]): { readonly shards: number; readonly over: string } {
  const shards = Math.max(...hours.map(({ needed }) => needed));
  const needed = hours.reduce((sum, hour) => sum + hour.needed, 0);
  return { shards, over: ((shards * hours.length) / needed).toFixed(2) };
}

const millions = (rows: number): string => `${rows / 1_000_000} million`;

export function page(hours: readonly SimulatedHour[]): string {
  const { shards, over } = fixed(hours);
  return `# The planner

<!-- Written by \`npm run plan-sim -- --write\`. -->

A stream with \`shardsMax\` gets its shards hour by hour. ${planLeadMs / 60_000} minutes before an hour begins, the cron decides how many it has,
and how many the ${planAheadHours - 1} after it would have, should no further decision reach the edges. It looks at

- the ${lastHoursSeen} newest hours that should be sealed and audited; the newest one times the growth, at most ×${plannedGrowthMax}, that came from
  that hour of the day to the planned one, both yesterday and a week ago;
- the same hour yesterday;
- the same hour a week ago;

and of each takes how many shards it needed by its busiest shard. A shard is given ${millions(shardRowsTarget)} rows an hour, half of
what it takes before it is full. What the busiest has above the average is seen as a hot key where that asks for fewer shards,
because no number of them divides one key. The most that any of these hours asks for is planned: at once if it is more,
by a quarter an hour if it is less, and then only if all of these hours are there, balanced, and failed no client.
\`npm run streams -- show TYPE\` prints the newest decisions, with what each was decided on, above the stream's settings;
\`GET /v1/streams/<type>/plans\` answers more of them.

## A week of it

\`npm run plan-sim\` plays two weeks of a stream with 600 sources, the largest about twenty times the average, by production's
decision: a day pattern, quieter weekends, a tenth of noise. The first week is quiet; the second one, below, has two bursts, an outage
in which little arrives, a third of that is answered as failed, and nothing is sealed until it is over, and a launch.

![Shards planned and needed, hour by hour](planner.svg)

${table(summaries(hours))}

- _needed_: the fewest shards of which none has more than its target, had all come that clients had.
- _hours short_: hours with fewer shards than would have held everything without spilling.
- _spilled_: rows that their shard had no room for, because it holds ${millions(identitiesPerShardMax)} identities, and that overflow shards took:
  delivered all the same, after a claim. _Turned away_: what those had no room for either, and clients send again.

A fixed number that never falls short of the target would be ${shards} shards: ×${over}. Shards that get no row are never made, so
over-provision costs little where few keys come.

What it does not see coming: the first two hours of a launch are planned before the first of them is sealed. A burst asks for its
shards again for ${lastHoursSeen} hours, a day later and a week later.
`;
}
