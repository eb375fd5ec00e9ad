/**
 * `npm run streams`: streams as a file. `plan` shows what the file would change, `apply` changes it as a whole; with
 * `--remove` they take streams away, which leaving them out of the file does not.
 * `quarantine` lists what a stream did not take, `replay-quarantine` posts it again.
 * Exit code: 0 done, 1 refused or failed and nothing changed, or replayed and still not all taken, 2 bad arguments or a file with faults.
 */
import { streamsFileSchema } from "../domain/streams-file.ts";
import { runCommand } from "./local/command.ts";
import { apply, plan, readWanted } from "./streams/change.ts";
import { list, show } from "./streams/look.ts";
import { history } from "./streams/history.ts";
import { quotas } from "./streams/quotas.ts";
import { quarantine, replayQuarantine } from "./streams/quarantine.ts";
import { type StreamsOptions, readOptions, usage } from "./streams/options.ts";

async function run(options: StreamsOptions): Promise<number> {
  const { command, operand, api } = options;
  switch (command) {
    case "schema":
      console.log(JSON.stringify(streamsFileSchema(), null, 2));
      return 0;
    case "list":
      return list(api);
    case "show":
      return show(api, operand ?? "");
    case "quotas":
      return quotas(api);
    case "quarantine":
      return quarantine(api, operand ?? "", options);
    case "replay-quarantine":
      return replayQuarantine(api, options.client, operand ?? "", options);
    case "history":
      return history(api, operand, options.limit);
    case "plan":
    case "apply": {
      const wanted = readWanted(operand, options.remove);
      if (wanted === null) return 2;
      return command === "plan" ? plan(api, wanted) : apply(api, wanted, options);
    }
  }
}

process.exitCode = await runCommand(
  { name: "streams", usage, failedCode: 1 },
  process.argv.slice(2),
  (args) => run(readOptions(args)),
);
