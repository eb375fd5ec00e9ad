/** The arguments of `npm run crash`, checked. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { BadArgument, wholeNumber } from "../local/arguments.ts";

export const usage = `npm run crash -- [options]

  --kills N       how often the runtime is killed (default 10)
  --seed S        what is chosen and when, a whole number; default: drawn, and printed
  --clients N     client loops (default 4)
  --late PERCENT  events that are undated, or dated hours before they are sent (default 20)
  --data DIR      an empty or absent directory, kept afterwards; default: a temporary one, kept only on a difference
  --report FILE   write the report there too`;

export interface CrashOptions {
  readonly kills: number;
  readonly seed: number;
  readonly clients: number;
  /** A share from 0 to 1. */
  readonly late: number;
  readonly dataDir: string | null;
  readonly reportFile: string | null;
}

export function readOptions(args: readonly string[]): CrashOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: "string", default: "10" },
      seed: { type: "string", default: String(randomBytes(4).readUInt32BE()) },
      clients: { type: "string", default: "4" },
      late: { type: "string", default: "20" },
      data: { type: "string" },
      report: { type: "string" },
    },
  });
  if (values.data !== undefined && existsSync(values.data) && readdirSync(values.data).length > 0) {
    throw new BadArgument(`${values.data} is not empty; the comparison needs a directory of its own`);
  }
  return {
    kills: wholeNumber("kills", values.kills, 0, 10_000),
    seed: wholeNumber("seed", values.seed, 0, 0xffff_ffff),
    clients: wholeNumber("clients", values.clients, 1, 64),
    late: wholeNumber("late", values.late, 0, 100) / 100,
    dataDir: values.data ?? null,
    reportFile: values.report ?? null,
  };
}
