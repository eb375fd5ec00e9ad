/**
 * `npm run pull`: downloads the sealed hours of a stream over the HTTP API, checks them, and leaves a Hive-partitioned
 * folder. Its exit codes are those of `domain/pull/outcome.ts`, and stand in its usage.
 */
import { pullMain } from "./pull/main.ts";

process.exitCode = await pullMain(process.argv.slice(2), process.env, {
  out: (line) => {
    console.log(line);
  },
  err: (line) => {
    console.error(line);
  },
  terminal: process.stderr.isTTY ? process.stderr : null,
});
