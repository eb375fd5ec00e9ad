/** One stream: what its owner chose, how much comes, how late it is sealed, and what its plan is against its need. */
import { useMemo } from "preact/hooks";
import type { StreamReply } from "../../../domain/view/stream.ts";
import { loadStream } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { niceMax, niceSpanMs } from "../model/chart.ts";
import { countOf, countText, shortCount, spanText } from "../model/format.ts";
import { worstEnded } from "../model/grid.ts";
import { BarChart, LineChart } from "../parts/charts.tsx";
import { Freezes } from "../parts/freezes.tsx";
import { Notice } from "../parts/notice.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { hrefOf } from "../route.ts";
import { Drained } from "./drained.tsx";
import { HourStrip } from "./hour-strip.tsx";
import { LastDay } from "./last-day.tsx";
import { Plan } from "./plan.tsx";
import { Quarantine, QuarantineChart } from "./quarantine.tsx";
import { Recent } from "./recent.tsx";
import { Settings } from "./settings.tsx";

const hours = 168;
const dayHours = 24;

export function StreamPage({ type }: { readonly type: string }) {
  const load = useMemo(() => loadStream(type, hours), [type]);
  const polled = usePolled(`stream ${type}`, load);
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <a href={hrefOf({ page: "grid" })}>Grid</a>
        <a href={hrefOf({ page: "streams" })}>Streams</a>
        <span>{type}</span>
      </nav>
      <h1 class="title">
        <span>{type}</span>{" "}
        {polled.value !== null && <StateBadge state={worstEnded(polled.value.states.slice(-dayHours))} />}{" "}
        <span class="hint title-note">the worst of 24 hours</span>
      </h1>
      <Freezes type={type} />
      <Notice polled={polled} what="stream" />
      {polled.value !== null && <Stream stream={polled.value} />}
    </>
  );
}

function Stream({ stream }: { readonly stream: StreamReply }) {
  const { from, rows, latenessMs, targetLatenessMs } = stream;
  const frame = { from, hours: rows.length };
  const most = (values: readonly (number | null)[]): number =>
    Math.max(0, ...values.map((value) => value ?? 0));
  const total = rows.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const late = latenessMs.filter((value) => value !== null && value > targetLatenessMs).length;
  return (
    <>
      <Drained drained={stream.drained} />
      <Settings stream={stream} />
      <LastDay stream={stream} />
      <HourStrip stream={stream} />
      <div class="charts">
        <BarChart
          {...frame}
          title="Rows an hour"
          summary={`${countOf(total, "row")} in 7 days, at most ${countText(most(rows))} in an hour.`}
          max={niceMax(most(rows))}
          tick={shortCount}
          layers={[{ name: "rows", style: "bar-rows", values: rows }]}
        />
        <LineChart
          {...frame}
          title="From the hour's end to its seal"
          summary={`${countOf(late, "hour")} later than the target of ${spanText(targetLatenessMs)}.`}
          max={niceSpanMs(Math.max(1.1 * targetLatenessMs, most(latenessMs)))}
          tick={spanText}
          limit={{ name: "target", value: targetLatenessMs }}
          layers={[{ name: "seal", style: "line-worst", values: latenessMs }]}
        />
        <Plan stream={stream} />
        <QuarantineChart stream={stream} />
      </div>
      <Quarantine stream={stream} />
      <Recent stream={stream} />
    </>
  );
}
