/** Every state with how many buckets are in it; pressing one shows only the streams that have it. */
import { type BucketState, isFault } from "../../../domain/view/state.ts";
import { countText } from "../model/format.ts";
import { stateSigns, worstFirst } from "../model/states.ts";
import { StateCell } from "../parts/state-cell.tsx";

interface Given {
  /** Null: nobody has said yet. */
  readonly tally: ReadonlyMap<BucketState, number> | null;
  readonly only: BucketState | "faults" | null;
  readonly choose: (state: BucketState | "faults") => void;
}

export function Legend({ tally, only, choose }: Given) {
  const shown = worstFirst.filter((state) => state !== "none");
  const faults = shown.filter(isFault).reduce((sum, state) => sum + (tally?.get(state) ?? 0), 0);
  const all = faults === 0 ? "nothing to look at" : `${countText(faults)} to look at`;
  return (
    <div class="legend" role="group" aria-label="Show only streams with">
      <button
        type="button"
        class={`chip chip-all${faults > 0 ? " has-faults" : ""}`}
        aria-pressed={only === "faults"}
        onClick={() => {
          choose("faults");
        }}
      >
        {tally === null ? "to look at" : all}
      </button>
      {shown.map((state) => (
        <button
          key={state}
          type="button"
          class="chip"
          title={stateSigns[state].meaning}
          aria-pressed={only === state}
          onClick={() => {
            choose(state);
          }}
        >
          <StateCell state={state} />
          {stateSigns[state].label}{" "}
          {tally !== null && <span class="count">{countText(tally.get(state) ?? 0)}</span>}
        </button>
      ))}
    </div>
  );
}
