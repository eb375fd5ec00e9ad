/**
 * `npm run growth`: what an event costs as streams and shards grow, and what the cron costs as history does. What grows
 * faster than the thing itself would make a large system dearer than many small ones; the command fails if that is so.
 * Exit code: 0 nothing grows so, 1 something does, 2 bad arguments.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wholeNumber } from "../scripts/local/arguments.ts";
import { runCommand } from "../scripts/local/command.ts";
import { table } from "./cost/report.ts";
import { type Series, historySeries, shardsSeries, slopeOf, streamsSeries } from "./growth/measure.ts";
import { growthPlot } from "./growth/plot.ts";

const usage = `npm run growth -- [options]

  --streams N,M,…   (default 1,30,300)
  --shards N,M,…    (default 1,8,64)
  --history N,M,…   sealed hours (default 1,24,168)
  --svg FILE        a plot of each

All of it takes about fifteen minutes; --streams 1,30,300,3000 takes twenty.`;

async function growth(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      streams: { type: "string", default: "1,30,300" },
      shards: { type: "string", default: "1,8,64" },
      history: { type: "string", default: "1,24,168" },
      svg: { type: "string" },
    },
  });
  const sizes = (name: "streams" | "shards" | "history", most: number): number[] =>
    values[name].split(",").map((text) => wholeNumber(name, text, 1, most));
  const wanted = {
    streams: sizes("streams", 5_000),
    shards: sizes("shards", 1_024),
    history: sizes("history", 10_000),
  };
  const all: Series[] = [];
  for (const measured of [
    () => streamsSeries(wanted.streams),
    () => shardsSeries(wanted.shards),
    () => historySeries(wanted.history),
  ]) {
    const series = await measured();
    all.push(series);
    console.log(`\n${textOf(series)}`);
  }
  if (values.svg !== undefined) writeFileSync(values.svg, growthPlot(all));
  const steep = all.filter(({ points, slopeMax }) => slopeOf(points) > slopeMax);
  for (const { name } of steep) console.error(`growth: the cost grows too fast with ${name}`);
  return steep.length === 0 ? 0 : 1;
}

function textOf({ grows, unit, how, points }: Series): string {
  const slope = slopeOf(points);
  return `${how}; it grows with the power ${slope.toFixed(2)} of their number\n\n${table(
    [grows, unit, "of it billed by time", "D1 rows read for each", "D1 rows written for each"],
    points.map(({ size, usd, timedUsd, d1RowsRead, d1RowsWritten }) => [
      size.toLocaleString("en"),
      usd.toPrecision(3),
      timedUsd.toPrecision(3),
      d1RowsRead.toPrecision(3),
      d1RowsWritten.toPrecision(3),
    ]),
  )}`;
}

process.exitCode = await runCommand({ name: "growth", usage, failedCode: 1 }, process.argv.slice(2), growth);
