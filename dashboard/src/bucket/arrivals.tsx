/** Late rows and where they came from. */
import type { Arrivals as ArrivalsOfBucket } from "../../../domain/view/arrivals.ts";
import { countOf, countText, shareText, spanText } from "../model/format.ts";
import { hourLabel, hoursBetween } from "../model/hours.ts";

interface Given {
  readonly arrivals: ArrivalsOfBucket | null;
  readonly hour: string;
}

const shownMax = 12;

export function Arrivals({ arrivals, hour }: Given) {
  return (
    <section aria-labelledby="arrivals">
      <h2 id="arrivals">Late rows</h2>
      {arrivals === null ? (
        <p class="hint">Known when the bucket is sealed.</p>
      ) : (
        <Known arrivals={arrivals} hour={hour} />
      )}
    </section>
  );
}

function Known({ arrivals, hour }: { readonly arrivals: ArrivalsOfBucket; readonly hour: string }) {
  const { ownRows, from, movedIn } = arrivals;
  const late = from.reduce((sum, { rows }) => sum + rows, 0);
  const most = Math.max(1, ...from.map(({ rows }) => rows));
  return (
    <>
      <p>
        {countOf(ownRows, "row")} of this hour, {countText(late)} of other hours (
        {shareText(late, ownRows + late)}).
      </p>
      {from.length > 0 && (
        <ul class="bars">
          {from.slice(0, shownMax).map(({ homeHour, rows }) => (
            <li key={homeHour}>
              <span>{hourLabel(homeHour)}</span>
              <span class="bar" aria-hidden="true">
                <span style={{ width: `${(100 * rows) / most}%` }} />
              </span>
              <span class="number">{countText(rows)}</span>
              <span class="hint">{distance(hoursBetween(homeHour, hour))}</span>
            </li>
          ))}
        </ul>
      )}
      {from.length > shownMax && <p class="hint">and {countOf(from.length - shownMax, "more hour")}</p>}
      {movedIn.map(({ hour: of, rows }) => (
        <p key={of}>
          {countOf(rows, "row")} moved here from the bucket of {hourLabel(of)}: their home could not be
          reached.
        </p>
      ))}
    </>
  );
}

function distance(hours: number): string {
  const span = spanText(Math.abs(hours) * 3_600_000);
  return hours < 0 ? `${span} ahead` : `${span} late`;
}
