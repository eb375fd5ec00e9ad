/**
 * `npm run report`: the audit report as a page for a terminal, or as JSON. Made to stand in a script.
 * Exit code: 0 everything is there, as far as was asked, 1 something is not, 2 bad arguments, 3 it cannot be known.
 */
import { reportSchema } from "../domain/report.ts";
import { runCommand } from "./local/command.ts";
import { readOptions, usage } from "./report/options.ts";
import { readPages } from "./report/read.ts";
import { pageOf } from "./report/render.ts";

async function run(args: readonly string[]): Promise<number> {
  const { api, query, json, schema } = readOptions(args, process.env);
  if (schema) {
    console.log(JSON.stringify(reportSchema(), null, 2));
    return 0;
  }
  const report = await readPages(api, query);
  console.log(json ? JSON.stringify(report, null, 2) : pageOf(report));
  return report.ok ? 0 : 1;
}

process.exitCode = await runCommand({ name: "report", usage, failedCode: 3 }, process.argv.slice(2), run);
