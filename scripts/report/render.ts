/** The report as a page for a terminal: what is wrong comes last, where the eye is. */
import { durationText } from "../../domain/duration.ts";
import type { AuditReport, FaultyBucket, StrainedStream } from "../../domain/report.ts";
import { findingLine } from "../verify/report.ts";

export function pageOf(report: AuditReport): string {
  const { totals, lateness, before } = report;
  const lines = [
    `audit report of ${report.generatedAt}`,
    `hours ${report.from} to ${report.to}, ${counted(report.streams, "stream")}, ${counted(report.rows, "row")} in ${sizeOf(report.bytes)}`,
    "",
    Object.entries(totals)
      .map(([state, buckets]) => `${state} ${buckets}`)
      .join("  "),
  ];
  if (lateness !== null) {
    lines.push(
      `sealed after an hour's end: median ${spanOf(lateness.medianMs)}, 95% within ${spanOf(lateness.p95Ms)}, ` +
        `worst ${spanOf(lateness.worstMs)} (${lateness.worstHour} ${plain(lateness.worstType)}); ` +
        `${lateness.overTarget} of ${lateness.buckets} past their target`,
    );
  }
  for (const { hour, type, owner, overTargetMs, why } of report.late) {
    lines.push("", `${hour}  late by ${spanOf(overTargetMs)}  ${plain(type)}${by(owner)}`, `    ${why}`);
  }
  for (const bucket of report.notBalanced) lines.push("", ...bucketLines(bucket));
  for (const { type, owner, from, buckets, overdue } of report.notTakenUp) {
    lines.push(
      "",
      `${from} and on  ${counted(buckets, "bucket")} due, ${overdue} overdue  ${plain(type)}${by(owner)}`,
      "    the flusher has not looked at them: is the cron running, and does D1 answer?",
    );
  }
  if (report.next !== null)
    lines.push("", `and more: narrow it with --from, or read on with ?after=${report.next}`);
  if (before !== null && before.buckets > 0)
    lines.push(
      "",
      `before ${report.from}: ${before.buckets} not balanced, the oldest ${before.oldest}; see --from`,
    );
  lines.push(...forgottenLines(report.forgotten));
  for (const stream of report.strained) lines.push("", ...strainedLines(stream));
  for (const { type, since, author, note } of report.freezes) {
    const what = type === null ? "all streams" : plain(type);
    lines.push(
      "",
      `frozen since ${since}, nothing is deleted: ${what}${by(author)}${note === "" ? "" : `: ${note}`}`,
    );
  }
  return [...lines, "", verdictOf(report)].join("\n");
}

function forgottenLines({ configuration, verdicts }: AuditReport["forgotten"]): string[] {
  if (!configuration && verdicts === 0) return [];
  return [
    "",
    "the catalog was lost or set back: it does not know all that it should tell of",
    ...(configuration ? ["    edges go by newer streams and keys than it has"] : []),
    ...(verdicts > 0
      ? [`    digests list ${counted(verdicts, "verdict")} of hours that it does not know`]
      : []),
    "    npm run ops -- rebuild-catalog puts it back from R2",
  ];
}

function bucketLines(bucket: FaultyBucket): string[] {
  const { hour, verdict, type, owner, contact, since, rows, identitySum, sealedAt } = bucket;
  const late = bucket.overTargetMs > 0 ? `, ${spanOf(bucket.overTargetMs)} past its target` : "";
  const reached = contact === "" ? "" : `, ${contact}`;
  const what =
    sealedAt === null
      ? `not sealed ${spanOf(bucket.latenessMs)} after its end${late}; due ${bucket.dueAt}`
      : `sealed ${sealedAt}${late}, ${rows} rows, sum ${identitySum}`;
  const more = bucket.findingCount - bucket.findings.length;
  return [
    `${hour}  ${verdict.toUpperCase()}  ${plain(type)}${by(owner)}${reached}, since ${since}`,
    `    ${what}`,
    ...(bucket.findings.length === 0 ? [`    ${bucket.why}`] : []),
    ...bucket.findings.map((finding) => `    ${findingLine(finding)}${sumsOf(finding)}`),
    ...(more > 0 ? [`    and ${more} findings more`] : []),
  ];
}

function strainedLines({ type, owner, hours, lastHour, ...counts }: StrainedStream): string[] {
  const { rows, spilledRows, quarantinedEvents } = counts;
  const named = plain(type);
  return [
    `strained  ${named}${by(owner)}, in ${counted(hours, "hour")}, the last one ${lastHour}; nothing is lost`,
    ...(spilledRows > 0 ? [`    overflow shards took ${spilledRows} of ${counted(rows, "row")}`] : []),
    ...(quarantinedEvents > 0
      ? [
          `    ${counted(quarantinedEvents, "event")} answered as quarantined; see npm run streams -- quarantine`,
        ]
      : []),
  ];
}

/** Both sums, where the counts alone do not tell: as many rows, and others. */
function sumsOf({ expected, found }: FaultyBucket["findings"][number]): string {
  if (expected === null || found === null || expected.rows !== found.rows) return "";
  return ` (sum ${expected.sum}, found ${found.sum})`;
}

function verdictOf(report: AuditReport): string {
  if (report.ok) return "everything that was asked for is there";
  const { overdue, missing, surplus, corrupt, unaudited } = report.totals;
  const said = Object.entries({ overdue, missing, surplus, corrupt, unaudited })
    .filter(([, buckets]) => buckets > 0)
    .map(([state, buckets]) => `${buckets} ${state}`);
  const { configuration, verdicts } = report.forgotten;
  if (said.length === 0 && (configuration || verdicts > 0)) return "NOT EVERYTHING IS KNOWN";
  return `NOT EVERYTHING IS THERE${said.length === 0 ? "" : `: ${said.join(", ")}`}`;
}

function by(owner: string): string {
  return owner === "" ? "" : `, of ${plain(owner)}`;
}

/** A name can be any string: nothing in it may move the cursor. */
function plain(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function spanOf(ms: number): string {
  if (ms < 60_000) return durationText(Math.round(ms / 1_000) * 1_000);
  return durationText(Math.round(ms / 60_000) * 60_000);
}

function sizeOf(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const unit = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1_024 ** unit).toFixed(1)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}
