/** What was measured of hours, as tables of Markdown. */
import { table } from "../cost/report.ts";
import type { MeasuredHour } from "./hour.ts";

const mib = 1024 * 1024;

export function sealTable(hours: readonly MeasuredHour[]): string {
  return `${speedTable(hours)}\n\n${memoryTable(hours)}`;
}

function speedTable(hours: readonly MeasuredHour[]): string {
  return table(
    [
      "rows",
      "R2 until due",
      "shards",
      "parts",
      "plain MB",
      "sealed MB",
      "seal s",
      "gzip alone s",
      "of gzip",
      "audit MB/s",
    ],
    hours.map((hour) => [
      hour.rows.toLocaleString("en"),
      hour.r2Away ? "away" : "there",
      String(hour.shards),
      String(hour.parts),
      (hour.plainBytes / 1e6).toFixed(1),
      (hour.sealedBytes / 1e6).toFixed(1),
      (hour.sealMs / 1_000).toFixed(2),
      (hour.gzipMs / 1_000).toFixed(2),
      (hour.gzipMs / hour.sealMs).toFixed(2),
      (hour.plainBytes / 1_000 / hour.auditMs).toFixed(0),
    ]),
  );
}

/** What is above rest in each phase. */
export function memoryTable(hours: readonly MeasuredHour[]): string {
  const [kind] = hours.map(({ live }) => (live ? "live" : "resident"));
  return table(
    [
      "rows",
      "R2 until due",
      "late rows",
      "late seal s",
      `MiB ${kind ?? ""} above rest: ingest`,
      "seal",
      "audit",
      "late",
    ],
    hours.map(({ rows, r2Away, lateRows, lateSealMs, aboveRest }) => [
      rows.toLocaleString("en"),
      r2Away ? "away" : "there",
      lateRows.toLocaleString("en"),
      (lateSealMs / 1_000).toFixed(2),
      ...(aboveRest === null
        ? ["?", "?", "?", "?"]
        : [aboveRest.ingest, aboveRest.seal, aboveRest.audit, aboveRest.late].map((bytes) =>
            (bytes / mib).toFixed(0),
          )),
    ]),
  );
}
