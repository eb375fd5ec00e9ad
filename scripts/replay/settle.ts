/**
 * Waits until every bucket up to an hour is sealed and audited: moves the virtual clock past the hour's grace, then
 * runs the cron, a minute at a time at first, until the audit report has nothing left to do there.
 * Bounded: in the end it answers the report as it is, balanced or not.
 */
import { epochMs, hourOf } from "../../domain/hour.ts";
import { graceMsDefault, sealJitterMsMax } from "../../domain/limits.ts";
import { type AuditOutcome, readReport } from "../local/audit-report.ts";
import { type Api, runCron } from "../local/client.ts";
import type { ReplayClock } from "./clock.ts";

const runsMax = 32;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export async function settle(api: Api, clock: ReplayClock, lastMs: number): Promise<AuditOutcome> {
  const lastHour = hourOf(epochMs(lastMs));
  let atMs = (Math.floor(lastMs / hourMs) + 1) * hourMs + graceMsDefault + sealJitterMsMax;
  for (let run = 1; ; run++) {
    await clock.moveTo(atMs);
    await runCron(api);
    const report = await readReport(api, lastHour);
    if (report.unsettled === 0 || run === runsMax) return report;
    // Small steps first: later hours fall due as time goes on. Longer ones, to the longest grace a stream can have.
    atMs += report.unsealed === 0 ? minuteMs : Math.min(hourMs, minuteMs * 2 ** Math.max(0, run - 6));
  }
}
