/** The plan against the need, hour by hour: how many shards there were, and how many the busiest one says it took. */
import type { StreamReply } from "../../../domain/view/stream.ts";
import { niceMax } from "../model/chart.ts";
import { countOf, neededText } from "../model/format.ts";
import { hourLabel } from "../model/hours.ts";
import { aheadText, hoursOver } from "../model/plan.ts";
import { BarChart } from "../parts/charts.tsx";

export function Plan({ stream }: { readonly stream: StreamReply }) {
  const { from, planned, needed, ahead } = stream;
  const over = hoursOver(planned, needed);
  const counted = needed.filter((value) => value !== null).length;
  const most = Math.max(1, ...[...planned, ...needed].map((value) => value ?? 0));
  const summary =
    counted === 0
      ? "No hour's load was counted yet."
      : over === 0
        ? `In none of ${countOf(counted, "hour")} was more needed than planned.`
        : `In ${over} of ${countOf(counted, "hour")} more was needed than planned.`;
  return (
    <div>
      <BarChart
        from={from}
        hours={planned.length}
        title="Shards planned and needed"
        summary={summary}
        max={niceMax(Math.ceil(most))}
        tick={neededText}
        layers={[{ name: "needed", style: "bar-rows", values: needed }]}
        steps={{ name: "planned", style: "line-plan", values: planned }}
      />
      <p class="hint">
        {summary} {aheadText(ahead, hourLabel)} What a shard was short of, overflow shards took.
      </p>
    </div>
  );
}
