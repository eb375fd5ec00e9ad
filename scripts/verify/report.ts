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
  readonly faulty: number;
  readonly rows: number;
  readonly text: string;
}

export function summaryOf(reports: readonly BucketReport[]): Summary {
  const open = reports.filter((report) => report.verdict === "open").length;
  const faulty = reports.filter((report) => !["open", "balanced"].includes(report.verdict)).length;
  const rows = reports.reduce((sum, report) => sum + report.rows, 0);
  const sealed = reports.length - open;
  const verdict = faulty === 0 ? "all balanced" : `${faulty} NOT balanced`;
  const rest = open === 0 ? "" : `; ${open} not sealed yet, not looked at`;
  return {
    sealed,
    open,
    faulty,
    rows,
    text: `${sealed} sealed buckets, ${rows} rows: ${verdict}${rest}`,
  };
}
