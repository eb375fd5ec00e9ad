/** The stream's hours: days below each other, a link for every hour. */
import { stateAt } from "../../../domain/view/state.ts";
import type { StreamReply } from "../../../domain/view/stream.ts";
import { countOf } from "../model/format.ts";
import { dayLabel, hourLabel, plusHours } from "../model/hours.ts";
import { stateSigns } from "../model/states.ts";
import { StateCell } from "../parts/state-cell.tsx";
import { hrefOf } from "../route.ts";

export function HourStrip({ stream }: { readonly stream: StreamReply }) {
  const hours = Array.from(stream.states, (_, index) => ({ index, hour: plusHours(stream.from, index) }));
  const days = [...Map.groupBy(hours, ({ hour }) => hour.slice(0, 10))]
    .filter(([, of]) => of.some(({ index }) => stateAt(stream.states, index) !== "none"))
    .toReversed();
  return (
    <section aria-labelledby="hours">
      <h2 id="hours">Hours</h2>
      <div class="table" role="region" aria-labelledby="hours" tabIndex={0}>
        <table class="strip">
          <thead>
            <tr>
              <th scope="col">
                <span class="sr">day</span>
              </th>
              {Array.from({ length: 24 }, (_, clock) => (
                <th key={clock} scope="col">
                  {String(clock).padStart(2, "0")}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {days.map(([day, of]) => (
              <tr key={day}>
                <th scope="row">{dayLabel(`${day}T00`)}</th>
                {Array.from({ length: 24 }, (_, clock) => {
                  const found = of.find(({ hour }) => Number(hour.slice(11)) === clock);
                  return (
                    <td key={clock}>{found !== undefined && <HourLink stream={stream} {...found} />}</td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface LinkGiven {
  readonly stream: StreamReply;
  readonly index: number;
  readonly hour: string;
}

function HourLink({ stream, index, hour }: LinkGiven) {
  const state = stateAt(stream.states, index);
  if (state === "none") return null;
  const rows = stream.rows[index] ?? null;
  const text = `${hourLabel(hour)}: ${stateSigns[state].label}${rows === null ? "" : `, ${countOf(rows, "row")}`}`;
  return (
    <a href={hrefOf({ page: "bucket", type: stream.type, hour })} aria-label={text} title={text}>
      <StateCell state={state} />
    </a>
  );
}
