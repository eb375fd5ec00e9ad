/** What a pull says of an hour, and at its end of all of them. */
import type { HourOutcome, PulledHour } from "../../domain/pull/outcome.ts";
import { unreachable } from "../../domain/refusal.ts";

export function hourLine({ hour, result }: PulledHour): string {
  return `${hour} ${textOf(result)}`;
}

function textOf(result: HourOutcome): string {
  switch (result.outcome) {
    case "there": {
      const { rows, parts, bytes, verdict } = result;
      const figures = [
        `${rows} rows`.padStart(12),
        `${parts} ${parts === 1 ? "part" : "parts"}`.padStart(9),
        sizeOf(bytes).padStart(10),
      ];
      const said = verdict === "balanced" ? "balanced" : verdictText(verdict);
      return `pulled   ${figures.join(" ")}  ${said}`;
    }
    case "not_sealed":
      return `not sealed: ${result.detail}`;
    case "overdue":
      return `OVERDUE: ${result.detail}`;
    case "not_audited":
      return "not pulled: no auditor has found it balanced yet, and --balanced insists on it";
    case "not_balanced":
      return `NOT BALANCED, not pulled: its verdict is ${result.verdict}; see /v1/audit/report`;
    case "faulty":
      return `FAULTY: ${result.details.join("\n    ")}`;
    case "no_such_format":
      return `not pulled: ${result.detail}`;
    case "expired":
      return "expired: the stream's retention is over, and only the manifest is kept";
    default:
      return unreachable(result);
  }
}

function verdictText(verdict: string | null): string {
  return verdict === null
    ? "not audited yet"
    : `NOT BALANCED: its verdict is ${verdict}; see /v1/audit/report`;
}

/** The last line. `beyond`: hours of the range that were not asked for, because one before them is not sealed. */
export function summaryLine(hours: readonly PulledHour[], beyond: number, folder: string): string {
  const there = hours.flatMap(({ result }) => (result.outcome === "there" ? [result] : []));
  const rows = there.reduce((sum, result) => sum + result.rows, 0);
  const bytes = there.reduce((sum, result) => sum + result.bytes, 0);
  const pulled = there.filter(({ fresh }) => fresh).length;
  const unbalanced = there.filter(({ verdict }) => verdict !== "balanced").length;
  const expired = hours.filter(({ result }) => result.outcome === "expired").length;
  const others = hours.length - there.length - expired + beyond;
  return [
    `${there.length} ${there.length === 1 ? "hour" : "hours"}, ${rows} rows, ${sizeOf(bytes)} in ${folder}: `,
    `${pulled} pulled, ${there.length - pulled} were there`,
    unbalanced === 0 ? "" : `, ${unbalanced} not balanced or not audited`,
    expired === 0 ? "" : `, ${expired} expired`,
    others === 0 ? "" : `, ${others} NOT there`,
  ].join("");
}

/** Hours that are in the folder and that the auditor found at fault: said once, also when they were there before. */
export function unbalancedLines(hours: readonly PulledHour[]): string[] {
  return hours.flatMap(({ hour, result }) =>
    result.outcome === "there" && !result.fresh && result.verdict !== "balanced" && result.verdict !== null
      ? [`${hour} was there  ${verdictText(result.verdict)}`]
      : [],
  );
}

/** Hours that the source has no more: one line, however many there are. */
export function expiredLines(hours: readonly PulledHour[]): string[] {
  const expired = hours.filter(({ result }) => result.outcome === "expired");
  const [first, last] = [expired[0], expired.at(-1)];
  if (first === undefined || last === undefined) return [];
  const which = first === last ? first.hour : `${expired.length} hours from ${first.hour} to ${last.hour}`;
  return [`${which} expired, not pulled: the stream's retention is over, and only manifests are kept`];
}

export function sizeOf(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
