/** A state in words, with the cell that stands for it in the grid. */
import type { BucketState } from "../../../domain/view/state.ts";
import { stateSigns } from "../model/states.ts";
import { StateCell } from "./state-cell.tsx";

export function StateBadge({ state }: { readonly state: BucketState }) {
  return (
    <span class={`badge badge-${state}`} title={stateSigns[state].meaning}>
      <StateCell state={state} />
      {stateSigns[state].label}
    </span>
  );
}
