/** The newest hours with all their counters: duplicates, late rows, and the plan against what was needed. */
import type { RecentHour, StreamReply } from "../../../domain/view/stream.ts";
import { countText, neededText, rateText, shareText } from "../model/format.ts";
import { hourLabel } from "../model/hours.ts";
import { hrefOf } from "../route.ts";

export function Recent({ stream }: { readonly stream: StreamReply }) {
  const hours = stream.recent.toReversed();
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">
        Newest sealed hours <span class="hint">from their manifests</span>
      </h2>
      {hours.length === 0 ? (
        <p class="hint">None is sealed yet.</p>
      ) : (
        <div class="table" role="region" aria-labelledby="recent" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">hour</th>
                <th scope="col" class="number">
                  rows
                </th>
                <th scope="col" class="number">
                  rows/s
                </th>
                <th scope="col" class="number">
                  duplicates
                </th>
                <th scope="col" class="number">
                  denied
                </th>
                <th scope="col" class="number">
                  late
                </th>
                <th scope="col" class="number">
                  shards planned
                </th>
                <th scope="col" class="number">
                  needed
                </th>
                <th scope="col" class="number">
                  overflow shards
                </th>
                <th scope="col" class="number">
                  busiest shard
                </th>
              </tr>
            </thead>
            <tbody>
              {hours.map((hour) => (
                <Row key={hour.hour} hour={hour} type={stream.type} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="hint">
        Needed is what would have held the hour with room to spare, by its busiest shard: with rows spread
        evenly its share is one part in the number of shards. Overflow shards take rows when a planned one
        cannot.
      </p>
    </section>
  );
}

function Row({ hour, type }: { readonly hour: RecentHour; readonly type: string }) {
  return (
    <tr>
      <th scope="row">
        <a href={hrefOf({ page: "bucket", type, hour: hour.hour })}>{hourLabel(hour.hour)}</a>
      </th>
      <td class="number">{countText(hour.rows)}</td>
      <td class="number">{rateText(hour.rows)}</td>
      <td class="number">{countText(hour.duplicates)}</td>
      <td class="number">{countText(hour.denied)}</td>
      <td class="number">{countText(hour.late)}</td>
      <td class="number">{hour.planShards === null ? "–" : countText(hour.planShards)}</td>
      <td class={`number${hour.neededShards > (hour.planShards ?? Infinity) ? " warn" : ""}`}>
        {neededText(hour.neededShards)}
      </td>
      <td class={`number${hour.overflowShards > 0 ? " warn" : ""}`}>{countText(hour.overflowShards)}</td>
      <td class="number">
        {countText(hour.busiestRows)} <span class="hint">{shareText(hour.busiestRows, hour.rows)}</span>
      </td>
    </tr>
  );
}
