/** The flow's drawing as shares of its widest hop: what is there, and what is missing of it. */
import type { FlowStep, FlowStepName } from "../../../domain/view/flow.ts";

export const stepLabels: Readonly<Record<FlowStepName, string>> = {
  received: "received by edges",
  accepted: "accepted by shards",
  delivered: "delivered by shards",
  listed: "listed in the manifest",
  reread: "found in R2",
};

export interface FlowBar {
  /** Of the widest hop, 0 to 1. */
  readonly there: number;
  readonly missing: number;
  readonly surplus: number;
}

export function flowBars(steps: readonly FlowStep[]): FlowBar[] {
  const widest = Math.max(1, ...steps.map(({ rows, missing }) => (rows ?? 0) + missing));
  return steps.map(({ rows, missing, surplus }) => ({
    there: Math.max(0, (rows ?? 0) - surplus) / widest,
    missing: missing / widest,
    surplus: Math.min(surplus, rows ?? 0) / widest,
  }));
}
