/** What verify prints: one line per bucket, its findings under it, and a total. */
import type { Finding } from "../../domain/verdict.ts";
import type { BucketReport } from "./verify.ts";

export function lineOf(report: BucketReport): string {
  const figures = [
    report.hour,
    report.verdict.padEnd(9),
    `${report.rows} rows`.padStart(12),
    `${report.parts} ${report.parts === 1 ? "part" : "parts"}`.padStart(9),
    ` ${JSON.stringify(report.type).slice(1, -1)}`,
  ];
  return [figures.join(" "), ...report.findings.map((finding) => `    ${findingLine(finding)}`)].join("\n");
}

export function findingLine({ kind, hop, rows, where, detail }: Finding): string {
  return `${kind}${rows > 0 ? ` ${rows}` : ""} at ${hop}: ${where}: ${detail}`;
}

export interface Summary {
  readonly sealed: number;
  readonly open: number;
  /** Among the sealed: past their retention, their parts deleted and not counted. */
  readonly expired: number;
  readonly faulty: number;
  readonly rows: number;
  readonly text: string;
}

export function summaryOf(reports: readonly BucketReport[]): Summary {
  const open = reports.filter((report) => report.verdict === "open").length;
  const faulty = reports.filter((report) => !["open", "balanced", "expired"].includes(report.verdict)).length;
  const rows = reports.reduce((sum, report) => sum + report.rows, 0);
  const expired = reports.filter((report) => report.verdict === "expired").length;
  const sealed = reports.length - open;
  const verdict = faulty === 0 ? "all balanced" : `${faulty} NOT balanced`;
  const gone = expired === 0 ? "" : `; ${expired} expired, only their manifests are kept`;
  const rest = open === 0 ? "" : `; ${open} not sealed yet, not looked at`;
  return {
    sealed,
    open,
    expired,
    faulty,
    rows,
    text: `${sealed} sealed buckets, ${rows} rows: ${verdict}${gone}${rest}`,
  };
}
