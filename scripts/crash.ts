/**
 * `npm run crash`: kills the real runtime again and again while clients post to it, and then compares what the clients
 * were told with what lies in R2.
 * Exit code: 0 acknowledged = delivered, each exactly once, and every bucket balanced; 1 anything else; 2 bad arguments.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./local/command.ts";
import { compare } from "./crash/compare.ts";
import { deliveredIn } from "./crash/delivered.ts";
import { type CrashOptions, readOptions, usage } from "./crash/options.ts";
import { type Findings, isClean, reportOf } from "./crash/report.ts";
import { type CrashRun, crashRun } from "./crash/run.ts";
import { collect } from "./local/collect.ts";
import { chainLines, chainReport, walkChain } from "./verify/chain.ts";
import { localObjects } from "./verify/objects.ts";
import { lineOf, summaryOf } from "./verify/report.ts";
import { verifyBuckets } from "./verify/verify.ts";

async function findingsOf(run: CrashRun, dataDir: string): Promise<Findings> {
  const source = await localObjects(dataDir);
  try {
    const delivered = await deliveredIn(source);
    const walk = await walkChain(source);
    const reports = await collect(verifyBuckets(source, walk));
    const chain = chainReport(walk, reports);
    const faulty = reports.filter(({ verdict }) => verdict !== "balanced");
    return {
      run,
      delivered,
      comparison: compare(run.record.entries, delivered.events),
      verified: summaryOf(reports),
      chain,
      verifyLines: [...faulty.map(lineOf), ...chainLines(chain)],
    };
  } finally {
    await source.close();
  }
}

async function crash(options: CrashOptions): Promise<number> {
  const startedMs = Date.now();
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "hourseal-crash-"));
  mkdirSync(dataDir, { recursive: true });
  console.log(`seed ${options.seed}, ${options.kills} kills, data in ${dataDir}`);
  try {
    const onKill = (no: number, phase: string): void => {
      console.log(`kill ${no} of ${options.kills}: ${phase}`);
    };
    const findings = await findingsOf(await crashRun({ ...options, dataDir, onKill }), dataDir);
    const report = reportOf(findings, options.seed, (Date.now() - startedMs) / 1_000);
    console.log(`\n${report}`);
    if (options.reportFile !== null) writeFileSync(options.reportFile, report);
    if (!isClean(findings)) return 1;
    if (options.dataDir === null) rmSync(dataDir, { recursive: true, force: true });
    return 0;
  } catch (error) {
    const again = `npm run crash -- --kills ${options.kills} --seed ${options.seed}`;
    console.error(`crash: ${error instanceof Error ? error.message : String(error)}; again with: ${again}`);
    return 1;
  }
}

process.exitCode = await runCommand({ name: "crash", usage, failedCode: 1 }, process.argv.slice(2), (args) =>
  crash(readOptions(args)),
);
