/** The audit report, as far as scripts need it: is everything up to an hour sealed, audited and balanced? */
import * as z from "zod";
import { type Hour, plusHours } from "../../domain/hour.ts";
import { Finding } from "../../domain/verdict.ts";
import { findingLine } from "../verify/report.ts";
import { type Api, call } from "./client.ts";

const count = z.number().int().min(0);
const Totals = z.looseObject({
  open: count,
  due: count,
  overdue: count,
  unverified: count,
  balanced: count,
  missing: count,
  surplus: count,
  corrupt: count,
  unaudited: count,
});

const Report = z.looseObject({
  totals: Totals,
  rows: count,
  notBalanced: z.array(
    z.looseObject({
      type: z.string(),
      hour: z.string(),
      verdict: z.string(),
      why: z.string(),
      findings: z.array(Finding).default([]),
    }),
  ),
});

export interface AuditReport {
  /** Buckets that are not sealed yet. */
  readonly unsealed: number;
  /** Buckets whose verdict can still change by itself: not sealed, not audited, or a counter could not be had. */
  readonly unsettled: number;
  readonly balanced: boolean;
  readonly text: string;
}

/** The report on all buckets up to this hour, itself included. */
export async function readReport(api: Api, lastHour: Hour): Promise<AuditReport> {
  const report = Report.parse(await call(api, "GET", `/v1/audit/report?to=${plusHours(lastHour, 1)}`));
  const { open, due, overdue, unverified, balanced, missing, surplus, corrupt, unaudited } = report.totals;
  const unsealed = open + due + overdue;
  const faulty = missing + surplus + corrupt + unaudited;
  const lines = report.notBalanced.flatMap(({ type, hour, verdict, why, findings }) => [
    `${hour} ${verdict} ${type}: ${why}`,
    ...findings.map((finding) => `    ${findingLine(finding)}`),
  ]);
  const waiting = unsealed + unverified === 0 ? "" : `, ${unsealed} not sealed, ${unverified} not audited`;
  return {
    unsealed,
    unsettled: unsealed + unverified + unaudited,
    balanced: unsealed + unverified + faulty === 0,
    text: [
      `audit: ${balanced} buckets balanced, ${faulty} not${waiting}; ${report.rows} rows`,
      ...lines,
    ].join("\n"),
  };
}
