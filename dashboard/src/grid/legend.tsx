/** Every state with how many buckets are in it; pressing one shows only the streams that have it. */
import { type BucketState, isFault } from "../../../domain/view/state.ts";
import { countText } from "../model/format.ts";
import { stateSigns, worstFirst } from "../model/states.ts";
import { StateCell } from "../parts/state-cell.tsx";

interface Given {
  readonly tally: ReadonlyMap<BucketState, number>;
  readonly only: BucketState | "faults" | null;
  readonly choose: (state: BucketState | "faults") => void;
}

export function Legend({ tally, only, choose }: Given) {
  const shown = worstFirst.filter((state) => state !== "none");
  const faults = shown.filter(isFault).reduce((sum, state) => sum + (tally.get(state) ?? 0), 0);
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
        {faults === 0 ? "nothing to look at" : `${countText(faults)} to look at`}
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
          {stateSigns[state].label} <span class="count">{countText(tally.get(state) ?? 0)}</span>
        </button>
      ))}
    </div>
  );
}
