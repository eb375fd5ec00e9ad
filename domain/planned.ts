/**
 * The shard counts that the planner chose, as edges read them: steps, each from an hour on until the next one. So an edge
 * that hears of no further step goes on with the last one, and not with the least.
 *
 * A hint, as all that an edge knows of a plan: a bucket fixes its own, and a shard corrects whoever assumes another.
 */
import * as z from "zod";
import { type Hour, HourText, plusHours } from "./hour.ts";
import { planAheadHours, plannedHoursKept, shardsMax as shardsLimit } from "./limits.ts";

// Read by older code too, which ignores what it does not know: docs/adr/0023.
export const PlanStep = z.object({ from: HourText, shards: z.number().int().min(1).max(shardsLimit) });
export type PlanStep = z.infer<typeof PlanStep>;

/** In the order of their hours. */
export const PlanSteps = z
  .array(PlanStep)
  .max(plannedHoursKept + planAheadHours + 1)
  .readonly();

interface Bounds {
  readonly shards: number;
  /** Null: the owner wants just `shards`. */
  readonly shardsMax: number | null;
}

/** Home shards of an hour of the stream that is not open yet, by what its owner wants and the planner chose. */
export function plannedShards(
  stream: Bounds & { readonly planned: readonly PlanStep[] },
  hour: Hour,
): number {
  const step = stream.planned.findLast(({ from }) => from <= hour) ?? stream.planned[0];
  return withinBounds(stream, step?.shards ?? stream.shards);
}

/** The count that the owner's bounds make of this one. */
export function withinBounds({ shards, shardsMax }: Bounds, wanted: number): number {
  return Math.max(shards, Math.min(shardsMax ?? shards, wanted));
}

/** The steps with these hours planned anew, in a row from `from` on; what no open hour needs any more is left out. */
export function withPlanned(
  steps: readonly PlanStep[],
  from: Hour,
  counts: readonly number[],
): readonly PlanStep[] {
  const planned = counts.map((shards, index) => ({ from: plusHours(from, index), shards }));
  const all = [...steps.filter((step) => step.from < from), ...planned];
  const oldest = all.findLastIndex((step) => step.from <= plusHours(from, -plannedHoursKept));
  return all
    .slice(Math.max(0, oldest))
    .filter((step, index, kept) => index === 0 || step.shards !== kept[index - 1]?.shards);
}
