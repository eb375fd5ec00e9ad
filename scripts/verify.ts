/**
 * `npm run verify`: recounts the sealed buckets straight from their R2 objects and walks the chain of digests, with the
 * Worker not running.
 * Exit code: 0 all balanced, 1 something is at fault, 2 nothing could be verified.
 */
import { parseArgs } from "node:util";
import { runCommand } from "./local/command.ts";
import { chainLines, chainReport, walkChain } from "./verify/chain.ts";
import { type ObjectSource, localObjects } from "./verify/objects.ts";
import { lineOf, summaryOf } from "./verify/report.ts";
import { credentialsOf, s3Objects } from "./verify/s3.ts";
import { Unusable } from "./verify/unusable.ts";
import { gapsOf } from "./verify/prefixes.ts";
import { type BucketReport, verifyBuckets } from "./verify/verify.ts";
import type { ChainReport } from "../domain/chain.ts";

const usage = `npm run verify -- [--data DIR] [--json]
npm run verify -- --s3 https://<account id>.r2.cloudflarestorage.com/<bucket> [--json]

  --data DIR   what npm start was given (default .hourseal)
  --s3 URL     a deployed bucket; keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
  --json       one JSON document instead of lines`;

async function sourceOf(args: readonly string[]): Promise<{ source: ObjectSource; json: boolean }> {
  const { values } = parseArgs({
    args: [...args],
    options: { data: { type: "string" }, s3: { type: "string" }, json: { type: "boolean", default: false } },
  });
  if (values.data !== undefined && values.s3 !== undefined) {
    throw new Unusable("give --data or --s3, not both");
  }
  const source =
    values.s3 === undefined
      ? await localObjects(values.data ?? ".hourseal")
      : s3Objects(values.s3, credentialsOf(process.env));
  return { source, json: values.json };
}

async function verify(args: readonly string[]): Promise<number> {
  const { source, json } = await sourceOf(args);
  const reports: BucketReport[] = [];
  let digests: ChainReport;
  try {
    const walk = await walkChain(source);
    for await (const report of verifyBuckets(source, walk)) {
      reports.push(report);
      if (!json) console.log(lineOf(report));
    }
    digests = chainReport(walk, reports);
  } finally {
    await source.close();
  }
  if (reports.length === 0 && digests.digests === 0) throw new Unusable(`${source.name} holds no bucket`);
  const summary = { source: source.name, ...summaryOf(reports), gaps: gapsOf(reports), digests };
  if (json) {
    console.log(JSON.stringify({ ...summary, buckets: reports }, null, 2));
  } else {
    for (const gap of summary.gaps) console.log(`note: ${gap}`);
    for (const line of chainLines(digests)) console.log(line);
    console.log(summary.text);
  }
  return summary.faulty + digests.faults.length > 0 ? 1 : 0;
}

process.exitCode = await runCommand({ name: "verify", usage, failedCode: 2 }, process.argv.slice(2), verify);
