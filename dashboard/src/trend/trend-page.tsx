/** Loss and lateness of all streams over time. */
import { useMemo } from "preact/hooks";
import type { TrendReply } from "../../../domain/view/trend.ts";
import { loadTrend } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { niceMax, niceSpanMs } from "../model/chart.ts";
import { countOf, countText, shortCount, spanText } from "../model/format.ts";
import { hourLabel } from "../model/hours.ts";
import { BarChart, LineChart } from "../parts/charts.tsx";
import { Notice } from "../parts/notice.tsx";
import { hrefOf } from "../route.ts";

const hours = 168;

/** The newest ones; the grid has all of them. */
const shownMax = 24;

export function TrendPage() {
  const load = useMemo(() => loadTrend(hours), []);
  const polled = usePolled("trend", load);
  return (
    <>
      <h1>Loss and lateness, the last 7 days</h1>
      <Notice polled={polled} what="trend" />
      {polled.value !== null && <Trend trend={polled.value} />}
    </>
  );
}

function Trend({ trend }: { readonly trend: TrendReply }) {
  const { from, hours: entries } = trend;
  const sum = (of: (entry: TrendReply["hours"][number]) => number): number =>
    entries.reduce((total, entry) => total + of(entry), 0);
  const missing = sum(({ missingRows }) => missingRows);
  const surplus = sum(({ surplusRows }) => surplusRows);
  const faults = sum(({ faults: some }) => some);
  const worst = entries.reduce<TrendReply["hours"][number] | null>(
    (found, entry) =>
      entry.lateness !== null && entry.lateness.worstMs > (found?.lateness?.worstMs ?? -1) ? entry : found,
    null,
  );
  const most = (values: readonly (number | null)[]): number =>
    Math.max(0, ...values.map((value) => value ?? 0));
  const lateness = entries.map((entry) => entry.lateness);
  const frame = { from, hours: entries.length };
  const worstText =
    worst === null || worst.lateness === null
      ? "No hour is due yet."
      : `The latest was ${worst.lateness.worstType} of ${hourLabel(worst.hour)}, ${spanText(worst.lateness.worstMs)} after its end.`;
  return (
    <>
      <div class="charts">
        <BarChart
          {...frame}
          title="Rows missing and surplus"
          summary={`${countOf(missing, "row")} missing and ${countText(surplus)} surplus in all.`}
          max={niceMax(most(entries.map((entry) => entry.missingRows + entry.surplusRows)))}
          tick={shortCount}
          layers={[
            { name: "missing", style: "bar-missing", values: entries.map((entry) => entry.missingRows) },
            { name: "surplus", style: "bar-surplus", values: entries.map((entry) => entry.surplusRows) },
          ]}
        />
        <BarChart
          {...frame}
          title="Buckets that are not balanced"
          summary={`${countOf(faults, "bucket")} in all.`}
          max={niceMax(most(entries.map((entry) => entry.faults)))}
          tick={shortCount}
          layers={[
            { name: "not balanced", style: "bar-fault", values: entries.map((entry) => entry.faults) },
          ]}
        />
        <div>
          <LineChart
            {...frame}
            title="From the hour's end to its seal"
            summary={worstText}
            max={niceSpanMs(most(lateness.map((entry) => entry?.worstMs ?? null)))}
            tick={spanText}
            limit={null}
            layers={[
              { name: "worst", style: "line-worst", values: lateness.map((entry) => entry?.worstMs ?? null) },
              {
                name: "95 % of streams",
                style: "line-p95",
                values: lateness.map((entry) => entry?.p95Ms ?? null),
              },
              {
                name: "half of them",
                style: "line-median",
                values: lateness.map((entry) => entry?.medianMs ?? null),
              },
            ]}
          />
          <p class="hint">{worstText}</p>
        </div>
        <BarChart
          {...frame}
          title="Rows delivered"
          summary={`${countOf(
            sum(({ rows }) => rows),
            "row",
          )} in all.`}
          max={niceMax(most(entries.map(({ rows }) => rows)))}
          tick={shortCount}
          layers={[{ name: "rows", style: "bar-rows", values: entries.map(({ rows }) => rows) }]}
        />
      </div>
      <FaultyHours trend={trend} worst={worst?.lateness?.worstType ?? null} hour={worst?.hour ?? null} />
    </>
  );
}

interface FaultyGiven {
  readonly trend: TrendReply;
  readonly worst: string | null;
  readonly hour: string | null;
}

function FaultyHours({ trend, worst, hour }: FaultyGiven) {
  const faulty = trend.hours.filter((entry) => entry.faults > 0).toReversed();
  return (
    <section aria-labelledby="faulty">
      <h2 id="faulty">Hours with a bucket that is not balanced</h2>
      {worst !== null && hour !== null && (
        <p>
          <a href={hrefOf({ page: "bucket", type: worst, hour })}>
            Open the bucket that was sealed latest after its hour
          </a>
        </p>
      )}
      {faulty.length === 0 ? (
        <p class="hint">None.</p>
      ) : (
        <div class="table" role="region" aria-labelledby="faulty" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">hour</th>
                <th scope="col" class="number">
                  not balanced
                </th>
                <th scope="col" class="number">
                  of buckets
                </th>
                <th scope="col" class="number">
                  rows missing
                </th>
                <th scope="col" class="number">
                  rows surplus
                </th>
              </tr>
            </thead>
            <tbody>
              {faulty.slice(0, shownMax).map((entry) => (
                <tr key={entry.hour}>
                  <th scope="row">{hourLabel(entry.hour)}</th>
                  <td class="number">{countText(entry.faults)}</td>
                  <td class="number">{countText(entry.buckets)}</td>
                  <td class="number">{countText(entry.missingRows)}</td>
                  <td class="number">{countText(entry.surplusRows)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {faulty.length > shownMax && <p class="hint">and {countOf(faulty.length - shownMax, "more hour")}</p>}
    </section>
  );
}
