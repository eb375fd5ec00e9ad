/** The audit report, as far as scripts need it: is everything up to an hour sealed, audited and balanced? */
import { type Hour, plusHours } from "../../domain/hour.ts";
import { AuditReport } from "../../domain/report.ts";
import { findingLine } from "../verify/report.ts";
import { type Api, call } from "./client.ts";

export interface AuditOutcome {
  /** Buckets that are not sealed yet. */
  readonly unsealed: number;
  /** Buckets whose verdict can still change by itself: not sealed, not audited, or a counter could not be had. */
  readonly unsettled: number;
  readonly balanced: boolean;
  readonly text: string;
}

/** The report on all buckets up to this hour, itself included. */
export async function readReport(api: Api, lastHour: Hour): Promise<AuditOutcome> {
  const report = AuditReport.parse(await call(api, "GET", `/v1/audit/report?to=${plusHours(lastHour, 1)}`));
  const { open, due, overdue, unverified, balanced, missing, surplus, corrupt, unaudited } = report.totals;
  const unsealed = open + due + overdue;
  // What is older than a report looks at is as good as not settled: replays may be of any time.
  const earlier = report.before?.buckets ?? 0;
  const faulty = missing + surplus + corrupt + unaudited;
  const lines = report.notBalanced.flatMap(({ type, hour, verdict, why, findings }) => [
    `${hour} ${verdict} ${type}: ${why}`,
    ...findings.map((finding) => `    ${findingLine(finding)}`),
  ]);
  if (earlier > 0) lines.push(`${earlier} buckets before ${report.from} are not balanced`);
  const waiting = unsealed + unverified === 0 ? "" : `, ${unsealed} not sealed, ${unverified} not audited`;
  return {
    unsealed,
    unsettled: unsealed + unverified + unaudited + earlier,
    balanced: unsealed + unverified + faulty + earlier === 0,
    text: [
      `audit: ${balanced} buckets balanced, ${faulty} not${waiting}; ${report.rows} rows`,
      ...lines,
    ].join("\n"),
  };
}
