/** What the newest sealed hours came to, in a sentence: how much, how much of it twice or late, how late the seals were. */
import type { StreamReply } from "../../../domain/view/stream.ts";
import { countOf, countText, rateText, shareText, spanText } from "../model/format.ts";

export function LastDay({ stream }: { readonly stream: StreamReply }) {
  const { recent, latenessMs } = stream;
  const [first] = recent;
  if (first === undefined) return null;
  const sum = (of: (hour: StreamReply["recent"][number]) => number): number =>
    recent.reduce((total, hour) => total + of(hour), 0);
  const rows = sum((hour) => hour.rows);
  const repeated = sum(({ duplicates, denied }) => duplicates + denied);
  const late = sum((hour) => hour.late);
  const worstMs = Math.max(0, ...latenessMs.slice(-recent.length - 1).map((ms) => ms ?? 0));
  return (
    <p>
      The newest {recent.length === 1 ? "sealed hour" : `${recent.length} sealed hours`}:{" "}
      {countOf(rows, "row")}, {rateText(rows / recent.length)} a second; {countText(repeated)} came again (
      {shareText(repeated, rows + repeated)}), {countText(late)} late ({shareText(late, rows)}); sealed at
      most {spanText(worstMs)} after the hour.
    </p>
  );
}
