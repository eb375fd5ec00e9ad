/**
 * `npm run demo`: the whole way of an event on this machine, in under a minute: start, ingest with lost replies and
 * duplicates, seal, audit, stop, and recount from the objects alone. One row per bucket.
 * Exit code: 0 every generated event is in exactly one sealed bucket, its own; 1 anything else.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ingested, ingest } from "./demo/ingest.ts";
import type { AuditOutcome } from "./local/audit-report.ts";
import { createKey } from "./local/client.ts";
import { collect } from "./local/collect.ts";
import { startLocalRuntime } from "./local/runtime.ts";
import { ReplayClock } from "./replay/clock.ts";
import { settle } from "./replay/settle.ts";
import { localObjects } from "./verify/objects.ts";
import { lineOf, summaryOf } from "./verify/report.ts";
import { walkChain } from "./verify/chain.ts";
import { type BucketReport, verifyBuckets } from "./verify/verify.ts";

async function deliver(dataDir: string): Promise<{ ingested: Ingested; audit: AuditOutcome }> {
  console.log("starting the system …");
  const adminKey = randomBytes(24).toString("base64url");
  const runtime = await startLocalRuntime({ port: 0, dataDir, adminKey, cron: false });
  try {
    const admin = { url: runtime.url, key: adminKey };
    const client = { url: runtime.url, key: await createKey(admin, ["write:demo.*"], "demo") };
    const clock = new ReplayClock(admin);
    console.log("sending three hours of events, with lost replies and duplicates …");
    const ingested = await ingest(admin, client, clock);
    const { accepted, duplicates, refused, retries } = ingested.counts;
    console.log(
      `${ingested.events} events: ${accepted} accepted, ${duplicates} duplicates, ${refused} refused, ${retries} sent again`,
    );
    console.log("sealing and auditing …");
    return { ingested, audit: await settle(admin, clock, ingested.lastMs) };
  } finally {
    await runtime.dispose();
  }
}

async function recount(dataDir: string): Promise<BucketReport[]> {
  console.log("stopped; recounting from the objects alone …");
  const source = await localObjects(dataDir);
  try {
    return await collect(verifyBuckets(source, await walkChain(source)));
  } finally {
    await source.close();
  }
}

/** What is not as it must be; nothing, if the demo succeeds. */
function faultsOf(ingested: Ingested, audit: AuditOutcome, reports: readonly BucketReport[]): string[] {
  const faults: string[] = [];
  if (!audit.balanced) faults.push(audit.text);
  if (ingested.counts.refused > 0) faults.push(`${ingested.counts.refused} events were refused`);
  const { faulty, open } = summaryOf(reports);
  if (faulty + open > 0) faults.push(`${faulty} buckets are not balanced and ${open} not sealed`);
  const rows = new Map(reports.map(({ hour, type, rows: found }) => [`${hour}/${type}`, found]));
  for (const [name, expected] of ingested.rows) {
    const found = rows.get(name) ?? 0;
    if (found !== expected) faults.push(`${name} holds ${found} rows; ${expected} events were sent to it`);
  }
  const total = [...rows.values()].reduce((sum, count) => sum + count, 0);
  if (total !== ingested.events) faults.push(`${total} rows are sealed; ${ingested.events} events were sent`);
  return faults;
}

async function demo(): Promise<number> {
  const startedMs = Date.now();
  const dataDir = mkdtempSync(join(tmpdir(), "hourseal-demo-"));
  // On exit, not in a `finally`: Ctrl-C takes the data along too.
  process.once("exit", () => {
    rmSync(dataDir, { recursive: true, force: true });
  });
  const { ingested, audit } = await deliver(dataDir);
  const reports = await recount(dataDir);
  for (const report of reports.toSorted(byHour)) console.log(lineOf(report));
  const faults = faultsOf(ingested, audit, reports);
  for (const fault of faults) console.error(`demo: ${fault}`);
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(audit.text);
  console.log(`${summaryOf(reports).text}, in ${seconds} s`);
  return faults.length === 0 ? 0 : 1;
}

function byHour(a: BucketReport, b: BucketReport): number {
  return a.hour === b.hour ? (a.type < b.type ? -1 : 1) : a.hour < b.hour ? -1 : 1;
}

try {
  process.exitCode = await demo();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
