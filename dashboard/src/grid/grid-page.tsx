/** The grid of streams × hours, with what chooses the streams, and what is known of the cell that one is at. */
import { useContext, useMemo, useState } from "preact/hooks";
import { type BucketState, stateAt } from "../../../domain/view/state.ts";
import { type Grid, gridLoader } from "../api/load.ts";
import { usePolled } from "../api/use-polled.ts";
import { countOf } from "../model/format.ts";
import { type GridChoice, type Place, chosenStreams, tallyStates, within } from "../model/grid.ts";
import { hourLabel, plusHours } from "../model/hours.ts";
import { Freezes } from "../parts/freezes.tsx";
import { Notice } from "../parts/notice.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { Choice } from "./choice.tsx";
import { GridView, hrefAt } from "./grid-view.tsx";
import { Legend } from "./legend.tsx";
import { PaletteContext } from "./palette.ts";

export function GridPage() {
  const [hours, setHours] = useState(168);
  const load = useMemo(() => gridLoader(hours), [hours]);
  const polled = usePolled(`grid ${hours}`, load);
  const [choice, setChoice] = useState<GridChoice>({ text: "", only: null, order: "name" });
  const [at, moveTo] = useState<Place | null>(null);
  const palette = useContext(PaletteContext);
  const grid = polled.value;
  const lines = useMemo(() => (grid === null ? [] : chosenStreams(grid.streams, choice)), [grid, choice]);
  const tally = useMemo(() => (grid === null ? null : tallyStates(grid.streams)), [grid]);
  const only = (state: BucketState | "faults" | null): void => {
    setChoice((before) => ({ ...before, only: before.only === state ? null : state }));
  };
  return (
    <>
      <h1 class="sr">Grid of streams and hours</h1>
      <Choice choice={choice} change={setChoice} hours={hours} changeHours={setHours} />
      <Legend tally={tally} only={choice.only} choose={only} />
      <Freezes type={null} />
      <Notice polled={polled} what="grid" />
      {grid !== null && (
        <>
          <GridView
            lines={lines}
            from={grid.from}
            hours={grid.hours}
            palette={palette}
            at={
              at === null || lines.length === 0
                ? null
                : within(at, { rows: lines.length, columns: grid.hours })
            }
            moveTo={moveTo}
          />
          <Status grid={grid} lines={lines} at={at} />
        </>
      )}
    </>
  );
}

function coarse(): boolean {
  return matchMedia("(pointer: coarse)").matches;
}

/** What the cell is that one is at; without one, how much is shown. */
function Status({
  grid,
  lines,
  at,
}: {
  readonly grid: Grid;
  readonly lines: Grid["streams"];
  readonly at: Place | null;
}) {
  const line = at === null ? undefined : lines[at.row];
  if (at === null || line === undefined) {
    const of = lines.length === grid.streams.length ? "" : ` of ${grid.streams.length}`;
    return (
      <p class="grid-status">
        {grid.streams.length === 0
          ? "No stream is registered yet: npm run streams -- apply registers those of a file."
          : lines.length === 0
            ? "No stream matches; change the filter."
            : `${lines.length}${of} ${lines.length === 1 && of === "" ? "stream" : "streams"} × ${countOf(grid.hours, "hour")}. ${coarse() ? "Touch a cell to open its bucket." : "Arrow keys walk, Enter opens."}`}
      </p>
    );
  }
  const href = hrefAt(lines, grid.from, at);
  return (
    <p class="grid-status">
      <strong>{line.type}</strong>
      {at.column >= 0 && (
        <>
          <span>{hourLabel(plusHours(grid.from, at.column))} UTC</span>
          <StateBadge state={stateAt(line.states, at.column)} />
        </>
      )}
      {line.owner !== "" && <span class="hint">{line.owner}</span>}
      {href !== null && <a href={href}>{at.column < 0 ? "Open stream" : "Open bucket"}</a>}
    </p>
  );
}
