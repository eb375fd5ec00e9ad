/** What of the stream is in quarantine: how much, hour by hour, and why. */
import type { QuarantineView } from "../../../domain/view/quarantine.ts";
import type { StreamReply } from "../../../domain/view/stream.ts";
import { niceMax } from "../model/chart.ts";
import { countOf, countText, shareText, shortCount } from "../model/format.ts";
import { momentLabel } from "../model/hours.ts";
import { BarChart } from "../parts/charts.tsx";

export function Quarantine({ stream }: { readonly stream: StreamReply }) {
  const { quarantined, quarantine, settings, type } = stream;
  const total = quarantined.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return (
    <section aria-labelledby="quarantine">
      <h2 id="quarantine">
        Quarantine{" "}
        <span class="hint">
          {total === 0
            ? "none in 7 days"
            : `${countOf(total, "event")} answered so in 7 days, repeats included`}
        </span>
      </h2>
      {total === 0 && (
        <p class="hint">
          {settings.onInvalid === "quarantine"
            ? "Events that break its schema go there."
            : "Events that break its schema are refused: it does not keep them."}
        </p>
      )}
      {total > 0 && quarantine === null && <p class="hint">Why is told once an hour of them is sealed.</p>}
      {quarantine !== null && quarantine.events > 0 && (
        <div class="columns">
          <Reasons quarantine={quarantine} />
          <Newest newest={quarantine.newest} />
        </div>
      )}
      {total > 0 && (
        <p class="hint">
          Each of them, with what it holds: <code>npm run streams -- quarantine {quoted(type)}</code>. Once
          schema or client is mended: <code>npm run streams -- replay-quarantine {quoted(type)}</code>.
        </p>
      )}
    </section>
  );
}

/** Nothing where there is nothing to be seen. */
export function QuarantineChart({ stream }: { readonly stream: StreamReply }) {
  const { from, quarantined } = stream;
  const counts = quarantined.map((value) => value ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const most = Math.max(...counts);
  return (
    <BarChart
      from={from}
      hours={quarantined.length}
      title="Events quarantined an hour"
      summary={`${countOf(total, "event")} in 7 days, at most ${countText(most)} in an hour.`}
      max={niceMax(most)}
      tick={shortCount}
      layers={[{ name: "quarantined", style: "bar-quarantined", values: quarantined }]}
    />
  );
}

function Reasons({ quarantine }: { readonly quarantine: QuarantineView }) {
  const { events, whole, reasons, otherEvents } = quarantine;
  return (
    <div>
      <h3 id="reasons">
        Why{" "}
        <span class="hint">
          {whole ? `of ${countOf(events, "event")}` : `of the newest ${countOf(events, "event")}`} in sealed
          hours
        </span>
      </h3>
      <div class="table" role="region" aria-labelledby="reasons" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">reason</th>
              <th scope="col">place</th>
              <th scope="col" class="number">
                events
              </th>
              <th scope="col">the newest says</th>
            </tr>
          </thead>
          <tbody>
            {reasons.map((reason) => (
              <tr key={`${reason.code} ${reason.pointer ?? ""}`}>
                <th scope="row">{reason.code.replaceAll("_", " ")}</th>
                <td class="long">{reason.pointer === null ? "–" : <code>{reason.pointer}</code>}</td>
                <td class="number">
                  {countText(reason.events)} <span class="hint">{shareText(reason.events, events)}</span>
                </td>
                <td>{reason.detail}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {otherEvents > 0 && <p class="hint">and {countOf(otherEvents, "event")} of other reasons</p>}
    </div>
  );
}

function Newest({ newest }: Pick<QuarantineView, "newest">) {
  return (
    <div>
      <h3 id="newest">Newest</h3>
      <div class="table" role="region" aria-labelledby="newest" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">received</th>
              <th scope="col">reason</th>
              <th scope="col">place</th>
            </tr>
          </thead>
          <tbody>
            {newest.map(({ receivedAt, code, pointer }, index) => (
              <tr key={index}>
                <th scope="row">
                  <time dateTime={receivedAt}>{momentLabel(receivedAt)}</time>
                </th>
                <td>{code.replaceAll("_", " ")}</td>
                <td class="long">{pointer === null ? "–" : <code>{pointer}</code>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function quoted(type: string): string {
  return /^[\w.-]+$/.test(type) ? type : JSON.stringify(type);
}
