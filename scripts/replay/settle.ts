/**
 * Waits until every bucket up to an hour is sealed and audited: moves the virtual clock past the hour's grace, then
 * runs the cron, a minute at a time at first, until the audit report has nothing left to do there. Bounded: past a
 * day it says what is left.
 */
import { epochMs, hourOf, isoOf } from "../../domain/hour.ts";
import { graceMsDefault, sealJitterMsMax } from "../../domain/limits.ts";
import { type AuditReport, readReport } from "../local/audit-report.ts";
import { type Api, runCron } from "../local/client.ts";
import type { ReplayClock } from "./clock.ts";

const runsMax = 32;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export async function settle(
  api: Api,
  clock: ReplayClock,
  lastMs: number,
  graceMs = graceMsDefault,
): Promise<AuditReport> {
  let atMs = (Math.floor(lastMs / hourMs) + 1) * hourMs + graceMs + sealJitterMsMax;
  const lastHour = hourOf(epochMs(lastMs));
  let report: AuditReport | null = null;
  for (let run = 0; run < runsMax; run++) {
    await clock.moveTo(atMs);
    await runCron(api);
    report = await readReport(api, lastHour);
    if (report.unsettled === 0) return report;
    // Small steps first: later hours fall due as time goes on. Longer ones reach the longest grace a stream can have.
    atMs += Math.min(hourMs, minuteMs * 2 ** Math.max(0, run - 5));
  }
  throw new Error(
    `at ${isoOf(epochMs(atMs))}, ${report?.unsettled ?? 0} buckets are still not sealed and audited`,
  );
}
