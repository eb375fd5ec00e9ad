/** The report of a crash run, as text that also reads well in a file. */
import type { ChainReport } from "../../domain/chain.ts";
import type { Summary } from "../verify/report.ts";
import type { Comparison } from "./compare.ts";
import type { Delivered } from "./delivered.ts";
import { phases } from "./phases.ts";
import type { CrashRun } from "./run.ts";

export interface Findings {
  readonly run: CrashRun;
  readonly delivered: Delivered;
  readonly comparison: Comparison;
  readonly verified: Summary;
  readonly chain: ChainReport;
  /** What verify found, and what it says of the digests. */
  readonly verifyLines: readonly string[];
}

/** Everything is delivered once, balanced, and in a digest. */
export function isClean({ run, comparison, verified, chain }: Findings): boolean {
  const unsettled = verified.faulty + verified.open + chain.faults.length + chain.waiting;
  return comparison.differences.length === 0 && run.audit.balanced && unsettled === 0;
}

export function reportOf(findings: Findings, seed: number, seconds: number): string {
  const { run, delivered, comparison, verified, verifyLines } = findings;
  const { record } = run;
  const kills = phases.reduce((sum, phase) => sum + run.phases[phase].kills, 0);
  const startSeconds = (run.startMs / Math.max(1, run.starts) / 1_000).toFixed(1);
  const lines = [
    `crash run, seed ${seed}: ${kills} kills in ${seconds.toFixed(0)} s, ${run.starts} starts of ${startSeconds} s`,
    "",
    row("killed", "times", "before the step had its answer"),
    ...phases.map((phase) =>
      row(`  ${phaseTexts[phase]}`, run.phases[phase].kills, run.phases[phase].cutOff),
    ),
    "",
    row("events", record.entries.size, `sent ${record.sent} times in ${record.requests} requests`),
    row("retries", record.retries, "of requests that were not, or not fully, answered"),
    row(
      "answers",
      record.accepted + record.duplicates,
      `${record.accepted} accepted, ${record.duplicates} duplicate`,
    ),
    row("acknowledged", comparison.acknowledged, "events, by the clients' own record"),
    row(
      "delivered",
      delivered.events.size,
      `events in ${delivered.rows} rows of ${delivered.buckets} sealed buckets`,
    ),
    ...(run.alarmFailures.length === 0
      ? []
      : [row("alarms", run.alarmFailures.length, `failed and were repeated, as: ${run.alarmFailures[0]}`)]),
    "",
    run.audit.text,
    `verify: ${verified.text}`,
    ...verifyLines,
    ...comparison.differences.map(differenceText),
    isClean(findings)
      ? "acknowledged = delivered, each exactly once"
      : `NOT the same; again with: npm run crash -- --kills ${kills} --seed ${seed}`,
  ];
  return `${lines.join("\n")}\n`;
}

const phaseTexts = {
  load: "under load",
  start: "right after a start",
  seal: "in the middle of a seal",
  audit: "in the middle of an audit",
} as const;

function row(name: string, figure: number | string, note: number | string): string {
  return `${name.padEnd(28)}${String(figure).padStart(8)}  ${note}`.trimEnd();
}

function differenceText({ what, count, examples }: Comparison["differences"][number]): string {
  return [`DIFFERENCE: ${count} ${what}`, ...examples.map((name) => `    ${name}`)].join("\n");
}
