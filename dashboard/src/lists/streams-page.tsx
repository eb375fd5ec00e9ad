/** Every stream: whose it is, how important, and what its last day was like. Read-only. */
import { useMemo, useState } from "preact/hooks";
import { gridLoader } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { countText } from "../model/format.ts";
import { type GridOrder, chosenStreams, faultsOf, worstEnded } from "../model/grid.ts";
import { Notice } from "../parts/notice.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { hrefOf } from "../route.ts";

const hours = 24;

/** More are found by their names: a table of thousands of rows is read by nobody. */
const shownMax = 500;

export function StreamsPage() {
  const load = useMemo(() => gridLoader(hours), []);
  const polled = usePolled("streams", load);
  const [text, setText] = useState("");
  const order: GridOrder = "name";
  const lines = chosenStreams(polled.value?.streams ?? [], { text, only: null, order });
  return (
    <>
      <h1>Streams</h1>
      <form
        class="choice"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
        }}
      >
        <label>
          <span>Find</span>
          <input
            type="search"
            placeholder="stream or owner"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
            }}
          />
        </label>
      </form>
      <Notice polled={polled} what="streams" />
      {polled.value !== null && (
        <div class="table" role="region" aria-label="Streams" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">stream</th>
                <th scope="col">owner</th>
                <th scope="col">priority</th>
                <th scope="col">worst in 24 hours</th>
                <th scope="col" class="number">
                  to look at
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.slice(0, shownMax).map(({ type, owner, priority, states }) => (
                <tr key={type}>
                  <th scope="row" class="long">
                    <a href={hrefOf({ page: "stream", type })}>{type}</a>
                  </th>
                  <td>{owner === "" ? "–" : owner}</td>
                  <td>{priority}</td>
                  <td>
                    <StateBadge state={worstEnded(states)} />
                  </td>
                  <td class={`number${faultsOf(states) > 0 ? " warn" : ""}`}>
                    {countText(faultsOf(states))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {lines.length > shownMax && (
        <p class="hint">{countText(lines.length - shownMax)} more; find them by their names.</p>
      )}
    </>
  );
}
