/** The arguments of `npm run pull`, checked. */
import { parseArgs } from "node:util";
import { typeBytesMax } from "../../domain/limits.ts";
import { WantedFormat } from "../../domain/pull/select.ts";
import { isTypeName } from "../../domain/stream.ts";
import { BadArgument, durationMs, hourOf, wholeNumber } from "../local/arguments.ts";
import { apiOf } from "../local/api-options.ts";
import type { Api } from "../local/client.ts";
import type { PullOptions } from "./run.ts";

export const usage = `npm run pull -- STREAM --dest DIR [options]

Downloads the sealed hours of a stream, checks every byte, row and sum, and leaves a Hive-partitioned folder
DIR/events/type=STREAM/date=…/hour=…/ with parts, _manifest.json and, last, _SUCCESS. Repeat it to go on, or to get more.

  --from HOUR      first hour, like 2026-11-23T10, or a date (default: the stream's first)
  --to HOUR        first hour that is no longer wanted (default: up to the last sealed one)
  --format F       parquet, ndjson.gz or all (default: parquet where the hour has it, else ndjson.gz)
  --balanced       take only hours that the auditor found balanced
  --follow         wait for what is not sealed yet: up to --to, or without it for the next hour
  --timeout T      with --follow: give up after so long, for example 90s, 30m, 2h
  --poll T         with --follow: ask at least so often (default 15s)
  --parallel N     downloads at a time (default 4)
  --trust-local    look only at the sizes of files that are there, not at their bytes
  --url URL        default http://127.0.0.1:8787
  --key KEY        a key with the scope read:buckets; better in HOURSEAL_KEY; default: the one npm start keeps in --data
  --data DIR       where npm start keeps its keys (default .hourseal)

exit code: 0 every hour that was asked for is there; 1 something is not what was sealed, or not balanced; 2 it cannot be
done as asked; 3 hours are not sealed yet; 4 an hour is overdue; 5 --timeout; 6 the server or the folder fails`;

export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly pull: PullOptions; readonly api: Api } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      dest: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      format: { type: "string", default: "best" },
      balanced: { type: "boolean", default: false },
      follow: { type: "boolean", default: false },
      timeout: { type: "string" },
      poll: { type: "string", default: "15s" },
      parallel: { type: "string", default: "4" },
      "trust-local": { type: "boolean", default: false },
      url: { type: "string", default: "http://127.0.0.1:8787" },
      key: { type: "string" },
      data: { type: "string", default: ".hourseal" },
    },
  });
  const [type = "", ...others] = positionals;
  if (!isTypeName(type) || others.length > 0) {
    throw new BadArgument(`name one stream: its type, 1 to ${typeBytesMax} bytes`);
  }
  if (values.dest === undefined || values.dest === "") throw new BadArgument("say where to with --dest DIR");
  const format = WantedFormat.safeParse(values.format);
  if (!format.success) {
    throw new BadArgument(`--format takes parquet, ndjson.gz or all, not ${values.format}`);
  }
  if (values.timeout !== undefined && !values.follow) throw new BadArgument("--timeout needs --follow");
  const range = { from: hourOf("from", values.from), to: hourOf("to", values.to) };
  if (range.from !== null && range.to !== null && range.from >= range.to) {
    throw new BadArgument(
      `--to is the first hour that is no longer wanted; it must be after --from ${range.from}`,
    );
  }
  return {
    pull: {
      type,
      range,
      destination: values.dest,
      format: format.data,
      parallel: wholeNumber("parallel", values.parallel, 1, 32),
      recheck: !values["trust-local"],
      insist: values.balanced,
      follow: values.follow,
      pollMs: durationMs("poll", values.poll),
      timeoutMs:
        values.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs("timeout", values.timeout),
    },
    api: apiOf(values, env, "a key with the scope read:buckets"),
  };
}
